"""Slots in SQLite and MariaDB: a newer job takes over, whatever comes at the same time."""

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, JobFilter, StepEnd, StepRow
from calculation_engine.states import ENDED, State
from tests.contract.database.cases import Maker, Together, end_job


def succeed(database: Database, make: Maker, job_id: str) -> None:
    """Bring a job of one step to its success."""
    (step,) = (step for step in database.steps.claim("engine", ["local"], 50, 30) if step.job_id == job_id)
    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED))
    database.jobs.plan(job_id, dict(database.jobs.due(1000))[job_id], [], JobChange(State.SUCCEEDED))


def test_newer_job_cancels_what_is_queued_of_the_older(database: Database, make: Maker) -> None:
    old = make.stored(make.step("a"), slot="scenario")
    new = make.stored(make.step("a"), slot="scenario")

    job = database.jobs.get(old)
    assert job.cancel_requested is not None
    assert job.superseded_by == new
    assert [step.state for step in database.steps.of_job(old)] == [State.CANCELLED]
    assert database.jobs.get(new).cancel_requested is None


def test_newer_job_asks_for_the_end_of_what_runs(database: Database, make: Maker) -> None:
    old = make.stored(make.step("a"), slot="scenario")
    (step,) = database.steps.claim("engine", ["local"], 1, 30)
    make.running(step)

    make.stored(make.step("a"), slot="scenario")

    assert database.jobs.get(old).state is State.RUNNING
    assert database.steps.heartbeat("engine", 30) == {step.id: True}


def test_last_result_stays_until_the_new_one_is_there(database: Database, make: Maker) -> None:
    first = make.stored(make.step("a"), slot="scenario")
    succeed(database, make, first)
    second = make.stored(make.step("a"), slot="scenario")
    third = make.stored(make.step("a"), slot="scenario")

    newest, result = database.jobs.slot("local", "scenario")
    assert newest is not None
    assert result is not None
    assert (newest.id, result.id, result.superseded_by) == (third, first, second)
    succeed(database, make, third)
    newest, result = database.jobs.slot("local", "scenario")
    assert (newest and newest.id, result and result.id) == (third, third)


def test_slots_of_other_owners_and_names_are_left_alone(database: Database, make: Maker) -> None:
    others = [make.stored(make.step("a"), slot="other"), make.stored(make.step("a"), slot="scenario", owner="eve")]
    others.append(make.stored(make.step("a")))

    make.stored(make.step("a"), slot="scenario")

    assert [database.jobs.get(other).cancel_requested for other in others] == [None] * 3
    assert database.jobs.slot("eve", "none") == (None, None)


def test_job_stored_again_under_its_id_takes_over_nothing(database: Database, make: Maker) -> None:
    job = make.job(make.step("a"), slot="scenario")
    database.jobs.create(job)
    newer = make.stored(make.step("a"), slot="scenario")

    database.jobs.create(job)

    assert database.jobs.get(newer).cancel_requested is None


def test_of_many_jobs_at_once_one_stays(database: Database, make: Maker, together: Together) -> None:
    ids = together(8, lambda number: make.stored(make.step("a"), slot="scenario", name=str(number)))

    rows = [database.jobs.get(job_id) for job_id in ids]
    kept = [row for row in rows if row.cancel_requested is None]
    newest, _ = database.jobs.slot("local", "scenario")
    assert [row.id for row in kept] == [newest.id if newest else None]
    assert min(row.superseded_by or "" for row in rows) == ""
    assert len({row.superseded_by for row in rows}) == 8
    assert [step.job_id for step in database.steps.claim("engine", ["local"], 50, 30)] == [kept[0].id]


def test_job_that_ends_while_another_takes_over_is_a_result_or_cancelled(
    database: Database, make: Maker, together: Together
) -> None:
    for number in range(5):
        slot = f"scenario {number}"
        old = make.stored(make.step("a"), slot=slot)
        (step,) = database.steps.claim("engine", ["local"], 1, 30)

        def race(turn: int, slot: str = slot, step: StepRow = step) -> None:
            if turn == 0:
                database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED))
            else:
                make.stored(slot=slot)

        together(2, race)

        job = database.jobs.get(old)
        assert job.superseded_by is not None
        assert job.cancel_requested is not None
        assert all(step.state in ENDED for step in database.steps.of_job(old))


def test_slot_of_a_deleted_job_is_free(database: Database, make: Maker) -> None:
    old = make.stored(slot="scenario")
    end_job(database, old)
    database.jobs.delete(old)

    assert database.jobs.slot("local", "scenario") == (None, None)
    new = make.stored(make.step("a"), slot="scenario")
    assert database.jobs.get(new).superseded_by is None


def test_jobs_of_a_slot_are_listed(database: Database, make: Maker) -> None:
    first = make.stored(slot="scenario")
    make.stored(slot="other")
    second = make.stored(slot="scenario")

    rows, _ = database.jobs.find(JobFilter(owner="local", slot="scenario"))

    assert [row.id for row in rows] == [second, first]


def test_slots_are_listed_by_name_behind_another_one(database: Database, make: Maker) -> None:
    jobs = {name: make.stored(make.step("a"), slot=name) for name in ("b", "a", "a ", "c")}
    make.stored(make.step("a"), slot="0", owner="eve")
    make.stored(make.step("a"))

    found = database.jobs.slots("local", "", 3)

    assert [(name, newest and newest.id, result) for name, (newest, result) in found.items()] == [
        (name, jobs[name], None) for name in ("a", "a ", "b")
    ]
    assert list(database.jobs.slots("local", "a ", 3)) == ["b", "c"]
