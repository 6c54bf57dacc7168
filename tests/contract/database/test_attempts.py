"""Attempts and ends in SQLite and MariaDB: what a step's rows say after each thing that can happen to it."""

from datetime import UTC, datetime

import pytest

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, OutputFile, StepEnd
from calculation_engine.errors import Stale
from calculation_engine.states import ENDED, NEXT, Reason, State
from tests.contract.database.cases import SHA, Maker, is_before

SOLUTION = NewOutput("solution.json", "a" * 64, 17, "solution", "application/json")
TABLE = NewOutput("results/CO2 ü.csv", "b" * 64, 1 << 40, None, "text/csv")


def test_succeeded_step_has_all_that_its_end_told(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    started, ended = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    end = StepEnd(
        State.SUCCEEDED, message="fine", exit_code=0, verdict={"status": "optimal", "objective": 46.4},
        cpu_seconds=0.25, peak_memory_bytes=1 << 40, started=started, ended=ended, outputs=[TABLE, SOLUTION],
    )  # fmt: skip

    database.steps.end(step.id, make.token(step), end)

    row = database.steps.get(step.id)
    assert (row.state, row.reason, row.message, row.exit_code, row.verdict) == (
        State.SUCCEEDED, None, "fine", 0, {"status": "optimal", "objective": 46.4},
    )  # fmt: skip
    assert (row.cpu_seconds, row.peak_memory_bytes, row.started, row.ended) == (0.25, 1 << 40, started, ended)
    assert (row.lease_owner, row.lease_token, row.fraction) == (None, None, 1.0)
    assert (row.spec, row.image, row.module_version) == ({"command": ["true"]}, "an image", "1.0.0")
    expected = [
        OutputFile(file.path, file.sha256, file.size, file.label, file.media_type, step_id=step.id)
        for file in (TABLE, SOLUTION)
    ]
    assert database.steps.outputs_of(step.id) == expected
    assert database.steps.outputs(step.job_id) == expected
    (attempt,) = database.steps.attempts(step.id)
    assert (attempt.state, attempt.exit_code, attempt.handle) == (State.SUCCEEDED, 0, step.handle)
    assert is_before(attempt.begun, attempt.ended)


@pytest.mark.parametrize("old", sorted(ENDED))
@pytest.mark.parametrize("new", sorted(ENDED))
def test_step_that_ended_is_never_ended_again(database: Database, make: Maker, old: State, new: State) -> None:
    step = make.running(make.claimed())
    database.steps.end(step.id, make.token(step), StepEnd(old, message="first"))

    with pytest.raises(Stale):
        database.steps.end(step.id, make.token(step), StepEnd(new, message="second"))

    assert database.steps.get(step.id).message == "first"
    assert NEXT[old] == frozenset()


def test_step_can_end_before_anything_was_begun(database: Database, make: Maker) -> None:
    step = make.claimed()

    database.steps.end(step.id, make.token(step), StepEnd(State.FAILED, Reason.IMAGE_MISSING, "no image"))

    row = database.steps.get(step.id)
    assert (row.state, row.reason, row.attempt, row.started) == (State.FAILED, Reason.IMAGE_MISSING, 0, None)
    assert row.ended is not None
    assert database.steps.attempts(step.id) == []


def test_end_makes_the_job_due(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    make.planned(step.job_id)

    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED))

    assert [job_id for job_id, _ in database.jobs.due(10)] == [step.job_id]


def test_refused_output_undoes_the_whole_end(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, outputs=[SOLUTION, SOLUTION]))

    assert database.steps.get(step.id) == step
    assert database.steps.outputs_of(step.id) == []


def test_outputs_that_differ_in_case_or_blanks_are_kept_apart(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    files = [NewOutput(path, "a" * 64, 1, None, "text/plain") for path in ("a", "A", "a ", "ä", "a\u0308")]

    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, outputs=files))

    assert {file.path for file in database.steps.outputs_of(step.id)} == {file.path for file in files}


