"""Whose turn it is, in SQLite and MariaDB: priorities, owners, jobs, room, limits."""

from collections import Counter

from sqlalchemy import update

from calculation_engine.db.database import Database
from calculation_engine.db.rows import Room, StepEnd, StepRow
from calculation_engine.db.tables import steps
from calculation_engine.states import Reason, State
from tests.contract.database.cases import Maker, Together

LOCAL = ["local"]


def run_next(database: Database, make: Maker, count: int = 1) -> list[StepRow]:
    """Claim one step after the other, each when the one before has ended."""
    done = []
    for _ in range(count):
        (step,) = database.steps.claim("engine", LOCAL, 1, 30)
        database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED))
        done.append(step)
    return done


def store_many(make: Maker, count: int, owner: str, **values: object) -> list[str]:
    """Store jobs of one step each."""
    return [make.stored(make.step("a", **values), owner=owner) for _ in range(count)]


def test_owners_take_turns_however_much_one_has_queued(database: Database, make: Maker) -> None:
    store_many(make, 12, "ada")
    make.stored(*(make.step(f"s{n}") for n in range(12)), owner="bob")
    run_next(database, make, 3)
    late = store_many(make, 1, "eve")

    following = run_next(database, make, 6)

    assert following[0].job_id == late[0]
    assert len({step.job_id for step in following[1:]}) > 2


def test_jobs_of_one_owner_take_turns(database: Database, make: Maker) -> None:
    sweep = make.stored(*(make.step(f"s{n:02}") for n in range(30)))
    run_next(database, make, 10)
    solve = make.stored(make.step("a"), make.step("b"))

    following = [step.job_id for step in run_next(database, make, 5)]

    assert following == [sweep, solve, sweep, solve, sweep]


def test_job_whose_steps_come_one_by_one_is_not_behind_a_sweep(database: Database, make: Maker) -> None:
    make.stored(*(make.step(f"s{n:02}") for n in range(30)))
    loop = make.stored(make.step("1"))
    turns = []
    for number in range(2, 6):
        while run_next(database, make)[0].job_id != loop:
            turns.append(number)
        database.jobs.plan(loop, 0, [make.step(str(number))])

    assert max(Counter(turns).values()) <= 2


def test_owner_with_fewer_cores_in_use_goes_first(database: Database, make: Maker) -> None:
    store_many(make, 3, "ada", cpu=2.0)
    store_many(make, 5, "bob", cpu=1.0)
    owners: dict[str, float] = {}

    claimed = [database.steps.claim("engine", LOCAL, 1, 30)[0] for _ in range(6)]
    for step in claimed:
        owner = database.jobs.get(step.job_id).owner
        owners[owner] = owners.get(owner, 0.0) + step.cpu

    assert owners == {"ada": 4.0, "bob": 4.0}


def test_larger_priority_goes_before_other_owners_turns(database: Database, make: Maker) -> None:
    store_many(make, 3, "ada")
    low = store_many(make, 2, "bob", priority=-1)
    high = store_many(make, 2, "eve", priority=1)

    order = [step.job_id for step in run_next(database, make, 7)]

    assert order[:2] == high
    assert order[-2:] == low


def test_step_without_room_is_passed_over_and_told(database: Database, make: Maker) -> None:
    big = make.step("big", cpu=4.0, memory_bytes=100)
    small = make.step("small", cpu=1.0, memory_bytes=100)
    make.stored(big, small)
    room = Room(8, cpu=2.0, memory_bytes=1000, all_cpu=4.0, all_memory_bytes=1000, executors=frozenset(LOCAL))

    claim = database.steps.claim_for("engine", LOCAL, room, 30)

    assert [step.id for step in claim.steps] == [small.id]
    assert claim.passed_over == [big.id]


def test_step_that_asks_for_much_memory_waits_until_that_is_free(database: Database, make: Maker) -> None:
    make.stored(make.step("big", memory_bytes=20))
    tight = Room(8, 8, 10, 8, 30, frozenset(LOCAL))

    assert database.steps.claim_for("engine", LOCAL, tight, 30).steps == []
    assert len(database.steps.claim_for("engine", LOCAL, Room(8, 8, 20, 8, 30, frozenset(LOCAL)), 30).steps) == 1


def test_step_too_large_for_the_machine_is_left_to_another_engine(database: Database, make: Maker) -> None:
    make.stored(make.step("huge", cpu=64.0))
    small_machine = Room(8, 2.0, 10, 2.0, 10, frozenset(LOCAL))

    claim = database.steps.claim_for("engine", LOCAL, small_machine, 30)

    assert (claim.steps, claim.passed_over) == ([], [])


