"""A database of each kind, migrated once and emptied before each test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy

from calculation_engine.db.database import Database
from calculation_engine.db.tables import metadata
from tests.contract.database.cases import Maker, Together, run_together

BACKENDS = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("mariadb", id="mariadb", marks=pytest.mark.needs("mariadb")),
]


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Database]]:
    """``databases("mariadb")``: the migrated database of a kind, for the whole session."""
    made: dict[str, Database] = {}
    server = os.environ.get("CE_TEST_MARIADB", "")
    name = f"ce_test_{uuid4().hex}"

    def get(backend: str) -> Database:
        if backend not in made:
            made[backend] = Database(url(backend))
            made[backend].migrate()
        return made[backend]

    def url(backend: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('database') / 'ce.sqlite'}"
        execute(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)

    yield get
    for database in made.values():
        database.close()
    if "mariadb" in made:
        execute(server, f"DROP DATABASE {name}")


def execute(server: str, statement: str) -> None:
    """Run one statement on a server."""
    engine = sqlalchemy.create_engine(server, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Name of a kind of database; a test that asks for it runs on each."""
    return str(request.param)


@pytest.fixture
def database(backend: str, databases: Callable[[str], Database]) -> Database:
    """An empty database."""
    database = databases(backend)
    with database.sessions.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return database


@pytest.fixture
def empty_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without any table."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'ce.sqlite'}"
    return str(request.getfixturevalue("mariadb_url"))


@pytest.fixture
def make(database: Database) -> Maker:
    """Makes rows in ``database``."""
    return Maker(database)


@pytest.fixture
def together() -> Together:
    """Runs a function in threads that begin together."""
    return run_together
