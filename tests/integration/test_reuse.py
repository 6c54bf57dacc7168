"""What is computed and what is reused, and what users are told of why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.api.server import Parts
from calculation_engine.engine.explaining.reasons import Reasons
from calculation_engine.engine.explaining.waits import Waits
from calculation_engine.metrics import REGISTRY
from calculation_engine.schemas.why import StepWhy
from calculation_engine.settings import Settings
from calculation_engine.states import Reason, State
from tests.integration.conftest import System

MANIFEST = """
name: adder
version: "{version}"
title: Adds numbers
licence: Apache-2.0
source: https://example.org/adder
command: [sh, "{{module}}/run.sh"]
image: {{repository: calculation-engine/adder, tag: "1"}}
inputs:
- {{label: data, path: data.txt, media_type: text/plain, required: false}}
outputs:
- {{label: table, path: table.csv, media_type: text/csv}}
config_schema: {{type: object}}
"""
RUN = """
printf 'code: 200\\nmessage: added\\n' > output/status.yaml
printf 'K,VALUE\\na,1.5\\n' > output/table.csv
"""


@pytest.fixture
def adder(tmp_path: Path) -> Path:
    """Return the folder of a module of which a test can change everything."""
    folder = tmp_path / "modules" / "adder"
    folder.mkdir(parents=True)
    (folder / "module.yaml").write_text(MANIFEST.format(version="1.0.0"))
    (folder / "run.sh").write_text(RUN)
    return folder


@pytest.fixture
def system(tmp_path: Path, adder: Path) -> Iterator[System]:
    parts = Parts.assemble(Settings(data_dir=tmp_path / "data", module_path=[adder.parent]))
    engine = parts.engine()
    engine.start()
    yield System(parts, engine)
    engine.stop()
    parts.close()


def ran(system: System, config: dict[str, Any] | None = None, data: str | None = None, **body: Any) -> str:
    """Run a job of the module and return its id."""
    inputs = {} if data is None else {"data": {"type": "inline", "text": data}}
    return system.ended(system.submit({"module": "adder", "config": config or {}, "inputs": inputs, **body})).id


def why(system: System, job_id: str) -> StepWhy:
    """Return why the one step of a job was computed or reused."""
    [told] = whys(system, job_id)
    return told


def whys(system: System, job_id: str) -> list[StepWhy]:
    """Return why the steps of a job were computed or reused."""
    database, job = system.parts.database, system.job(job_id)
    return Reasons(database, job, Waits(database, system.parts.settings, job)).of(system.steps(job_id))


def make_irreproducible(adder: Path) -> None:
    """Let the module give another value, of 1.0 to 1.43, in every run."""
    number = "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')"
    (adder / "run.sh").write_text(f"{RUN}\nprintf 'K,VALUE\\na,1.%010d\\n' \"{number}\" > output/table.csv\n")


def test_first_run_of_a_module_is_told(system: System) -> None:
    told = why(system, ran(system))

    assert (told.outcome, [cause.kind for cause in told.causes]) == ("computed", ["first_run"])
    assert told.sentence == "computed: it is the first run of module adder here"


def test_reused_step_names_the_run_that_it_was_taken_from(system: System) -> None:
    first = ran(system, name="the first")
    told = why(system, ran(system))

    assert told.outcome == "reused"
    assert told.reused_from is not None
    assert (told.reused_from.job, told.reused_from.path) == (first, "adder")
    assert f"those of step adder of job {first} (the first)" in told.sentence


def test_config_that_differs_is_named_by_its_path(system: System) -> None:
    first = ran(system, {"scale": [{"factor": 2}]})
    told = why(system, ran(system, {"scale": [{"factor": 3}]}))

    assert told.sentence.startswith(f"computed: config.scale[0].factor: 2 → 3; last run: step adder of job {first}")
    assert told.compared_with is not None
    assert told.compared_with.job == first


def test_input_file_that_differs_is_named_with_its_hashes(system: System) -> None:
    ran(system, data="x\n")
    told = why(system, ran(system, data="y\n"))

    [cause] = told.causes
    assert (cause.kind, [change.path for change in cause.changes]) == ("input", ["data.txt"])
    assert "input data.txt changed (sha256 73cb3858 → 3bb2abb6)" in told.sentence


def test_most_alike_of_the_last_runs_is_compared_with(system: System) -> None:
    near = ran(system, {"a": 1, "b": 1, "c": 1})
    ran(system, {"a": 2, "b": 2, "c": 2})
    told = why(system, ran(system, {"a": 1, "b": 1, "c": 2}))

    assert told.compared_with is not None
    assert told.compared_with.job == near
    assert "config.c: 1 → 2" in told.sentence


def test_file_of_the_module_that_changed_is_named(system: System, adder: Path) -> None:
    ran(system)
    (adder / "run.sh").write_text(RUN + "\n# other\n")
    (adder / "more.sh").write_text("")
    (adder / "module.yaml").write_text(MANIFEST.format(version="1.1.0"))
    told = why(system, ran(system))

    [cause] = told.causes
    assert cause.kind == "module"
    changed = {change.path: change.change for change in cause.changes}
    assert changed == {"adder/run.sh": "changed", "adder/more.sh": "added", "adder/module.yaml": "changed"}
    assert "module adder (version 1.0.0 → 1.1.0) changed: adder/module.yaml changed" in told.sentence


def test_result_that_was_deleted_is_told(system: System) -> None:
    first = ran(system)
    system.parts.database.jobs.delete(first)
    told = why(system, ran(system))

    assert [cause.kind for cause in told.causes] == ["result_deleted"]
    assert f"its result was deleted with job {first}" in told.sentence


def test_run_after_a_failure_is_told(system: System, adder: Path) -> None:
    (adder / "run.sh").write_text("exit 3\n")
    ran(system)
    told = why(system, ran(system))

    assert [cause.kind for cause in told.causes] == ["earlier_failed"]
    assert "nothing changed, but the earlier run has no result (failed, exit_code)" in told.sentence


def test_damaged_result_is_told(system: System) -> None:
    for file in system.parts.database.steps.outputs(ran(system)):
        system.parts.store.delete(file.sha256)
    told = why(system, ran(system))

    assert [cause.kind for cause in told.causes] == ["result_damaged"]


def test_reuse_can_be_switched_off_for_a_job_and_for_a_process(system: System) -> None:
    ran(system)
    off = ran(system, reuse="never")
    processes = [{"name": "a", "module": "adder", "reuse": "never"}, {"name": "b", "module": "adder"}]
    mixed = system.ended(system.submit({"processes": processes})).id

    assert system.steps(off)[0].attempt == 1
    assert "switched off" in why(system, off).sentence
    assert [step.attempt for step in system.steps(mixed)] == [1, 0]


def test_process_that_says_so_reuses_in_a_job_that_does_not(system: System) -> None:
    ran(system)
    processes = [{"name": "a", "module": "adder", "reuse": "results"}, {"name": "b", "module": "adder"}]
    job_id = system.ended(system.submit({"processes": processes, "reuse": "never"})).id

    assert [step.attempt for step in system.steps(job_id)] == [0, 1]


def test_verified_result_is_computed_again_and_found_the_same(system: System) -> None:
    first = ran(system)
    job = system.job(ran(system, reuse="verify"))
    told = why(system, job.id)

    assert (job.state, system.steps(job.id)[0].attempt) == (State.SUCCEEDED, 1)
    assert "verified: all 1 files are the same" in job.message
    assert told.verification is not None
    assert told.verification.verdict == "same"
    assert told.verification.reference == system.steps(first)[0].id


def test_verified_result_that_differs_fails_and_says_where_and_by_how_much(system: System, adder: Path) -> None:
    make_irreproducible(adder)
    first = ran(system)
    job = system.job(ran(system, reuse="verify"))
    told = why(system, job.id)

    assert (job.state, job.reason) == (State.FAILED, Reason.NOT_REPRODUCED)
    assert "table.csv: VALUE differs in 1 of 1 rows: largest absolute difference " in job.message
    assert told.verification is not None
    [file] = told.verification.files
    assert file.table is not None
    place = file.table.columns[-1].largest_absolute
    assert place is not None
    values = [float(system.read(job_id, "adder/table.csv").split(",")[-1]) for job_id in (first, job.id)]
    assert (place.a, place.b, place.difference) == (*values, pytest.approx(abs(values[1] - values[0])))


def test_verified_result_may_differ_as_far_as_allowed(system: System, adder: Path) -> None:
    make_irreproducible(adder)
    ran(system)
    job = system.job(ran(system, reuse={"mode": "verify", "relative": 0.5}))

    assert job.state is State.SUCCEEDED
    assert "1 of them within what is allowed" in job.message


def test_result_that_was_not_reproduced_is_not_reused(system: System, adder: Path) -> None:
    make_irreproducible(adder)
    first = ran(system)
    ran(system, reuse="verify")
    again = ran(system)

    assert system.steps(again)[0].reused_from == system.steps(first)[0].id


def test_nothing_stored_to_verify_against_is_said(system: System) -> None:
    job = system.job(ran(system, reuse="verify"))

    assert job.state is State.SUCCEEDED
    assert "there is no stored result to compare with" in job.message


def test_one_changed_member_of_a_group_is_computed_and_the_others_are_reused(system: System) -> None:
    def group(factor: int) -> str:
        members = [{"name": f"m{n}", "module": "adder", "config": {"n": n, "factor": 1}} for n in range(4)]
        members[2]["config"] = {"n": 2, "factor": factor}
        component = {"name": "all", "type": "group", "group": [f"m{n}" for n in range(4)]}
        return system.ended(system.submit({"processes": members, "components": [component]})).id

    first, second = group(1), group(5)
    told = {each.path: each for each in whys(system, second)}

    assert {path: each.outcome for path, each in told.items()} == {
        "m0": "reused", "m1": "reused", "m2": "computed", "m3": "reused",
    }  # fmt: skip
    assert f"config.factor: 1 → 5; last run: step m2 of job {first}" in told["m2"].sentence


def chained(system: System, last: int = 3) -> str:
    """Run three steps one after the other and return their job's id."""
    processes = [{"name": f"m{n}", "module": "adder", "config": {"n": n}} for n in (1, 2, last)]
    names = [process["name"] for process in processes]
    document = {"processes": processes, "components": [{"name": "all", "type": "chain", "sequence": names}]}
    return system.ended(system.submit(document)).id


