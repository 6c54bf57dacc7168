"""Leases in SQLite and MariaDB: no step is given twice, none is lost, and the database's clock decides."""

import pytest
from sqlalchemy import update

from calculation_engine.db.database import Database
from calculation_engine.db.rows import StepEnd, StepRow
from calculation_engine.db.tables import jobs, steps
from calculation_engine.errors import NotFound, Stale
from calculation_engine.states import Reason, State
from tests.contract.database.cases import Maker, Together


def let_leases_run_out(database: Database) -> None:
    """Put the end of all leases into the past of the database's clock."""
    database.sessions.write(
        lambda tx: tx.run(update(steps).where(steps.c.lease_owner > "").values(lease_until=tx.after(-0.001)))
    )


def take_over(database: Database, owner: str = "other", place: str = "here") -> list[StepRow]:
    """Take over as an engine that runs local steps."""
    return database.steps.take_over(owner, {"local": place}, 30)


def test_claimed_step_is_leased_and_still_queued(database: Database, make: Maker) -> None:
    step = make.claimed()

    assert (step.state, step.lease_owner, step.attempt) == (State.QUEUED, "engine", 0)
    assert step.lease_until is not None
    assert 25 < (step.lease_until - step.queued).total_seconds() < 60
    assert database.steps.get(step.id) == step
    assert database.steps.owners() == {"engine"}


def test_step_row_is_given_back_as_it_was_queued(database: Database, make: Maker) -> None:
    new = make.step("a/1/b", config={"x": [1.5, None, "ü"]}, resources={"memory": 1 << 40}, priority=3)
    make.stored(new)

    (step,) = database.steps.claim("engine", ["local"], 5, 30)

    assert (step.path, step.config, step.files, step.resources, step.priority) == (
        new.path, new.config, new.files, new.resources, 3,
    )  # fmt: skip


def test_eight_engines_claim_each_step_once(database: Database, make: Maker, together: Together) -> None:
    for _ in range(6):
        make.stored(*(make.step(f"s{n}") for n in range(20)))

    def claim_all(number: int) -> list[str]:
        mine: list[str] = []
        while found := database.steps.claim(f"engine {number}", ["local", "docker"], 3, 30):
            mine += [step.id for step in found]
        return mine

    claimed = [step_id for mine in together(8, claim_all) for step_id in mine]
    claimed += [step.id for step in database.steps.claim("late", ["local"], 200, 30)]

    assert len(claimed) == 120
    assert len(set(claimed)) == 120


def test_engines_with_connections_of_their_own_claim_each_step_once(
    database: Database, make: Maker, together: Together
) -> None:
    make.stored(*(make.step(f"s{n}") for n in range(40)))
    engines = [Database(database.sessions.url.render_as_string(hide_password=False)) for _ in range(4)]

    def claim_all(number: int) -> list[str]:
        mine: list[str] = []
        while found := engines[number].steps.claim(f"engine {number}", ["local"], 2, 30):
            mine += [make.running(step).id for step in found]
        return mine

    claimed = [step_id for mine in together(4, claim_all) for step_id in mine]
    claimed += [step.id for step in database.steps.claim("late", ["local"], 200, 30)]
    for engine in engines:
        engine.close()

    assert len(claimed) == 40
    assert len(set(claimed)) == 40


def test_larger_priority_goes_first_then_the_older_step(database: Database, make: Maker) -> None:
    make.stored(make.step("a"), make.step("b", priority=5), make.step("c", executor="docker", priority=1))
    make.stored(make.step("d", priority=-1), make.step("e", priority=5))

    first = database.steps.claim("engine", ["local", "docker"], 3, 30)
    rest = database.steps.claim("engine", ["local", "docker"], 10, 30)

    assert [step.path for step in first + rest] == ["b", "e", "c", "a", "d"]


