"""A backup of a system in the midst of its work comes back in a database of either kind, with every row and result."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.api.server import Parts
from calculation_engine.client import Job
from calculation_engine.db.database import Database
from calculation_engine.engine.archive.backup import Made, back_up, find_backup, restore
from calculation_engine.errors import Conflict, NotFound, StoreCorrupt
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, State
from calculation_engine.store import Store
from tests.integration.conftest import PROGRAMS, System
from tests.integration.place import Place, open_place, until

LEASE = ("lease_owner", "lease_token", "lease_until")
RUNS = ("handle", "host", "started", "fraction", "message")
QUEUE = ("queue_lane", "queue_rank", "not_before", "waits_for")
#: What a restore writes anew of that which had not ended.
ANEW = {
    "jobs": ("due",),
    "steps": ("state", *LEASE, *RUNS, *QUEUE),
    "attempts": ("ended", "state", "reason", "message"),
}
KEYS = {"jobs": "state", "steps": "state", "attempts": "ended"}
FINAL = {str(state) for state in ENDED}
SWEEP_ROWS = [{"add.config.base": base} for base in (1, -1, 2, 3, 4, 5)]


@pytest.fixture(params=[("sqlite", "mariadb"), ("mariadb", "sqlite")], ids=" to ".join)
def databases(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Settings of the database of the system that is backed up, and of the one that it comes back in."""
    url = request.getfixturevalue("mariadb_url")
    return [{} if kind == "sqlite" else {"database": url} for kind in request.param]


def workflow(note: str) -> dict[str, Any]:
    first = {"name": "first", "module": "probe", "config": {"note": note}, "inputs": {"table": "VALUE\n7\n"}}
    second = {"name": "second", "module": "probe", "config": {"note": note}}
    second["pipes"] = {"table": {"process": "first", "label": "table"}}
    return {"name": f"Größe {note}", "tags": {"kind": note}, "processes": [first, second]}


def fill(place: Place, folder: Path) -> dict[str, Job]:
    """Store jobs of every kind, some ended, some in the midst of their work."""
    submit = place.client.submit
    jobs = {"ended": submit(workflow("a"), slot="baseline").wait(60)}
    jobs["reused"] = submit(workflow("a")).wait(60)
    jobs["failed"] = submit(module="probe", config={"code": 500}).wait(60)
    travels = submit(workflow("travels")).wait(60)
    crate = travels.export(folder / "job.zip")
    travels.delete()
    jobs["imported"], _ = place.client.import_job(crate)
    add = {"name": "add", "module": "sum", "config": {"parts": [{"n": 2}], "wait": 0.5}}
    design = {"type": "table", "rows": SWEEP_ROWS}
    scan = {"type": "sweep", "name": "scan", "component": "add", "design": design, "failed_rows": "accept"}
    jobs["sweep"] = submit({"processes": [add], "components": [scan]})
    until(lambda: sum(step.state in ENDED for step in jobs["sweep"].refresh().steps) >= 2)
    jobs["running"] = submit(module="probe", config={"sleep": 6, "note": "running"}, priority=9)
    until(lambda: jobs["running"].refresh().state is State.RUNNING)
    jobs["replaced"] = submit(module="probe", config={"note": "replaced"}, slot="baseline")
    jobs["queued"] = submit(workflow("queued"), slot="baseline")
    jobs["cancelled"] = submit(module="probe", config={"note": "cancelled"})
    jobs["cancelled"].cancel()
    jobs["cancelled"].wait(30)
    return jobs


def results(job: Job) -> dict[str, bytes]:
    return {path: job.results.read(path) for path in job.results.files}


@contextmanager
def parts_of(settings: dict[str, Any], folder: Path) -> Iterator[Parts]:
    with closing(Parts.assemble(Settings(data_dir=folder, module_path=[PROGRAMS], **settings))) as parts:
        yield parts


def rows_in(made: Made) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in made.manifest.tables:
        with gzip.open(made.path / f"{table}.jsonl.gz", "rt", encoding="utf-8") as file:
            found[table] = [json.loads(line) for line in file]
    return found


def rows_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.snapshot() as snapshot:
        return {table: json.loads(json.dumps(list(snapshot.rows(table)))) for table in snapshot.tables}