def test_steps_that_are_made_while_a_job_runs_take_their_results_without_being_queued(system: System) -> None:
    first = chained(system)
    before = REGISTRY.get_sample_value("ce_steps_reused_total") or 0
    second = chained(system)

    assert REGISTRY.get_sample_value("ce_steps_reused_total") == before + 3
    earlier = {step.path: step.id for step in system.steps(first)}
    assert {step.path: step.reused_from for step in system.steps(second)} == earlier
    events = system.parts.database.events.since(second)
    told = [event.data["state"] for event in events if event.data.get("path") in {"m2", "m3"}]
    assert told == [State.SUCCEEDED, State.SUCCEEDED]
    assert {each.outcome for each in whys(system, second)} == {"reused"}


def test_step_that_is_made_while_a_job_runs_is_computed_where_the_result_is_damaged(
    system: System, adder: Path
) -> None:
    number = "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')"
    (adder / "run.sh").write_text(f"{RUN}\nprintf 'K,VALUE\\na,%d\\n' \"{number}\" > output/table.csv\n")
    first = chained(system)
    damaged = next(step.id for step in system.steps(first) if step.path == "m2")
    for file in system.parts.database.steps.outputs_of(damaged):
        if file.label == "table":
            system.parts.store.delete(file.sha256)
    told = {each.path: each for each in whys(system, chained(system, last=4))}

    assert {path: each.outcome for path, each in told.items()} == {"m1": "reused", "m2": "computed", "m4": "computed"}
    assert [cause.kind for cause in told["m2"].causes] == ["result_damaged"]
