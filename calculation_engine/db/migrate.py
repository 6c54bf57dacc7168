"""The schema's versions: brought to the newest, and compared with what this code expects."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, inspect, select, text

from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.errors import DatabaseUnavailable

#: The newest migration; a test compares it with the files.
HEAD = "0004"
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK_SECONDS = 50  # less than a connection waits for any answer


def migrate(sessions: Sessions, to: str = HEAD) -> None:
    """Bring the schema to a version; one process does it while others wait. Nothing happens when it is there."""
    if sessions.read(version) == to:
        return
    # SQLite: one transaction that shuts other writers out. MariaDB commits every change of the schema by itself.
    upgrade = _upgrade if sessions.is_sqlite else _upgrade_alone
    sessions.write(lambda tx: upgrade(tx, to))


def check(sessions: Sessions) -> None:
    """Return when the schema is the one that this code expects; see :meth:`Database.check`."""
    found = sessions.read(version)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        message, hint = "newer than this program", "install the version of the program that made it, or a newer one"
    else:
        message, hint = "older than this program", "run `ce admin migrate`, or restart the server"
    raise DatabaseUnavailable(
        f"database {sessions.place}: its schema is {message}: version {found or 'none'}, expected {HEAD}", hint=hint
    )


def version(tx: Transaction) -> str | None:
    """Return the version that the schema has; None where there is none."""
    if not inspect(tx.connection).has_table("alembic_version"):
        return None
    return tx.run(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade_alone(tx: Transaction, to: str) -> None:
    name = f"calculation-engine {tx.connection.engine.url.database}"[:64]
    if tx.run(select(func.get_lock(name, _LOCK_SECONDS))).scalar() != 1:
        raise DatabaseUnavailable(f"database: another process has been changing its schema for {_LOCK_SECONDS} seconds")
    try:
        _upgrade(tx, to)
    except BaseException:
        tx.connection.invalidate()  # the lock goes with the connection
        raise
    tx.run(select(func.release_lock(name)))


def _upgrade(tx: Transaction, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = tx.connection
    command.upgrade(config, to)