def lasting(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return of a row what a restore leaves as it was."""
    open_row = table in KEYS and row[KEYS[table]] not in FINAL and not (table == "attempts" and row["ended"])
    return {name: value for name, value in row.items() if not (open_row and name in ANEW[table])}


def assert_same_rows(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> None:
    """See that all rows came back, and that nothing of what had not ended is taken for running."""
    for table, rows in before.items():
        expected_rows = [lasting(table, row) for row in rows]
        assert [{name: row[name] for name in old} for old, row in zip(expected_rows, after[table], strict=True)] == (
            expected_rows
        ), table
    open_steps = [row for row in after["steps"] if row["state"] not in FINAL]
    assert {row["state"] for row in open_steps} == {"queued"}
    assert {row[name] for row in open_steps for name in (*LEASE, "handle", "host", "waits_for")} == {None}
    assert {(row["state"], row["reason"]) for row in after["attempts"]} >= {("failed", "lost")}
    assert all(row["ended"] for row in after["attempts"])


@pytest.mark.needs("mariadb")
@pytest.mark.timeout(300)
def test_every_row_and_result_comes_back_and_what_had_not_ended_goes_on(
    databases: list[dict[str, Any]], tmp_path: Path
) -> None:
    here, there = databases
    with open_place(tmp_path / "data", steps_at_once=2, **here) as place:
        jobs = fill(place, tmp_path)
        views = {name: place.client.job(job.id) for name, job in jobs.items()}
        with parts_of(here, place.data_dir) as parts:
            made = back_up(parts.database, parts.store, place.data_dir, tmp_path / "backups", "any")
        ended = {name: job for name, job in views.items() if job.ended}
        kept = {name: (job.view, results(job), job.log()) for name, job in ended.items()}
        expected = {name: results(job.wait(60)) for name, job in jobs.items()}
    before = rows_in(made)
    assert made.manifest.missing == []
    filled = {"jobs", "steps", "attempts", "outputs", "runs", "slots", "sweep_rows", "turns", "events", "job_labels"}
    assert filled <= {table for table, rows in before.items() if rows}
    states = {row["state"] for row in before["sweep_rows"]}
    assert {"succeeded", "running"} <= states
    assert {"queued", "running"} <= {row["state"] for row in before["steps"]}
    assert {"ended", "reused", "failed", "imported", "replaced", "cancelled"} <= ended.keys()

    path, manifest = find_backup(tmp_path / "backups", None)
    folder = tmp_path / "restored"
    folder.mkdir()
    with closing(Database(Settings(data_dir=folder, **there).database_url)) as database:
        restore(database, Store(folder), folder, path, manifest)
        after = rows_of(database)
    assert_same_rows(before, after)

    with open_place(folder, steps_at_once=2, **there) as place:
        for name, (view, files, log) in kept.items():
            job = place.client.job(jobs[name].id)
            assert (job.view, results(job), job.log()) == (view, files, log), name
        for name, files in expected.items():
            job = place.client.job(jobs[name].id).wait(60)
            assert job.ended, name
            assert job.state is jobs[name].state, name
            assert results(job) == files, name
        assert [step.attempt for step in place.client.job(jobs["running"].id).steps] == [2]
        assert place.client.job(jobs["imported"].id).summary.imported is not None
        again = place.client.submit(workflow("a")).wait(60)
        assert all(step.reused_from for step in again.steps)


def test_backup_that_lies_where_it_comes_from_is_refused(system: System) -> None:
    parts = system.parts
    data = parts.settings.data_dir
    with pytest.raises(Conflict, match="data folder"):
        back_up(parts.database, parts.store, data, data / "backups", "sqlite")


def test_backup_that_was_damaged_is_noticed_and_nothing_is_restored(system: System, tmp_path: Path) -> None:
    parts = system.parts
    system.ended(system.probe())
    made = back_up(parts.database, parts.store, parts.settings.data_dir, tmp_path / "backups", "sqlite")
    victim = Store(tmp_path / "backups").path(made.manifest.files[0])
    victim.chmod(0o644)
    victim.write_bytes(b"other")
    folder = tmp_path / "restored"
    folder.mkdir()

    with closing(Database(Settings(data_dir=folder).database_url)) as database:
        with pytest.raises(StoreCorrupt):
            restore(database, Store(folder), folder, made.path, made.manifest)
        assert database.version is None


def test_half_a_backup_is_none(tmp_path: Path) -> None:
    (tmp_path / "2026-01-01T000000.000000Z.part").mkdir(parents=True)

    with pytest.raises(NotFound, match="no backup"):
        find_backup(tmp_path, None)
