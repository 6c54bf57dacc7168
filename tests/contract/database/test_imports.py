"""Jobs that were brought from another machine, in SQLite and MariaDB."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calculation_engine.db.database import Database
from calculation_engine.db.imported import ImportedJob, ImportedStep
from calculation_engine.db.rows import JobFilter, JoinMode, NewOutput, NewRun, Own, Reused, RowEnd, StepEnd
from calculation_engine.errors import Conflict
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State
from tests.contract.database.cases import SHA, Maker, Together

LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
KEY = "k" * 64


def step(make: Maker, path: str, **values: Any) -> ImportedStep:
    given: dict[str, Any] = {
        "id": make.id(), "path": path, "process": path, "module": "cbc", "module_version": "1.0.0", "executor": "local",
        "config": {"model": "osemosys"}, "files": {"data.txt": Blob(sha256=SHA, size=3)}, "resources": {}, "cpu": 1.0,
        "memory_bytes": 1, "retry": None, "reuse": None, "state": State.SUCCEEDED, "reason": None, "message": "Zürich",
        "fraction": None, "attempt": 1, "host": "elsewhere", "image": None, "key": KEY, "spec": {"module": "cbc"},
        "reused_from": None, "scalars": {"cost": 2.5},
        "verdict": {"status": "optimal"}, "exit_code": 0, "cpu_seconds": 0.5, "peak_memory_bytes": 1 << 40,
        "queued": LONG_AGO, "started": LONG_AGO, "ended": LONG_AGO + timedelta(seconds=1),
        "outputs": [NewOutput("x.csv", SHA, 3, "x", "text/csv")], "run": NewRun(SHA, "env", {"word": "imported"}),
    }  # fmt: skip
    return ImportedStep(**given | values)


def job(make: Maker, *steps: ImportedStep, **values: Any) -> ImportedJob:
    given: dict[str, Any] = {
        "id": make.id(), "owner": "ann", "name": "from afar", "description": "", "tags": {"country": "CY"},
        "state": State.SUCCEEDED, "reason": None, "message": "done", "created": LONG_AGO, "started": LONG_AGO,
        "ended": LONG_AGO + timedelta(seconds=1), "request_hash": "0" * 64, "priority": 0,
        "workflow": {"processes": [{"name": "a", "module": "cbc"}]}, "loops": [{"component": "x"}],
        "origin": {"kind": "import", "owner": "bob"}, "steps": list(steps),
        "files": {"later": {"data.txt": Blob(sha256=SHA, size=3)}},
        "rows": [RowEnd("scan", 2, State.FAILED, Reason.STEP_FAILED, "no", {"values": {"x": 1.5}, "loops": []})],
    }  # fmt: skip
    return ImportedJob(**given | values)


def test_a_job_that_was_brought_is_kept_whole_and_never_planned(database: Database, make: Maker) -> None:
    new = job(make, step(make, "a"), step(make, "b", key=None, outputs=[]))

    stored, is_new = database.jobs.bring_in(new)

    assert is_new
    assert stored == database.jobs.get(new.id)
    assert (stored.created, stored.ended, stored.origin, stored.loops) == (
        new.created,
        new.ended,
        new.origin,
        new.loops,
    )
    assert stored.imported is not None
    assert abs(stored.imported - datetime.now(UTC)) < timedelta(seconds=10)
    first, second = database.steps.of_job(new.id)
    for name in (
        "path",
        "config",
        "files",
        "state",
        "message",
        "host",
        "key",
        "spec",
        "verdict",
        "scalars",
        "queued",
        "ended",
    ):
        assert getattr(first, name) == getattr(new.steps[0], name)
    assert [file.path for file in database.steps.outputs(new.id)] == ["x.csv"]
    assert set(database.history.runs([first.id, second.id])) == {first.id, second.id}
    assert database.jobs.all_files(new.id) == new.files
    assert database.sweeps.ends(new.id) == new.rows
    assert [row.id for row in database.jobs.find(JobFilter(module="cbc", tags={"country": "CY"}))[0]] == [new.id]
    assert database.jobs.due(10) == []
    assert database.steps.claim("engine", ["local"], 10, 30) == []


def test_what_was_brought_serves_its_owner_alone(database: Database, make: Maker) -> None:
    brought = step(make, "a")
    database.jobs.bring_in(job(make, brought))
    found = {}
    for owner in ("ann", "bob"):
        new = make.step("a")
        make.stored(new, owner=owner)
        (claimed,) = database.steps.claim("engine", ["local"], 1, 30)
        assert claimed.lease_token
        found[owner] = database.steps.join(claimed.id, claimed.lease_token, KEY, JoinMode.REUSE)

    assert found == {"ann": Reused(brought.id), "bob": Own()}
    stored = {owner: database.history.stored_results([KEY], owner) for owner in found}
    assert {owner: [each.step_id for each in of.values()] for owner, of in stored.items()} == {
        "ann": [brought.id],
        "bob": [],
    }
    (mine,) = (row for row in database.steps.leased("engine") if database.jobs.get(row.job_id).owner == "bob")
    database.steps.end(mine.id, make.token(mine), StepEnd(State.SUCCEEDED))
    assert database.history.stored_results([KEY], "bob")[KEY].step_id == mine.id


def test_the_same_again_is_here_and_another_under_its_id_is_refused(database: Database, make: Maker) -> None:
    new = job(make, step(make, "a"))
    database.jobs.bring_in(new)

    assert database.jobs.bring_in(new)[1] is False
    for other in (replace(new, owner="bob"), replace(new, request_hash="1" * 64)):
        with pytest.raises(Conflict, match="belongs to another job"):
            database.jobs.bring_in(other)
    with pytest.raises(Conflict, match="belongs to a step of another job"):
        database.jobs.bring_in(replace(new, id=make.id()))


def test_a_job_brought_by_many_at_once_is_stored_once(database: Database, make: Maker, together: Together) -> None:
    new = job(make, step(make, "a"))

    stored = together(4, lambda _: database.jobs.bring_in(new)[1])

    assert sorted(stored) == [False, False, False, True]


def test_a_deleted_job_comes_back_for_its_owner_alone(database: Database, make: Maker) -> None:
    new = job(make, step(make, "a"))
    database.jobs.bring_in(new)
    database.jobs.delete(new.id)

    with pytest.raises(Conflict, match="somebody else"):
        database.jobs.bring_in(replace(new, owner="bob"))
    assert database.jobs.bring_in(new)[1]
    assert database.jobs.get(new.id).name == new.name


def test_days_of_keeping_count_from_when_it_was_brought(database: Database, make: Maker) -> None:
    database.jobs.bring_in(job(make, step(make, "a")))

    assert database.jobs.expired(keep_days=1, keep_last=None, limit=10) == []
