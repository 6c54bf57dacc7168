"""The database as the rest of the system sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

from calculation_engine.db import dump, migrate
from calculation_engine.db.engines import Engines
from calculation_engine.db.events import Events
from calculation_engine.db.history import History
from calculation_engine.db.jobs import Jobs
from calculation_engine.db.session import Sessions
from calculation_engine.db.sizes import Sizes
from calculation_engine.db.standing import Queue
from calculation_engine.db.steps import Steps
from calculation_engine.db.sweeps import Sweeps
from calculation_engine.db.uploads import Uploads


class Database:
    """Jobs, steps, uploads, events and engines in SQLite or MariaDB.

    All methods are synchronous and safe to call from many threads. Each is one short transaction that is begun again
    after a deadlock or a lock timeout. Times are the database's own, aware and in UTC.
    :class:`~calculation_engine.errors.DatabaseUnavailable` says that it cannot be reached; the object can be used again
    when it is back.

    Args:
        url: ``sqlite:///path`` or ``mysql+pymysql://user:password@host/name``. Nothing is connected yet.

    Raises:
        InvalidInput: the URL is of another kind.
    """

    def __init__(self, url: str) -> None:
        self.sessions = Sessions(url)
        self.jobs = Jobs(self.sessions)
        self.steps = Steps(self.sessions)
        self.sweeps = Sweeps(self.sessions)
        self.uploads = Uploads(self.sessions)
        self.events = Events(self.sessions)
        self.history = History(self.sessions)
        self.engines = Engines(self.sessions)
        self.sizes = Sizes(self.sessions)
        self.queue = Queue(self.sessions)

    def migrate(self) -> None:
        """Bring the schema to the newest version; several processes may ask for it at once."""
        migrate.migrate(self.sessions)

    def check(self) -> None:
        """Return when the database answers and its schema is the one that this code expects.

        Raises:
            DatabaseUnavailable: it does not answer, or its schema is older or newer; the hint says what to do.
        """
        migrate.check(self.sessions)

    @property
    def version(self) -> str | None:
        """The version of the schema as it is; None where there is none."""
        return self.sessions.read(migrate.version)

    def snapshot(self) -> AbstractContextManager[dump.Snapshot]:
        """Give all rows as of one instant, for a backup."""
        return dump.snapshot(self.sessions)

    def load(self, version: str, tables: Mapping[str, Iterable[dump.Row]]) -> dict[str, int]:
        """Fill this empty database from a snapshot; see :func:`calculation_engine.db.dump.load`."""
        return dump.load(self.sessions, version, tables)

    def close(self) -> None:
        """Close all connections."""
        self.sessions.close()