def test_only_steps_of_the_named_executors_are_claimed(database: Database, make: Maker) -> None:
    make.stored(make.step("a"), make.step("b", executor="docker"))

    assert [step.path for step in database.steps.claim("engine", ["docker"], 10, 30)] == ["b"]
    assert database.steps.claim("engine", [], 10, 30) == []
    assert database.steps.claim("engine", ["local"], 0, 30) == []


def test_heartbeat_prolongs_the_leases_of_its_owner_only(database: Database, make: Maker) -> None:
    mine, other = make.claimed("me"), make.claimed("other")
    let_leases_run_out(database)

    held = database.steps.heartbeat("me", 30)

    assert held == {mine.id: False}
    assert [step.id for step in take_over(database, "third")] == [other.id]


def test_lease_that_stands_is_not_taken_over(database: Database, make: Maker) -> None:
    make.claimed()

    assert take_over(database) == []


def test_lease_that_ran_out_is_taken_over_with_a_new_token(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    let_leases_run_out(database)

    (taken,) = take_over(database)

    assert (taken.id, taken.state, taken.handle, taken.attempt) == (step.id, State.RUNNING, step.handle, 1)
    assert taken.lease_token != step.lease_token
    assert database.steps.heartbeat("engine", 30) == {}
    with pytest.raises(Stale):
        database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED))


def test_eight_engines_take_each_step_over_once(database: Database, make: Maker, together: Together) -> None:
    ids = [make.claimed().id for _ in range(10)]
    let_leases_run_out(database)

    taken = together(8, lambda number: take_over(database, f"engine {number}"))

    assert sorted(step.id for steps_of_one in taken for step in steps_of_one) == sorted(ids)


def test_dead_owners_steps_are_taken_over_before_their_lease_ends(database: Database, make: Maker) -> None:
    step = make.claimed("dead")
    make.claimed("alive")

    taken = database.steps.take_over("me", {"local": "here"}, 30, dead_owners=["dead", "me"])

    assert [row.id for row in taken] == [step.id]


