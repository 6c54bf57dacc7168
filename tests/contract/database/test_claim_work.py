"""What a claim reads, counted by the databases themselves: it must not grow with what is stored."""

from typing import Any

from sqlalchemy import update

from calculation_engine.db.choosing import choose
from calculation_engine.db.database import Database
from calculation_engine.db.queueing import NOT_QUEUED
from calculation_engine.db.rows import Room, StepEnd
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import steps
from calculation_engine.states import State
from tests.contract.database.cases import Maker

LOCAL = ["local"]


def work_of_a_choice(database: Database) -> int:
    """Return the rows (MariaDB) or tens of instructions (SQLite) that a choice of steps takes."""

    def mariadb(tx: Transaction) -> int:
        def rows() -> int:
            told = tx.connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
            return sum(int(row[1]) for row in told)

        before = rows()
        assert choose(tx, LOCAL, Room(1), {}).ids
        return rows() - before

    def sqlite(tx: Transaction) -> int:
        connection: Any = tx.connection.connection.driver_connection
        count = 0

        def tick() -> int:
            nonlocal count
            count += 1
            return 0

        connection.set_progress_handler(tick, 10)
        assert choose(tx, LOCAL, Room(1), {}).ids
        connection.set_progress_handler(None, 0)
        return count

    return database.sessions.read(sqlite if database.sessions.is_sqlite else mariadb)


def store(database: Database, make: Maker, queued: int, ended: int) -> None:
    """Store steps of one owner, some of which have ended."""
    job_id = make.stored(*(make.step(f"s{n:05}") for n in range(queued + ended)))
    values = {**NOT_QUEUED, "state": State.SUCCEEDED}
    chosen = (steps.c.job_id == job_id) & (steps.c.path < f"s{ended:05}")
    database.sessions.write(lambda tx: tx.run(update(steps).where(chosen).values(**values)))


def test_claim_reads_no_more_when_much_is_queued_and_much_has_ended(database: Database, make: Maker) -> None:
    store(database, make, 100, 100)
    make.stored(make.step("a"), owner="bob")
    little = work_of_a_choice(database)

    store(database, make, 3000, 3000)

    assert 0 < work_of_a_choice(database) <= 1.5 * little


def test_all_lanes_are_found_however_many_and_long_they_are(database: Database, make: Maker) -> None:
    owners = [f"owner {n:03}" for n in range(70)]
    for owner in owners:
        make.stored(*(make.step(f"{n}") for n in range(70 if owner.endswith("7") else 1)), owner=owner)

    claimed = database.steps.claim("engine", LOCAL, len(owners), 30)

    assert sorted(database.jobs.get(step.job_id).owner for step in claimed) == owners


def test_one_job_is_next_but_one_after_ten_thousand_of_another_owner(database: Database, make: Maker) -> None:
    make.stored(*(make.step(f"s{n:05}") for n in range(10_000)), owner="ada")
    running = database.steps.claim("engine", LOCAL, 2, 30)
    job_id = make.stored(make.step("a"), owner="bob")

    database.steps.end(running[0].id, make.token(running[0]), StepEnd(State.SUCCEEDED))
    (following,) = database.steps.claim("engine", LOCAL, 1, 30)

    assert following.job_id == job_id
