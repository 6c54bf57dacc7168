"""All rows of a database as of one instant, and back into an empty one of either kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Connection, DateTime, Double, MetaData, Table, inspect, select

from calculation_engine.db import migrate
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.errors import Conflict, InvalidInput
from calculation_engine.states import ENDED, Reason, State

Row = dict[str, Any]
#: Which step computes what now, and which engines there are: nothing of it outlives the database.
_LEFT_OUT = frozenset({"alembic_version", "engines", "key_holders"})
_ROWS_AT_ONCE = 500
_LOST = "it was queued again: the backup was made while it ran"


class Snapshot:
    """A database as it was at one instant."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._metadata = _reflected(connection)

    @property
    def tables(self) -> list[str]:
        """Names, each after those that it refers to."""
        return [table.name for table in self._metadata.sorted_tables]

    def rows(self, table: str) -> Iterator[Row]:
        """Yield a table's rows as values of JSON, in the order of its primary key."""
        columns = self._metadata.tables[table]
        query = select(columns).order_by(*columns.primary_key.columns)
        stream = self._connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
        for row in stream:
            yield {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in row._mapping.items()
            }


@contextmanager
def snapshot(sessions: Sessions) -> Iterator[Snapshot]:
    """Give the database as it is now for as long as the block takes; others go on writing."""
    options: Row = {"ce_writes": False}
    if not sessions.is_sqlite:
        options["isolation_level"] = "REPEATABLE READ"
    with sessions.engine.connect() as plain:
        connection = plain.execution_options(**options)
        with connection.begin():
            yield Snapshot(connection)


def load(sessions: Sessions, version: str, tables: Mapping[str, Iterable[Row]]) -> dict[str, int]:
    """Fill an empty database with the rows of a snapshot and bring it to the newest schema; return rows by table.

    What had not ended then is queued again: nothing can be said of processes and containers of that time.

    Args:
        sessions: the database; its tables are made where there are none.
        version: of the schema that the rows were written under.
        tables: rows by table, each after those that it refers to.

    Raises:
        Conflict: the database has jobs already, or tables of another schema.
        InvalidInput: the rows are of a newer schema than this program's.
    """
    if version > migrate.HEAD:
        raise InvalidInput(
            f"the backup's schema is {version}, and this program knows {migrate.HEAD}",
            hint="restore it with the version of the program that made it, or a newer one",
        )
    _refuse_jobs(sessions)
    found = sessions.read(migrate.version)
    if found not in {None, version}:
        raise Conflict(
            f"database {sessions.place}: its schema is {found}, and the backup's is {version}",
            hint="restore into a database that has no tables yet",
        )
    migrate.migrate(sessions, version)
    counts = sessions.write(lambda tx: _insert_all(tx, tables))
    migrate.migrate(sessions)
    return counts


def _refuse_jobs(sessions: Sessions) -> None:
    def query(tx: Transaction) -> bool:
        if not inspect(tx.connection).has_table("jobs"):
            return False
        table = Table("jobs", MetaData(), autoload_with=tx.connection)
        return tx.run(select(table.c.id).limit(1)).first() is not None

    if sessions.read(query):
        raise Conflict(
            f"database {sessions.place}: it has jobs already", hint="restore into an empty database and data folder"
        )


def _insert_all(tx: Transaction, tables: Mapping[str, Iterable[Row]]) -> dict[str, int]:
    reflected = _reflected(tx.connection)
    counts = {}
    for name, rows in tables.items():
        if name not in reflected.tables:
            raise InvalidInput(f"the backup has a table {name}, which its schema does not have")
        table = reflected.tables[name]
        times = [column.name for column in table.columns if isinstance(column.type, DateTime)]
        counts[name] = 0
        for part in batched((_requeued(name, row, tx) for row in rows), _ROWS_AT_ONCE):
            read = [row | {time: datetime.fromisoformat(row[time]) for time in times if row[time]} for row in part]
            tx.connection.execute(table.insert(), read)
            counts[name] += len(read)
    return counts


def _requeued(table: str, row: Row, tx: Transaction) -> Row:
    """Return a row with nothing in it of what ran."""
    now = tx.now.replace(tzinfo=None).isoformat()
    if table == "jobs" and row["state"] not in ENDED:
        return row | {"due": now}
    if table == "attempts" and row["ended"] is None:
        return row | {"ended": now, "state": State.FAILED.value, "reason": Reason.LOST.value, "message": _LOST}
    if table == "steps" and row["state"] not in ENDED:
        nothing = dict.fromkeys(
            (
                "lease_owner",
                "lease_token",
                "lease_until",
                "waits_for",
                "queue_rank",
                "handle",
                "host",
                "started",
                "fraction",
            )
        )
        told = {"message": _LOST} if row["state"] == State.RUNNING else {}
        lane = {"queue_lane": None} if "queue_lane" in row else {}
        # The first claim puts it where it belongs, whichever version of the schema this is.
        return row | nothing | lane | told | {"state": State.QUEUED.value, "not_before": now}
    return row


def _reflected(connection: Connection) -> MetaData:
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name not in _LEFT_OUT)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Double):
                column.type = Double()  # as it is reflected it would be rounded to a decimal
    return metadata
