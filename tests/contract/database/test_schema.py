"""The schema of SQLite and MariaDB: made from nothing, by one of many, and the same as the tables in the code."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.database import Database
from calculation_engine.db.migrate import HEAD, MIGRATIONS
from calculation_engine.db.tables import metadata, outputs, steps
from calculation_engine.db.writing import insert_all
from calculation_engine.errors import DatabaseUnavailable
from tests.contract.database.cases import Maker


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_database_is_made_from_nothing(empty_url: str) -> None:
    database = Database(empty_url)
    with pytest.raises(DatabaseUnavailable, match="ce admin migrate"):
        database.check()

    database.migrate()
    database.migrate()

    database.check()
    database.close()


def test_migrations_and_tables_are_the_same(database: Database) -> None:
    with database.sessions.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_and_tables_have_the_same_keys(database: Database) -> None:
    inspector = inspect(database.sessions.engine)

    for table in metadata.sorted_tables:
        found = {index["name"]: index["column_names"] for index in inspector.get_indexes(table.name)}
        wanted = {str(index.name): [column.name for column in index.columns] for index in table.indexes}
        assert {name: found.get(name) for name in wanted} == wanted
        primary = inspector.get_pk_constraint(table.name)["constrained_columns"]
        assert primary == [column.name for column in table.primary_key]
        cascades = {key["options"].get("ondelete") for key in inspector.get_foreign_keys(table.name)}
        assert cascades == ({"CASCADE"} if table.foreign_keys else set())


def test_three_processes_migrate_at_once(empty_url: str) -> None:
    code = "import sys; from calculation_engine.db.database import Database; Database(sys.argv[1]).migrate()"
    command = [sys.executable, "-c", code, empty_url]

    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=100)[1] for process in processes]

    assert ([process.returncode for process in processes], told) == ([0] * 3, [""] * 3)
    database = Database(empty_url)
    database.check()
    database.close()


def test_migration_that_was_killed_half_way_is_taken_up(empty_url: str) -> None:
    database = Database(empty_url)
    database.migrate()
    with database.sessions.engine.begin() as connection:
        connection.execute(text("DROP TABLE events"))
        connection.execute(text("DROP INDEX ix_uploads_sha256" + (" ON uploads" if "mysql" in empty_url else "")))
        connection.execute(text("DELETE FROM alembic_version"))

    database.migrate()

    with database.sessions.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_schema_of_a_newer_program_is_refused(empty_url: str) -> None:
    database = Database(empty_url)
    database.migrate()
    with database.sessions.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(DatabaseUnavailable, match="newer than this program"):
        database.check()
    database.close()


def test_row_without_its_parent_is_refused(database: Database, make: Maker) -> None:
    orphan = {"step_id": make.id(), "path": "x", "sha256": "0" * 64, "size": 1, "label": None, "media_type": "text/csv"}

    with pytest.raises(IntegrityError):
        database.sessions.write(lambda tx: insert_all(tx, outputs, [orphan]))


def test_two_steps_of_a_job_never_have_the_same_path(database: Database, make: Maker) -> None:
    with pytest.raises(IntegrityError):
        make.stored(make.step("a"), make.step("a"))

    assert database.sessions.read(lambda tx: tx.run(steps.select()).all()) == []
