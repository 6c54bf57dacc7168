"""Which ended jobs the rules of retention let go, how large jobs are, and all rows out and into another database."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobFilter, NewOutput, StepEnd
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, metadata
from calculation_engine.errors import Conflict, InvalidInput
from calculation_engine.states import Reason, State
from tests.contract.database.cases import SHA, Maker, end_job
from tests.contract.database.conftest import BACKENDS


def ended(database: Database, make: Maker, days_ago: float = 0, **values: object) -> str:
    """Store a job that ended so many days ago."""
    job_id = make.stored(**values)
    end_job(database, job_id)

    def age(tx: Transaction) -> None:
        then = tx.now - timedelta(days=days_ago)
        tx.run(update(jobs).where(jobs.c.id == job_id).values(created=then, ended=then))

    database.sessions.write(age)
    return job_id


def test_without_a_rule_nothing_expires(database: Database, make: Maker) -> None:
    ended(database, make, 1000)

    assert database.jobs.expired(None, None) == []


def test_job_expires_days_after_its_end_and_oldest_first(database: Database, make: Maker) -> None:
    old, older, _ = (ended(database, make, days) for days in (3, 5, 1))
    make.stored()

    assert database.jobs.expired(2, None) == [older, old]
    assert database.jobs.expired(2, None, limit=1) == [older]


def test_latest_ended_jobs_of_each_owner_are_kept(database: Database, make: Maker) -> None:
    mine = [ended(database, make, days, owner="ada") for days in (3, 2, 1)]
    theirs = ended(database, make, 9, owner="bob")
    make.stored(owner="ada")

    assert database.jobs.expired(None, 1) == mine[:2]
    assert database.jobs.expired(None, 0) == [theirs, *mine]


def test_what_either_rule_keeps_is_kept(database: Database, make: Maker) -> None:
    oldest, _, _ = (ended(database, make, days) for days in (9, 8, 1))

    assert database.jobs.expired(5, 2) == [oldest]


def test_job_with_a_tag_named_keep_is_kept(database: Database, make: Maker) -> None:
    ended(database, make, 9, tags={"keep": "for the paper"})
    other = ended(database, make, 9, tags={"paper": "keep"})

    assert database.jobs.expired(1, 0) == [other]


def test_sizes_of_jobs_and_of_the_database_are_told(database: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    files = [NewOutput(f"{n}.csv", SHA, 1000 * n, None, "text/csv") for n in (1, 2)]
    database.steps.end(step.id, make.token(step), StepEnd(State.SUCCEEDED, outputs=files))
    make.stored()

    [largest] = database.sizes.largest_jobs(5)

    assert (largest.id, largest.bytes) == (step.job_id, 3000)
    assert database.sizes.jobs_by_state() == {State.RUNNING: 1, State.QUEUED: 1}
    assert database.sizes.database_bytes() > 10_000


@pytest.fixture(params=BACKENDS)
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of another database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.sqlite'}"
    return str(request.getfixturevalue("mariadb_url"))


@pytest.fixture
def other(other_url: str) -> Iterator[Database]:
    """Another database without any table."""
    database = Database(other_url)
    yield database
    database.close()


def copied(database: Database, other: Database) -> dict[str, int]:
    with database.snapshot() as snapshot:
        rows = {name: json.loads(json.dumps(list(snapshot.rows(name)))) for name in snapshot.tables}
    return other.load(database.version or "", rows)


def test_rows_are_the_same_in_another_database_of_any_kind(database: Database, other: Database, make: Maker) -> None:
    step = make.running(make.claimed())
    output = NewOutput("table 数.csv", SHA, 5, "table", "text/csv")
    end = StepEnd(
        State.SUCCEEDED, verdict={"objective": 1.5e-7}, exit_code=0, cpu_seconds=0.1234567890123, outputs=[output]
    )
    database.steps.end(step.id, make.token(step), end)
    ended(database, make, 3, name="Größe", tags={"a": "b"})
    deleted = ended(database, make)
    database.jobs.delete(deleted)
    make.upload()

    counts = copied(database, other)

    assert counts["jobs"] == 2
    assert other.steps.get(step.id) == database.steps.get(step.id)
    assert other.steps.outputs(step.job_id) == database.steps.outputs(step.job_id)
    assert other.steps.attempts(step.id) == database.steps.attempts(step.id)
    assert other.jobs.find(JobFilter()) == database.jobs.find(JobFilter())
    assert other.uploads.find(None) == database.uploads.find(None)
    assert other.events.since(step.job_id) == database.events.since(step.job_id)
    other.check()
    with pytest.raises(Conflict):
        copied(database, other)


def test_what_had_not_ended_is_queued_again_and_can_be_claimed(
    database: Database, other: Database, make: Maker
) -> None:
    running = make.running(make.claimed())
    claimed = make.claimed()
    waiting = make.claimed()
    for step in (claimed, waiting):
        database.steps.join(step.id, make.token(step), "a" * 64)

    copied(database, other)

    for step in (running, claimed, waiting):
        row = other.steps.get(step.id)
        assert (row.state, row.handle, row.host, row.lease_owner) == (State.QUEUED, None, None, None)
    assert "backup" in other.steps.get(running.id).message
    [attempt] = other.steps.attempts(running.id)
    assert (attempt.state, attempt.reason) == (State.FAILED, Reason.LOST)
    assert {step.id for step in other.steps.claim("new", ["local"], 9, 30)} == {running.id, claimed.id, waiting.id}
    assert len(other.jobs.due(9)) == 3


def test_snapshot_does_not_see_what_is_written_meanwhile(database: Database, make: Maker) -> None:
    before = make.stored()
    with database.snapshot() as snapshot:
        assert [row["id"] for row in snapshot.rows("jobs")] == [before]
        after = make.stored(make.step("a"))
        assert [row["id"] for row in snapshot.rows("jobs")] == [before]
        assert list(snapshot.rows("steps")) == []

    assert database.jobs.get(after).id == after


def test_newer_schema_is_refused(other: Database) -> None:
    with pytest.raises(InvalidInput, match="9999"):
        other.load("9999", {})
    assert other.version is None


def test_all_tables_but_those_of_the_moment_are_saved(database: Database) -> None:
    with database.snapshot() as snapshot:
        assert set(snapshot.tables) == set(metadata.tables) - {"engines", "key_holders"}