def test_twenty_thousand_outputs_are_stored_at_once(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    files = [NewOutput(f"results/{n}.csv", f"{n:064x}", n, "results", "text/csv") for n in range(20_000)]

    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, outputs=files))

    assert len(database.steps.outputs(step.job_id)) == 20_000


def test_attempts_are_one_more_than_losses(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    for loss in (1, 2):
        database.steps.requeue(step.id, make.token(step), Reason.LOST, f"loss {loss}")
        (step,) = database.steps.claim("engine", ["local"], 1, 30)
        step = make.running(step)
    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, exit_code=0))

    rows = database.steps.attempts(step.id)

    assert [(row.number, row.state, row.reason, row.message) for row in rows] == [
        (1, State.FAILED, Reason.LOST, "loss 1"), (2, State.FAILED, Reason.LOST, "loss 2"),
        (3, State.SUCCEEDED, None, ""),
    ]  # fmt: skip
    assert database.steps.get(step.id).attempt == 3


def test_attempt_that_was_begun_before_a_crash_goes_on_under_its_number(database: Database, make: Maker) -> None:
    step = make.begun(make.claimed())
    database.steps.leave("engine")
    (taken,) = database.steps.take_over("other", {"local": "here"}, 30)

    again = database.steps.begin(
        taken.id, make.token(taken), attempt_increment=False, spec={"again": True}, key=None, module_version="1.0.0",
        host="here", image=None,
    )  # fmt: skip

    assert (again.attempt_id, again.spec) == (step.attempt_id, {"again": True})
    assert [row.number for row in database.steps.attempts(step.id)] == [1]


def test_attempt_begins_where_there_is_none_to_go_on_with(database: Database, make: Maker) -> None:
    step = make.claimed()

    begun = database.steps.begin(
        step.id, make.token(step), attempt_increment=False, spec=None, key="k", module_version=None, host="here",
        image=None,
    )  # fmt: skip

    assert (begun.attempt, begun.key) == (1, "k")


def test_running_step_is_not_begun_again(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    with pytest.raises(Stale):
        make.begun(step)


def test_attempts_are_live_from_their_begin_to_their_end(database: Database, make: Maker) -> None:
    begun, running, ended = (make.claimed() for _ in range(3))
    make.claimed()
    begun, running, ended = make.begun(begun), make.running(running), make.running(ended)
    database.steps.end(ended.id, make.token(ended), StepEnd(State.CANCELLED, Reason.CANCELLED))

    assert database.steps.live_attempts() == {begun.attempt_id, running.attempt_id}


def test_start_told_twice_keeps_its_first_time_and_one_event(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    database.steps.started(step.id, make.token(step), "new handle", "here", "image@sha256:1")

    again = database.steps.get(step.id)
    assert (again.started, again.handle, again.image) == (step.started, "new handle", "image@sha256:1")
    events = database.events.since(step.job_id)
    assert [event.data["state"] for event in events if event.kind == "step"] == ["queued", "running"]


def test_progress_is_told_while_a_step_is_made_ready_and_while_it_runs(database: Database, make: Maker) -> None:
    step = make.claimed()

    database.steps.progress(step.id, make.token(step), None, "building the image")
    ready = database.steps.get(step.id).message
    running = make.running(step)
    database.steps.progress(step.id, make.token(step), 0.25, "year 2030")

    row = database.steps.get(step.id)
    assert (ready, running.message) == ("building the image", "")
    assert (row.fraction, row.message) == (0.25, "year 2030")


def test_files_in_use_are_those_of_inputs_outputs_and_uploads(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, outputs=[SOLUTION]))
    upload = make.upload(sha256="c" * 64)
    asked = {SHA, SOLUTION.sha256, upload.sha256, "d" * 64} | {f"{n:064x}" for n in range(1200)}

    assert database.steps.uses_blob(asked) == {SHA, SOLUTION.sha256, upload.sha256}
    assert database.steps.uses_blob([]) == set()


def test_stored_steps_are_told_from_ids_that_are_none(database: Database, make: Maker) -> None:
    step = make.claimed()

    assert database.steps.existing([step.id, make.id()]) == {step.id}
    assert database.steps.existing([]) == set()
