"""Jobs that travel: exported from one machine, taken in on another, refused when damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.client import Client, Job
from calculation_engine.errors import Conflict, InvalidInput, NotFound
from calculation_engine.states import State
from tests.integration.place import LIMIT_SECONDS, Place, open_place

VALIDATOR, CONTEXT = "roc-validator==0.13.0", "rocrate==0.13.0"
#: What the profiles recommend and a crate does not have: addresses of programs that nobody published, a publisher,
#: where its author works, a README, and Bioschemas' profile of workflows.
NOT_FOLLOWED = {
    "process-run-crate-0.5_3.2",
    "process-run-crate-0.5_5.1",
    "ro-crate-1.1_22.3",
    "ro-crate-1.1_30.2",
    "ro-crate-1.1_30.3",
    "workflow-ro-crate-1.0_6.1",
    "workflow-ro-crate-1.0_6.2",
    "workflow-ro-crate-1.0_8.1",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("here") / "data") as place:
        yield place


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("there") / "data") as place:
        yield place


def workflow(note: str) -> dict[str, Any]:
    return {
        "name": f"travels {note}",
        "tags": {"kind": "test"},
        "processes": [
            {"name": "first", "module": "probe", "config": {"note": note}, "inputs": {"table": "VALUE\n7\n"}},
            {
                "name": "second",
                "module": "probe",
                "config": {"note": note},
                "pipes": {"table": {"process": "first", "label": "table"}},
            },
        ],
    }


@pytest.fixture(scope="module")
def job(here: Place) -> Job:
    job = here.client.submit(workflow("a")).wait(LIMIT_SECONDS)
    assert job.state is State.SUCCEEDED, job.message
    return job


@pytest.fixture(scope="module")
def crate(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job.export(tmp_path_factory.mktemp("crate") / "job.crate.zip", licence="CC-BY-4.0")


def all_of(client: Client, job_id: str) -> dict[str, Any]:
    """Return what a machine tells of a job, but for where it tells it and that the job came from elsewhere."""
    job = client.job(job_id)
    view = job.view.model_dump(mode="json", exclude={"imported", "origin"})
    files = {path: job.results.read(path) for path in job.results.files}
    made = job.provenance().model_dump(mode="json", exclude={"job": {"origin"}})
    return {"view": view, "files": files, "log": job.log(), "made": made}


def test_a_job_that_was_brought_here_is_the_same_and_says_that_it_came(
    here: Place, there: Place, job: Job, crate: Path
) -> None:
    brought, is_new = there.client.import_job(crate)
    again, is_new_again = there.client.import_job(crate)

    assert (is_new, is_new_again, again.id) == (True, False, brought.id)
    assert all_of(there.client, job.id) == all_of(here.client, job.id)
    assert brought.summary.imported is not None
    assert brought.view.origin == {"kind": "import", "owner": "local", "engine": job.provenance().engine}
    assert [each.id for each in there.client.jobs(tags={"kind": "test"})] == [job.id]
    [first, _] = brought.why()
    assert first.sentence == "computed: it ran on another machine, and its result was brought here"


def test_its_results_are_reused_and_read(there: Place, crate: Path) -> None:
    brought, _ = there.client.import_job(crate)

    equal = there.client.submit(workflow("a")).wait(LIMIT_SECONDS)
    reading = {"type": "job", "uuid": brought.id, "path": "second/output/table.csv"}
    further = there.client.submit(module="probe", inputs={"table": reading}).wait(LIMIT_SECONDS)

    assert [step.reused_from for step in equal.steps] == [step.id for step in brought.steps]
    assert further.results.read("probe/output/table.csv") == b"VALUE\n7\n1\n1\n1\n"


def test_a_sweep_travels_with_its_rows_and_says_what_it_took(here: Place, there: Place, tmp_path: Path) -> None:
    process = {"name": "add", "module": "sum", "config": {"base": 1, "parts": []}}
    design = {"type": "grid", "columns": {"add.config.base": [1, -1, 2]}}
    sweep = {"type": "sweep", "name": "scan", "component": "add", "design": design, "failed_rows": "accept"}
    document = {"processes": [process], "components": [sweep]}
    first = here.client.submit(document).wait(LIMIT_SECONDS)
    second = here.client.submit(document).wait(LIMIT_SECONDS)

    brought, _ = there.client.import_job(second.export(tmp_path / "sweep.zip"))

    assert all_of(there.client, second.id) == all_of(here.client, second.id)
    assert [(row.number, row.state) for row in brought.provenance().rows] == [
        (1, State.SUCCEEDED),
        (2, State.FAILED),
        (3, State.SUCCEEDED),
    ]
    assert brought.results["scan/table.csv"]["add.total"].to_list()[::2] == [1, 2]
    sources = {step.path: step.id for step in first.steps}
    taken = {step.path: step.reused_from for step in brought.steps if step.reused_from}
    assert taken == {path: sources[path] for path in ("scan/1/add", "scan/3/add")}
    told = {why.path: why for why in brought.why()}
    assert told["scan/1/add"].sentence.endswith("those of a step that was not brought here")
    equal = there.client.submit(document).wait(LIMIT_SECONDS)
    assert {step.path: step.reused_from for step in equal.steps if step.reused_from} == {
        path: next(step.id for step in brought.steps if step.path == path) for path in taken
    }
    brought.delete()
    assert there.client.import_job(second.export(tmp_path / "again.zip"))[1]


def test_a_job_that_was_deleted_comes_back_from_its_crate(here: Place, tmp_path: Path) -> None:
    job = here.client.submit(workflow("deleted")).wait(LIMIT_SECONDS)
    crate = job.export(tmp_path / "job.zip")
    before = all_of(here.client, job.id)
    job.delete()

    assert here.client.import_job(crate)[1]
    assert all_of(here.client, job.id) == before


def test_a_failed_job_travels_too_and_one_that_runs_does_not(here: Place, there: Place, tmp_path: Path) -> None:
    failed = here.client.submit(module="probe", config={"exit": 3}).wait(LIMIT_SECONDS)
    running = here.client.submit(module="probe", config={"sleep": 60})

    brought, _ = there.client.import_job(failed.export(tmp_path / "failed.zip"))
    with pytest.raises(Conflict, match="can be told when it has ended"):
        running.export(tmp_path / "running.zip")
    running.cancel()

    assert (brought.state, brought.reason, brought.message) == (failed.state, failed.reason, failed.message)
    assert [path.name for path in tmp_path.iterdir()] == ["failed.zip"]


def test_files_that_are_not_stored_any_more_are_named(here: Place, tmp_path: Path) -> None:
    job = here.client.submit(workflow("lost")).wait(LIMIT_SECONDS)
    digest = job.results.files["first/output/status.yaml"].sha256
    stored = here.data_dir / "store" / digest[:2] / digest[2:]
    kept = stored.read_bytes()
    stored.unlink()
    try:
        with pytest.raises(Conflict, match=r"status\.yaml: its content is not stored any more"):
            job.export(tmp_path / "lost.zip")
    finally:
        stored.write_bytes(kept)


def test_a_crate_is_valid_by_the_validator_of_the_profiles(crate: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    script = Path(__file__).with_name("validate_crate.py")
    command = [uv, "tool", "run", "--from", VALIDATOR, "--with", CONTEXT, "python", str(script), str(crate)]
    command += ["workflow-run-crate-0.5"]

    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)

    assert told.returncode == 0, told.stderr
    issues = json.loads(told.stdout)
    assert [issue for issue in issues if issue["severity"] == "REQUIRED"] == []
    assert {issue["check"] for issue in issues} <= NOT_FOLLOWED


Files = dict[str, bytes]


def with_other_byte(files: Files) -> None:
    files["first/output/table.csv"] = files["first/output/table.csv"].replace(b"7", b"8")
    files["first/log.txt"] += b"more"


def without_files(files: Files) -> None:
    del files["second/output/table.csv"], files["workflow.json"]


def with_paths_that_lead_out(files: Files) -> None:
    files["../outside.txt"] = files["/etc/outside"] = b"x"


def with_another_record(files: Files) -> None:
    files["provenance.json"] = files["provenance.json"].replace(b"travels", b"arrived")


def without_record(files: Files) -> None:
    del files["provenance.json"]


def signed(change: Callable[[dict[str, Any]], None]) -> Callable[[Files], None]:
    """Change the record, and make the metadata fit it."""

    def changed(files: Files) -> None:
        old = hashlib.sha256(files["provenance.json"]).hexdigest()
        record = json.loads(files["provenance.json"])
        change(record)
        files["provenance.json"] = json.dumps(record).encode()
        new = hashlib.sha256(files["provenance.json"]).hexdigest()
        files["ro-crate-metadata.json"] = files["ro-crate-metadata.json"].replace(old.encode(), new.encode())

    return changed


def claim_another_result(record: dict[str, Any]) -> None:
    record["steps"][0]["config"] = {"note": "another"}
    record["steps"][1]["outputs"][0]["sha256"] = "0" * 64


def lead_out(record: dict[str, Any]) -> None:
    record["steps"][0]["path"] = "../../outside"
    record["steps"][0]["id"] = "../../outside"
    record["job"]["state"] = "running"


DAMAGES: dict[str, tuple[Callable[[Files], None], list[str]]] = {
    "content": (with_other_byte, ["first/log.txt", "first/output/table.csv"]),
    "absent": (without_files, ["second/output/table.csv", "workflow.json"]),
    "traversal": (with_paths_that_lead_out, ["../outside.txt", "/etc/outside"]),
    "record": (with_another_record, ["provenance.json"]),
    "no record": (without_record, ["provenance.json"]),
    "false key": (
        signed(claim_another_result),
        ["provenance.json: steps.first.key", "provenance.json: steps.second.outputs.status.yaml"],
    ),
    "false paths": (
        signed(lead_out),
        ["provenance.json: job.state", "provenance.json: steps[0].id", "provenance.json: steps[0].path"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_crate_is_refused_with_every_fault(
    here: Place, there: Place, job: Job, crate: Path, tmp_path: Path, damage: str
) -> None:
    fresh = here.client.submit(workflow(f"damaged {damage}")).wait(LIMIT_SECONDS)
    whole = fresh.export(tmp_path / "whole.zip")
    with zipfile.ZipFile(whole) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change, paths = DAMAGES[damage]
    change(files)
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)

    with pytest.raises(InvalidInput) as refused:
        there.client.import_job(damaged)

    assert sorted(fault.path for fault in refused.value.faults) == paths
    with pytest.raises(NotFound):
        there.client.job(fresh.id)


def test_a_file_that_is_no_archive_or_half_of_one_is_refused(there: Place, crate: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.zip"
    half.write_bytes(crate.read_bytes()[: crate.stat().st_size // 2])

    with pytest.raises(InvalidInput, match="cannot be read as a zip archive"):
        there.client.import_job(half)
