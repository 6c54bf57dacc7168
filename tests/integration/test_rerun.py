"""A job repeated exactly: from the files that it read, whatever became of the uploads, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.errors import Conflict
from calculation_engine.states import Reason, State
from tests.integration.conftest import PROGRAMS
from tests.integration.place import LIMIT_SECONDS, Place, open_place

CLOCK = """
mkdir -p output
printf 'VALUE\\n%s\\n' "$(date +%N)" > output/table.csv
printf 'code: 200\\n' > output/status.yaml
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modules")
    shutil.copytree(PROGRAMS / "probe", folder / "probe")
    clock = folder / "clock"
    clock.mkdir()
    manifest = (PROGRAMS / "probe" / "module.yaml").read_text().replace("name: probe", "name: clock")
    (clock / "module.yaml").write_text(manifest)
    (clock / "run.sh").write_text(CLOCK)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("rerun") / "data", module_path=[modules]) as place:
        yield place


def workflow(note: str) -> dict[str, Any]:
    piped = {"table": {"process": "first", "label": "table"}}
    return {
        "name": note,
        "slot": "place",
        "tags": {"kind": note},
        "processes": [
            {"name": "first", "module": "probe", "config": {"note": note}, "inputs": {"table": "VALUE\n7\n"}},
            {"name": "second", "module": "probe", "config": {"note": note}, "pipes": piped},
        ],
        "components": [{"type": "chain", "name": "both", "sequence": ["first", "second"]}],
    }


def test_it_computes_the_same_from_the_same_and_says_so(place: Place) -> None:
    job = place.client.submit(workflow("same")).wait(LIMIT_SECONDS)

    again = job.rerun().wait(LIMIT_SECONDS)

    assert again.state is State.SUCCEEDED, again.message
    assert again.view.origin == {"kind": "rerun", "job": job.id}
    assert (again.name, again.summary.tags, again.summary.slot) == ("same", {"kind": "same"}, None)
    assert [step.reused_from for step in again.steps] == [None, None]
    assert [step.key for step in again.steps] == [step.key for step in job.steps]
    assert [why.verification and why.verification.reference for why in again.why()] == [step.id for step in job.steps]
    assert all(why.verification and why.verification.verdict == "same" for why in again.why())
    assert again.results.read("second/output/table.csv") == job.results.read("second/output/table.csv")


def test_a_result_that_is_not_reproduced_is_a_failure(place: Place) -> None:
    job = place.client.submit(module="clock").wait(LIMIT_SECONDS)

    again = job.rerun().wait(LIMIT_SECONDS)

    assert (again.state, again.reason) == (State.FAILED, Reason.NOT_REPRODUCED)


def test_an_imported_job_is_repeated_too(place: Place, tmp_path: Path, modules: Path) -> None:
    job = place.client.submit(workflow("travels")).wait(LIMIT_SECONDS)
    with open_place(tmp_path / "data", module_path=[modules]) as there:
        brought, _ = there.client.import_job(job.export(tmp_path / "job.zip"))

        again = brought.rerun().wait(LIMIT_SECONDS)

        assert again.state is State.SUCCEEDED, again.message
        assert all(why.verification and why.verification.verdict == "same" for why in again.why())


def test_what_is_not_there_any_more_is_named_at_once(place: Place, modules: Path) -> None:
    job = place.client.submit(workflow("gone")).wait(LIMIT_SECONDS)
    digest = job.provenance().steps[0].files["table.csv"].sha256
    stored = place.data_dir / "store" / digest[:2] / digest[2:]
    kept, script = stored.read_bytes(), modules / "probe" / "run.sh"
    code = script.read_text()
    stored.unlink()
    script.write_text(code + "# another\n")
    try:
        with pytest.raises(Conflict) as refused:
            job.rerun()
    finally:
        stored.write_bytes(kept)
        script.write_text(code)

    assert [fault.path for fault in refused.value.faults] == ["modules.probe", "first/input/table.csv"]
    assert "its files have changed, still as version 1.0.0" in refused.value.faults[0].message
    assert len(place.client.jobs(tags={"kind": "gone"})) == 1


def test_a_job_that_runs_is_not_repeated(place: Place) -> None:
    job = place.client.submit(module="probe", config={"sleep": 60})

    with pytest.raises(Conflict, match="only a job that has ended"):
        job.rerun()
    job.cancel()