def test_engine_that_leaves_gives_its_steps_over_at_once(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    database.steps.leave("engine")

    assert [row.id for row in take_over(database)] == [step.id]


def test_own_steps_are_never_taken_over(database: Database, make: Maker) -> None:
    make.claimed("me")
    let_leases_run_out(database)

    assert take_over(database, "me") == []


def test_step_begun_in_a_place_is_taken_over_by_who_reaches_that_place(database: Database, make: Maker) -> None:
    step = make.begun(make.claimed(), host="there")
    let_leases_run_out(database)

    elsewhere = take_over(database, place="here")
    of_another_executor = database.steps.take_over("other", {"docker": "there"}, 30)
    there = take_over(database, place="there")

    assert (elsewhere, of_another_executor) == ([], [])
    assert [row.id for row in there] == [step.id]


def test_step_of_a_place_that_never_comes_back_is_given_over(database: Database, make: Maker) -> None:
    step = make.running(make.claimed(), host="burnt")
    let_leases_run_out(database)

    taken = database.steps.take_over("other", {"local": "here"}, 30, gone_places=["burnt"])

    assert [row.id for row in taken] == [step.id]


def test_step_that_only_was_claimed_is_taken_over_anywhere(database: Database, make: Maker) -> None:
    step = make.claimed()
    let_leases_run_out(database)

    assert [row.id for row in take_over(database, place="anywhere")] == [step.id]


def test_requeued_step_can_be_claimed_by_any_host_after_its_delay(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    database.steps.requeue(step.id, make.token(step), Reason.LOST, "it is gone", delay_seconds=600)
    early = database.steps.claim("other", ["local"], 1, 30)
    pass_delay(database)
    (late,) = database.steps.claim("other", ["local"], 1, 30)

    assert early == []
    assert (late.id, late.state, late.host, late.handle, late.attempt) == (step.id, State.QUEUED, None, None, 1)


def test_released_step_counts_no_attempt(database: Database, make: Maker) -> None:
    step = make.begun(make.claimed())

    database.steps.release(step.id, make.token(step), delay_seconds=600, message="no engine answers")
    assert database.steps.claim("other", ["local"], 1, 30) == []
    pass_delay(database)
    (again,) = database.steps.claim("other", ["local"], 1, 30)

    assert (again.attempt, again.host, again.message) == (0, None, "no engine answers")
    assert database.steps.attempts(step.id) == []
    assert make.begun(again).attempt_id == step.attempt_id


def test_running_step_is_not_released(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())

    with pytest.raises(Stale):
        database.steps.release(step.id, make.token(step))


@pytest.mark.parametrize("way", ["requeue", "release"])
def test_step_given_back_to_a_cancelled_job_is_cancelled(database: Database, make: Maker, way: str) -> None:
    step = make.begun(make.claimed())
    database.jobs.request_cancel(step.job_id)
    make.planned(step.job_id)

    if way == "requeue":
        database.steps.requeue(step.id, make.token(step), Reason.LOST, "it is gone")
    else:
        database.steps.release(step.id, make.token(step))

    ended = database.steps.get(step.id)
    assert (ended.state, ended.reason, ended.lease_owner) == (State.CANCELLED, Reason.CANCELLED, None)
    assert [job_id for job_id, _ in database.jobs.due(10)] == [step.job_id]


def test_wrong_token_writes_nothing(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    before = database.events.last_id(step.job_id)

    for write in (
        lambda: database.steps.started(step.id, "wrong", "h", "here"),
        lambda: database.steps.progress(step.id, "wrong", 0.5, ""),
        lambda: database.steps.end(step.id, "wrong", StepEnd(State.SUCCEEDED)),
        lambda: database.steps.requeue(step.id, "wrong", Reason.LOST, ""),
        lambda: database.steps.release(step.id, "wrong"),
        lambda: database.steps.join(step.id, "wrong", "k"),
        lambda: database.steps.reuse(step.id, "wrong", step.id),
    ):
        with pytest.raises(Stale):
            write()

    assert database.steps.get(step.id) == step
    assert database.events.last_id(step.job_id) == before


def test_step_of_a_deleted_job_is_stale_and_not_found(database: Database, make: Maker) -> None:
    with pytest.raises(Stale, match="gone"):
        database.steps.end(make.id(), "token", StepEnd(State.SUCCEEDED))
    with pytest.raises(NotFound):
        database.steps.get(make.id())


def test_engines_are_alive_while_they_are_heard_of(database: Database) -> None:
    database.engines.beat("one", "here", ["local"])
    database.engines.beat("two", "there", ["docker", "local"])
    database.engines.beat("one", "here", ["local", "docker"])

    alive = database.engines.alive(30)
    database.engines.leave("two")

    assert [(engine.owner, engine.host, engine.executors) for engine in alive] == [
        ("one", "here", ["local", "docker"]), ("two", "there", ["docker", "local"]),
    ]  # fmt: skip
    assert [engine.owner for engine in database.engines.alive(30)] == ["one"]
    assert database.engines.alive(-1) == []


def pass_delay(database: Database) -> None:
    """Put the end of all delays into the past of the database's clock."""
    database.sessions.write(lambda tx: tx.run(update(steps).values(not_before=tx.after(-0.001))))


def test_first_started_step_starts_its_job_once(database: Database, make: Maker, together: Together) -> None:
    job_id = make.stored(*(make.step(f"s{n}") for n in range(6)))
    claimed = [make.begun(step) for step in database.steps.claim("engine", ["local"], 6, 30)]

    together(6, lambda n: database.steps.started(claimed[n].id, make.token(claimed[n]), "h", "here"))

    states = [event.data["state"] for event in database.events.since(job_id) if event.kind == "job"]
    assert states == ["queued", "running"]
    assert database.sessions.read(lambda tx: tx.run(jobs.select()).one().state) == State.RUNNING
