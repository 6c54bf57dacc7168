"""Steps that planning stores with the result of an equal step, in SQLite and MariaDB."""

from dataclasses import replace
from typing import Any

import pytest

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, StepEnd, StepRow
from calculation_engine.states import State
from tests.contract.database.cases import Maker, end_job

KEY, OTHER = "e" * 64, "f" * 64
OUTPUTS = [NewOutput(f"{name}.csv", name * 64, 17, name, "text/csv") for name in ("a", "b")]


@pytest.fixture
def source(database: Database, make: Maker) -> StepRow:
    """A step that succeeded, with two outputs and a number."""
    step = make.running(make.claimed(), key=KEY)
    verdict = {"status": "optimal"}
    ending = StepEnd(State.SUCCEEDED, exit_code=0, verdict=verdict, scalars={"cost": 2.5}, outputs=OUTPUTS)
    database.steps.end(step.id, make.token(step), ending)
    make.planned(step.job_id)
    return database.steps.get(step.id)


def planned(database: Database, make: Maker, source: str, **values: Any) -> tuple[str, StepRow]:
    """Plan a step of a new job that takes a result; return the job and the step."""
    job_id = make.stored()
    new = make.step("b", key=KEY, reused_from=source, scalars={"cost": 2.5}, **values)
    database.jobs.plan(job_id, dict(database.jobs.due(10))[job_id], [new])
    return job_id, database.steps.get(new.id)


def test_step_is_stored_with_all_of_the_result(database: Database, make: Maker, source: StepRow) -> None:
    job_id, step = planned(database, make, source.id)

    assert (step.state, step.reused_from, step.key, step.attempt) == (State.SUCCEEDED, source.id, KEY, 0)
    assert (step.verdict, step.exit_code, step.scalars) == ({"status": "optimal"}, 0, {"cost": 2.5})
    assert (step.image, step.module_version, step.fraction) == ("an image", "1.0.0", 1.0)
    assert step.message == f"took the result of step {source.id}, which computed the same"
    assert step.ended is not None
    left = [replace(file, step_id=source.id) for file in database.steps.outputs_of(step.id)]
    assert left == database.steps.outputs_of(source.id)
    told = [event.data for event in database.events.since(job_id) if event.kind == "step"]
    assert [(data["step"], data["state"], data["verdict"]) for data in told] == [
        (step.id, State.SUCCEEDED, {"status": "optimal"})
    ]


def test_job_is_planned_on_behind_the_others_and_nobody_claims_the_step(
    database: Database, make: Maker, source: StepRow
) -> None:
    job_id, _ = planned(database, make, source.id)
    other = make.stored()
    assert [job for job, _ in database.jobs.due(10)] == [job_id, other]

    new = make.step("c", key=KEY, reused_from=source.id)
    database.jobs.plan(job_id, dict(database.jobs.due(10))[job_id], [new])

    assert [job for job, _ in database.jobs.due(10)] == [other, job_id]
    assert database.steps.claim("engine", ["local"], 10, 30) == []


@pytest.mark.parametrize("why", ["deleted", "another key"])
def test_step_is_queued_where_the_result_is_gone(database: Database, make: Maker, source: StepRow, why: str) -> None:
    if why == "deleted":
        end_job(database, source.job_id)
        database.jobs.delete(source.job_id)
        _, step = planned(database, make, source.id)
    else:
        job_id = make.stored()
        new = make.step("b", key=OTHER, reused_from=source.id)
        database.jobs.plan(job_id, dict(database.jobs.due(10))[job_id], [new])
        step = database.steps.get(new.id)

    assert (step.state, step.reused_from, step.key, step.scalars) == (State.QUEUED, None, None, None)
    assert [claimed.id for claimed in database.steps.claim("engine", ["local"], 10, 30)] == [step.id]


def test_results_of_many_keys_are_found_at_once(database: Database, make: Maker, source: StepRow) -> None:
    planned(database, make, source.id)

    found = database.history.stored_results([KEY, OTHER], "local")

    assert list(found) == [KEY]
    assert (found[KEY].step_id, found[KEY].scalars) == (source.id, {"cost": 2.5})
    assert sorted(blob.sha256 for blob in found[KEY].files) == ["a" * 64, "b" * 64]
