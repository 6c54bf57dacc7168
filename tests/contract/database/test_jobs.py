"""Jobs in SQLite and MariaDB: what is stored, found, planned, cancelled and deleted, on a real server of each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, JobFilter, StepEnd
from calculation_engine.errors import Conflict, Gone, InvalidInput, NotFound, Stale
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State
from tests.contract.database.cases import Maker, Together, end_job, pages_of


def test_stored_job_is_given_back_as_it_was(database: Database, make: Maker) -> None:
    new = make.job(make.step("a"), name="Zürich 🚲", tags={"country": "CY", "run": "1"}, slot="daily")

    job, is_new = database.jobs.create(new)

    assert is_new
    assert job == database.jobs.get(new.id)
    assert (job.name, job.tags, job.slot, job.workflow) == (new.name, new.tags, new.slot, new.workflow)
    assert (job.state, job.reason, job.started, job.ended) == (State.QUEUED, None, None, None)
    assert abs(job.created - datetime.now(UTC)) < timedelta(seconds=10)


def test_files_of_later_steps_are_kept_with_the_job(database: Database, make: Maker) -> None:
    files = {f"data/{n}.csv": Blob(sha256=f"{n:064x}", size=1 << 40) for n in range(3)}
    job_id = make.stored(make.step("first"), files={"second": files, "third": {}})

    assert database.jobs.files(job_id, "second") == files
    assert database.jobs.files(job_id, "third") == {}
    assert database.steps.uses_blob([blob.sha256 for blob in files.values()]) == {f"{n:064x}" for n in range(3)}
    end_job(database, job_id)
    database.jobs.delete(job_id)
    assert database.jobs.files(job_id, "second") == {}


def test_same_request_under_the_same_id_is_the_same_job(database: Database, make: Maker) -> None:
    new = make.job(make.step("a"))
    first, _ = database.jobs.create(new)

    second, is_new = database.jobs.create(replace(new, steps=[make.step("a")]))

    assert (second, is_new) == (first, False)
    assert len(database.steps.of_job(new.id)) == 1


@pytest.mark.parametrize("other", [{"request_hash": "f" * 64}, {"owner": "somebody else"}])
def test_another_request_or_owner_under_the_same_id_is_a_conflict(
    database: Database, make: Maker, other: dict[str, Any]
) -> None:
    new = make.job()
    database.jobs.create(new)

    with pytest.raises(Conflict, match=new.id):
        database.jobs.create(replace(new, **other))


def test_one_of_eight_racing_creates_stores_the_job(database: Database, make: Maker, together: Together) -> None:
    new = make.job(make.step("a"))

    stored = together(8, lambda _: database.jobs.create(new))

    assert sorted(is_new for _, is_new in stored) == [False] * 7 + [True]
    assert len(database.steps.of_job(new.id)) == 1


def test_refused_step_leaves_no_job_behind(database: Database, make: Maker) -> None:
    stored = make.stored(make.step("a"))
    new = make.job(replace(make.step("b"), id=database.steps.of_job(stored)[0].id))

    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        database.jobs.create(new)

    with pytest.raises(NotFound):
        database.jobs.get(new.id)


def test_unknown_job_is_not_found(database: Database, make: Maker) -> None:
    with pytest.raises(NotFound):
        database.jobs.get(make.id())


def test_deleted_job_is_gone_for_ever(database: Database, make: Maker) -> None:
    new = make.job(make.step("a"))
    database.jobs.create(new)
    end_job(database, new.id)

    database.jobs.delete(new.id)

    for ask in (database.jobs.get, database.jobs.delete, database.jobs.request_cancel):
        with pytest.raises(Gone):
            ask(new.id)
    with pytest.raises(Gone):
        database.jobs.create(new)
    assert database.steps.of_job(new.id) == []
    assert database.events.since(new.id) == []
    assert database.jobs.find(JobFilter(tags=new.tags)) == ([], None)


def test_job_that_has_not_ended_is_not_deleted(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))

    with pytest.raises(Conflict, match="queued"):
        database.jobs.delete(job_id)


def test_unique_prefix_leads_to_the_job(database: Database, make: Maker) -> None:
    job_id = make.stored()

    assert database.jobs.resolve(job_id[:30].upper()) == job_id
    assert database.jobs.resolve(job_id) == job_id


def test_ambiguous_prefix_names_candidates(database: Database, make: Maker) -> None:
    ids = [f"0190aaaa-0000-7000-8000-00000000000{n}" for n in range(3)]
    for job_id in ids:
        database.jobs.create(replace(make.job(), id=job_id))

    with pytest.raises(Conflict) as refused:
        database.jobs.resolve("0190aaaa")

    assert all(job_id in str(refused.value) for job_id in ids)


@pytest.mark.parametrize("prefix", ["", "019", "ffffffff", "0190%", "'; --"])
def test_prefix_of_nothing_or_too_short_is_not_found(database: Database, make: Maker, prefix: str) -> None:
    make.stored()

    with pytest.raises(NotFound):
        database.jobs.resolve(prefix)


def test_prefix_does_not_tell_of_other_owners_jobs(database: Database, make: Maker) -> None:
    job_id = make.stored()

    with pytest.raises(NotFound):
        database.jobs.resolve(job_id[:30], owner="somebody else")


@pytest.mark.parametrize("sort", ["created", "-created", "name", "-name"])
def test_pages_hold_each_job_once_and_in_order(database: Database, make: Maker, sort: str) -> None:
    names = ["b", "a", "B", "ä", "a", "a ", "", "z"]
    ids = [make.stored(name=name) for name in names]

    found = [job for page in pages_of(database, JobFilter(), sort, 3) for job in page]

    field = sort.removeprefix("-")
    expected = [(getattr(job, field), job.id) for job in map(database.jobs.get, ids)]
    assert [(getattr(job, field), job.id) for job in found] == sorted(expected, reverse=sort.startswith("-"))
    assert all(job.workflow == {} for job in found)


def test_filters_exclude_all_but_the_wanted(database: Database, make: Maker) -> None:
    wanted = make.stored(make.step("a", module="cbc"), name="cyprus 1", tags={"run": "1", "kind": "x"})
    ended = make.stored(make.step("a", module="glpk"), name="cyprus 2", tags={"run": "2", "kind": "x"})
    other = make.stored(make.step("a", module="cbc"), name="Cyprus 3", tags={"run": "1"}, owner="eve")
    end_job(database, ended)
    created = database.jobs.get(ended).created

    def found(**filters: object) -> set[str]:
        return {job.id for job in database.jobs.find(JobFilter(**filters))[0]}  # type: ignore[arg-type]

    assert found() == {wanted, ended, other}
    assert found(owner="eve") == {other}
    assert found(module="cbc") == {wanted, other}
    assert found(tags={"run": "1"}) == {wanted, other}
    assert found(tags={"run": "1", "kind": "x"}, module="cbc") == {wanted}
    assert found(tags={"run": "cbc"}) == set()
    assert found(name_prefix="cyprus") == {wanted, ended}
    assert found(name_prefix="cyprus", module="glpk", owner="local") == {ended}
    assert found(states=frozenset({State.CANCELLED})) == {ended}
    assert found(states=frozenset({State.CANCELLED, State.QUEUED})) == {wanted, ended, other}
    assert found(states=frozenset(State)) == {wanted, ended, other}
    assert found(created_after=created) == {ended, other}
    assert found(created_before=created, tags={"kind": "x"}) == {wanted}


def test_pages_of_several_states_are_in_one_order(database: Database, make: Maker) -> None:
    ids = [make.stored(make.step("a"), tags={"t": "1"}) for _ in range(7)]
    for job_id in ids[::2]:
        end_job(database, job_id)
    wanted = JobFilter(states=frozenset({State.QUEUED, State.CANCELLED}), tags={"t": "1"})

    pages = pages_of(database, wanted, "created", 2)

    assert [job.id for page in pages for job in page] == ids
    assert [len(page) for page in pages] == [2, 2, 2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "bm90anNvbg", "WzFd", "é"])
def test_foreign_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        database.jobs.find(JobFilter(), after=cursor)


def test_unknown_sort_and_cursor_of_another_sort_are_refused(database: Database, make: Maker) -> None:
    make.stored()
    make.stored()
    _, cursor = database.jobs.find(JobFilter(), "created", limit=1)

    with pytest.raises(InvalidInput, match="created"):
        database.jobs.find(JobFilter(), "-created", after=cursor)
    with pytest.raises(InvalidInput, match="expected one of"):
        database.jobs.find(JobFilter(), "owner")


def test_cancel_ends_unclaimed_steps_at_once_and_makes_the_job_due(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"), make.step("b"))
    make.planned(job_id)
    claimed = database.steps.claim("engine", ["local"], 1, 30)

    job = database.jobs.request_cancel(job_id)

    states = {step.path: step.state for step in database.steps.of_job(job_id)}
    assert states == {claimed[0].path: State.QUEUED, "b": State.CANCELLED}
    assert job.cancel_requested is not None
    assert database.steps.heartbeat("engine", 30) == {claimed[0].id: True}
    assert [due for due, _ in database.jobs.due(10)] == [job_id]


def test_cancel_twice_asks_once(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))

    assert database.jobs.request_cancel(job_id) == database.jobs.request_cancel(job_id)


def test_ended_job_is_not_cancelled(database: Database, make: Maker) -> None:
    job_id = make.stored()
    database.jobs.plan(job_id, 1, [], JobChange(State.SUCCEEDED))

    with pytest.raises(Conflict, match="succeeded"):
        database.jobs.request_cancel(job_id)


def test_new_job_is_due_until_it_is_planned(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))
    ((due, seen),) = database.jobs.due(10)

    database.jobs.plan(job_id, seen, [])

    assert due == job_id
    assert database.jobs.due(10) == []


def test_job_stays_due_when_a_step_ended_since_it_was_looked_at(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))
    ((_, seen),) = database.jobs.due(10)
    (step,) = database.steps.claim("engine", ["local"], 1, 30)
    database.steps.end(step.id, make.token(step), StepEnd(State.FAILED, Reason.EXIT_CODE))

    database.jobs.plan(job_id, seen, [])

    assert [due for due, _ in database.jobs.due(10)] == [job_id]


def test_planning_twice_adds_each_step_once(database: Database, make: Maker, together: Together) -> None:
    job_id = make.stored(make.step("a"))

    together(6, lambda _: database.jobs.plan(job_id, 1, [make.step("a"), make.step("b"), make.step("c")]))

    assert sorted(step.path for step in database.steps.of_job(job_id)) == ["a", "b", "c"]


def test_plan_changes_state_message_and_fraction(database: Database, make: Maker) -> None:
    job_id = make.stored()

    database.jobs.plan(job_id, 0, [], JobChange(State.RUNNING, message="half way", fraction=0.5))
    running = database.jobs.get(job_id)
    database.jobs.plan(job_id, 0, [], JobChange(State.FAILED, Reason.STEP_FAILED, "step a failed"))
    failed = database.jobs.get(job_id)

    assert (running.state, running.message, running.fraction, running.ended) == (State.RUNNING, "half way", 0.5, None)
    assert running.started is not None
    assert (failed.state, failed.reason, failed.message) == (State.FAILED, Reason.STEP_FAILED, "step a failed")
    assert failed.started == running.started
    assert failed.ended is not None


def test_ended_job_stays_as_it_ended(database: Database, make: Maker) -> None:
    job_id = make.stored()
    database.jobs.plan(job_id, 0, [], JobChange(State.SUCCEEDED))

    database.jobs.plan(job_id, 1, [make.step("late")], JobChange(State.FAILED, Reason.STEP_FAILED))

    assert database.jobs.get(job_id).state == State.SUCCEEDED
    assert database.steps.of_job(job_id) == []
    assert database.jobs.due(10) == []


def test_job_does_not_end_while_an_engine_holds_a_step(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"), make.step("b"))
    database.steps.claim("engine", ["local"], 1, 30)

    with pytest.raises(Stale, match="step a"):
        database.jobs.plan(job_id, 1, [], JobChange(State.FAILED, Reason.STEP_FAILED))

    assert database.jobs.get(job_id).state == State.QUEUED
    assert {step.state for step in database.steps.of_job(job_id)} == {State.QUEUED}


def test_job_that_ends_cancels_its_unclaimed_steps(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))

    database.jobs.plan(job_id, 1, [], JobChange(State.FAILED, Reason.ENGINE_ERROR))

    assert [step.state for step in database.steps.of_job(job_id)] == [State.CANCELLED]
    assert database.steps.claim("engine", ["local"], 1, 30) == []


def test_job_being_cancelled_gets_no_further_steps(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))
    database.jobs.request_cancel(job_id)

    database.jobs.plan(job_id, 1, [make.step("b")])

    assert [step.path for step in database.steps.of_job(job_id)] == ["a"]


def test_events_tell_a_jobs_life_in_order(database: Database, make: Maker) -> None:
    job_id = make.stored(make.step("a"))
    make.planned(job_id)
    step = make.running(database.steps.claim("engine", ["local"], 1, 30)[0])
    database.steps.progress(step.id, make.token(step), 0.5, "half way")
    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, exit_code=0))
    database.jobs.plan(job_id, 2, [], JobChange(State.SUCCEEDED))

    events = database.events.since(job_id)

    assert [(event.kind, event.data.get("state")) for event in events] == [
        ("job", "queued"), ("step", "queued"), ("step", "running"), ("job", "running"),
        ("progress", None), ("step", "succeeded"), ("job", "succeeded"),
    ]  # fmt: skip
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert database.events.since(job_id, events[2].id, limit=2) == events[3:5]
    assert database.events.last_id(job_id) == events[-1].id