def test_room_of_this_machine_does_not_bound_steps_elsewhere(database: Database, make: Maker) -> None:
    make.stored(make.step("a", executor="slurm", cpu=64.0, memory_bytes=10**12))

    claim = database.steps.claim_for("engine", ["slurm"], Room(8, 2.0, 10, 2.0, 10, frozenset(LOCAL)), 30)

    assert len(claim.steps) == 1


def test_reserved_room_is_given_to_one_step_only(database: Database, make: Maker) -> None:
    big, small = make.step("big", cpu=4.0), make.step("small")
    make.stored(small, big)
    room = Room(8, 3.0, 10, 4.0, 10, frozenset(LOCAL))

    waiting = database.steps.claim_for("engine", LOCAL, room, 30, only=big.id)
    fits = database.steps.claim_for("engine", LOCAL, Room(8, 4.0, 10, 4.0, 10, frozenset(LOCAL)), 30, only=big.id)
    gone = database.steps.claim_for("engine", LOCAL, room, 30, only=big.id)

    assert (waiting.steps, waiting.passed_over) == ([], [big.id])
    assert [step.id for step in fits.steps] == [big.id]
    assert (gone.steps, gone.passed_over) == ([], [])


def test_module_limit_holds_over_all_engines(database: Database, make: Maker, together: Together) -> None:
    for _ in range(10):
        make.stored(make.step("a", module="ogcore"), make.step("b"))

    def claim(number: int) -> list[StepRow]:
        return database.steps.claim_for(f"engine {number}", LOCAL, Room(4), 30, {"ogcore": 3}).steps

    claimed = [step for mine in together(4, claim) for step in mine]

    assert Counter(step.module for step in claimed)["ogcore"] == 3
    assert Counter(step.module for step in claimed)["cbc"] == 10


def test_full_module_does_not_hide_the_steps_of_others(database: Database, make: Maker) -> None:
    make.stored(*(make.step(f"s{n:03}", module="ogcore") for n in range(100)))
    database.steps.claim_for("engine", LOCAL, Room(1), 30, {"ogcore": 1})
    make.stored(*(make.step(f"t{n:03}", module="ogcore") for n in range(100)), make.step("z"))

    claim = database.steps.claim_for("engine", LOCAL, Room(5), 30, {"ogcore": 1})

    assert [step.path for step in claim.steps] == ["z"]


def test_many_delayed_steps_do_not_stand_before_others(database: Database, make: Maker) -> None:
    make.stored(*(make.step(f"s{n:03}") for n in range(100)))
    for step in database.steps.claim("engine", LOCAL, 100, 30):
        database.steps.release(step.id, make.token(step), delay_seconds=600)
    make.stored(make.step("z"))

    claimed = database.steps.claim("engine", LOCAL, 200, 30)
    database.sessions.write(
        lambda tx: tx.run(update(steps).where(steps.c.lease_owner.is_(None)).values(not_before=tx.after(-1)))
    )
    late = database.steps.claim("engine", LOCAL, 200, 30)

    assert [step.path for step in claimed] == ["z"]
    assert len({step.id for step in late} - {claimed[0].id}) == len(late) == 100


def test_step_that_comes_back_keeps_its_turn(database: Database, make: Maker) -> None:
    make.stored(*(make.step(f"s{n}") for n in range(5)))
    (first,) = database.steps.claim("engine", LOCAL, 1, 30)
    make.running(first)
    database.steps.requeue(first.id, make.token(first), Reason.LOST, "it is gone")

    (again,) = database.steps.claim("engine", LOCAL, 1, 30)

    assert again.id == first.id


def test_step_whose_end_was_asked_for_alone_ends_alone(database: Database, make: Maker) -> None:
    job_id = make.stored(*(make.step(name) for name in "abc"))
    held, queued, other = database.steps.of_job(job_id)
    (claimed,) = database.steps.claim("engine", LOCAL, 1, 30)
    assert claimed.id == held.id

    database.jobs.plan(job_id, 0, [], cancel={held.id: "b failed", queued.id: "b failed"})

    ended = database.steps.get(queued.id)
    assert (ended.state, ended.message) == (State.CANCELLED, "b failed")
    assert database.steps.heartbeat("engine", 30) == {held.id: True}
    assert database.steps.get(other.id).state is State.QUEUED
    database.steps.release(held.id, make.token(claimed))
    assert database.steps.get(held.id).state is State.CANCELLED
    assert [step.id for step in database.steps.claim("engine", LOCAL, 5, 30)] == [other.id]
