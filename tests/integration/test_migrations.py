"""A database of a former version, in the midst of its work, is brought to the newest schema, and its jobs go on.

``former/<schema>.json`` holds all rows and stored files of a system of that version on one host, as it was when its
engine was killed: two jobs had ended, a loop stood between two evaluations, one step ran, one waited for it because it
computes the same, and one was queued or just leased. Names of the host and of folders stand for those of this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DateTime, MetaData

import calculation_engine
from calculation_engine.db import migrate
from calculation_engine.db.database import Database
from calculation_engine.settings import host_name
from calculation_engine.states import Reason, State
from calculation_engine.store import Store
from tests.integration.conftest import PROGRAMS, System, make_parts

FORMER = Path(__file__).parent / "former"


def read_former(version: str) -> dict[str, Any]:
    """Return jobs by what they are, stored files and rows of a former system, as if it had run here."""
    text = (FORMER / f"{version}.json").read_text()
    text = text.replace("/srv/former/tests/programs", str(PROGRAMS))
    text = text.replace("/srv/former/calculation_engine", str(Path(calculation_engine.__file__).parent))
    for end in ('"', ":", "-"):
        text = text.replace(f'"former{end}', f'"{host_name()}{end}')
    document: dict[str, Any] = json.loads(text)
    return document


def insert(database: Database, version: str, tables: dict[str, list[dict[str, Any]]]) -> None:
    """Make a database as that version had it."""
    migrate.migrate(database.sessions, version)
    with database.sessions.engine.begin() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            times = [column.name for column in table.columns if isinstance(column.type, DateTime)]
            for row in tables.get(table.name, []):
                given = {name: datetime.fromisoformat(row[name]) for name in times if row[name]}
                connection.execute(table.insert(), row | given)


@contextmanager
def system_of(folder: Path, url: str | None) -> Iterator[System]:
    with closing(make_parts(folder, **({"database": url} if url else {}))) as parts:
        engine = parts.engine()
        engine.start()
        try:
            yield System(parts, engine)
        finally:
            engine.stop()


@pytest.mark.parametrize(
    ("version", "backend"),
    [
        ("0002", "sqlite"),
        pytest.param("0002", "mariadb", marks=pytest.mark.needs("mariadb")),
        pytest.param("0003", "mariadb", marks=pytest.mark.needs("mariadb")),
    ],
)
def test_jobs_of_a_former_version_go_on(
    version: str, backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("mariadb_url") if backend == "mariadb" else None
    former = read_former(version)
    jobs, folder = former["jobs"], tmp_path / "data"
    folder.mkdir()
    store = Store(folder)
    for sha256, text in former["files"].items():
        assert store.put(text.encode()).sha256 == sha256
    with closing(Database(url or f"sqlite:///{folder}/calculation-engine.sqlite")) as database:
        insert(database, version, former["tables"])
        assert database.version == version

    with system_of(folder, url) as system:
        before = {row["path"]: row for row in former["tables"]["steps"] if row["job_id"] == jobs["loop"]}
        assert system.job(jobs["ended"]).state is State.SUCCEEDED
        assert system.read(jobs["ended"], "second/table.csv") == "VALUE\n7\n1\n1\n"
        assert system.job(jobs["failed"]).reason is Reason.MODULE_ERROR
        for name in ("loop", "running", "equal", "queued"):
            job = system.ended(jobs[name])
            assert job.state is State.SUCCEEDED, (name, job.message)
        assert system.read(jobs["queued"], "second/table.csv") == "VALUE\n7\n1\n1\n"
        [running], [equal] = system.steps(jobs["running"]), system.steps(jobs["equal"])
        lost, *again = system.parts.database.steps.attempts(running.id)
        assert lost.reason is Reason.LOST
        computed, reused = (running, equal) if again else (equal, running)  # whichever was claimed first
        assert reused.reused_from == computed.id
        assert system.parts.database.steps.attempts(computed.id)[-1].state is State.SUCCEEDED
        [loop] = system.job(jobs["loop"]).loops
        assert loop["verdict"] == "converged"
        after = {step.path: step for step in system.steps(jobs["loop"])}
        for path, row in before.items():
            if row["state"] == "succeeded":
                assert (after[path].id, after[path].attempt) == (row["id"], row["attempt"])
        new = system.ended(system.probe(note="new"))
        assert new.state is State.SUCCEEDED
