"""Short transactions on SQLite or MariaDB, begun again where the database asks for it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Executable, create_engine, event, exc, make_url, text

from calculation_engine.db.failures import is_statement_at_fault, is_transient, unavailable
from calculation_engine.errors import DatabaseUnavailable, InvalidInput

_LONGEST_PAUSE_SECONDS = 0.25
_BUSY_SECONDS = 5.0
_CLOCKS = {"sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')", "mysql": "SELECT UTC_TIMESTAMP(6)"}


class Again(Exception):
    """Another transaction came in between: begin this one again."""


class Transaction:
    """One open transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @cached_property
    def now(self) -> datetime:
        """The database's own time when it was first asked for in this transaction."""
        value = self.connection.execute(text(_CLOCKS[self.connection.dialect.name])).scalar_one()
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).replace(tzinfo=UTC)

    def after(self, seconds: float) -> datetime:
        """The database's own time in so many seconds."""
        return self.now + timedelta(seconds=seconds)

    def run(self, statement: Executable, rows: list[dict[str, Any]] | None = None) -> CursorResult[Any]:
        """Execute a statement, for each of ``rows`` when given."""
        return cast(CursorResult[Any], self.connection.execute(statement, rows))


class Sessions:
    """Makes connections and runs transactions; safe to use from many threads.

    Args:
        url: of the database.
        patience_seconds: how long one transaction is begun again while others are in its way.
    """

    def __init__(self, url: str, patience_seconds: float = 30.0) -> None:
        self.url = _checked(url)
        self._patience_seconds = patience_seconds
        self.engine = (
            _sqlite_engine(self.url, min(_BUSY_SECONDS, patience_seconds))
            if self.is_sqlite
            else _mariadb_engine(self.url)
        )
        # SQLite has one writer at a time and lets the others poll; a lock hands over without that delay.
        self._writing: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this machine."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def place(self) -> str:
        """The database's URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def read[T](self, work: Callable[[Transaction], T]) -> T:
        """Return what ``work`` returns; it sees one state of the database on SQLite, committed rows on MariaDB.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        return self._run(work, {"ce_writes": False})

    def write[T](self, work: Callable[[Transaction], T], *, flush: bool = True) -> T:
        """Return what ``work`` returns after its commit; on any exception nothing is written.

        ``work`` is called again after a deadlock or a lock timeout, so it must do nothing but database work.

        Args:
            work: what is to be done.
            flush: whether it is there after a power failure too, as what a user was promised must be. Without, SQLite
                may lose it then, unless a later write was flushed; a process that is killed loses nothing either way.

        Raises:
            DatabaseUnavailable: the database cannot be reached. When that happened during the commit itself, it may
                have been written.
        """
        return self._run(work, {"ce_writes": True, "ce_flush": flush})

    def _run[T](self, work: Callable[[Transaction], T], options: Mapping[str, bool]) -> T:
        deadline = time.monotonic() + self._patience_seconds
        pause = 0.002
        while True:
            try:
                with self._writing if options["ce_writes"] else nullcontext():
                    return self._once(work, options)
            except (exc.DBAPIError, Again) as error:
                self._raise_unless_transient(error, deadline)
            except exc.TimeoutError as error:
                raise DatabaseUnavailable(f"database {self.place}: all connections are in use") from error
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads racing engines, no secret
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _raise_unless_transient(self, error: exc.DBAPIError | Again, deadline: float) -> None:
        if isinstance(error, exc.DBAPIError) and not is_transient(error):
            if is_statement_at_fault(error):
                raise error
            raise unavailable(error, self.place) from error
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"database {self.place}: others were in the way of one transaction for {self._patience_seconds} seconds"
            ) from error

    def _once[T](self, work: Callable[[Transaction], T], options: Mapping[str, bool]) -> T:
        with self.engine.connect() as plain:
            connection = plain.execution_options(**options)
            with connection.begin():
                return work(Transaction(connection))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _checked(text_url: str) -> URL:
    hint = "for example sqlite:////var/lib/ce/ce.sqlite or mysql+pymysql://user:password@host/name"
    try:
        url = make_url(text_url)
    except exc.ArgumentError as error:
        raise InvalidInput("database: not a URL", hint=hint) from error
    backend = url.get_backend_name()
    if backend in {"mysql", "mariadb"}:
        return url.set(drivername="mysql+pymysql")
    if backend != "sqlite":
        raise InvalidInput(f"database: expected sqlite or mysql+pymysql, got {url.drivername}", hint=hint)
    if not url.database or url.database == ":memory:":
        raise InvalidInput("database: SQLite needs a file, as several threads and processes share it", hint=hint)
    return url


def _sqlite_engine(url: URL, busy_seconds: float) -> Engine:
    folder = Path(cast(str, url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"database: the folder {folder} cannot be made: {error.strerror}") from error
    engine = create_engine(url, pool_size=20, max_overflow=20, connect_args={"timeout": busy_seconds})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: see _begin_sqlite
    for pragma in ("journal_mode = WAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot wait for another writer; one that is immediate can.
    options = connection.get_execution_options()
    if options.get("ce_writes", True):
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if options.get('ce_flush', True) else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")


def _mariadb_engine(url: URL) -> Engine:
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_size=20,
        max_overflow=20,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": 5,
            "read_timeout": 60,
            "write_timeout": 60,
            "init_command": "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), "
            "innodb_lock_wait_timeout = 10, time_zone = '+00:00'",
        },
    )
