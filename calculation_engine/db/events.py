"""Events: what happened to a job, in order, for those who watch it."""

from __future__ import annotations

from sqlalchemy import func, select

from calculation_engine.db.rows import EventRow, names_of
from calculation_engine.db.session import Sessions
from calculation_engine.db.tables import events

_COLUMNS = [events.c[name] for name in names_of(EventRow)]


class Events:
    """The events of the database; the methods of jobs and steps write them."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def since(self, job_id: str, after_id: int = 0, limit: int = 1000) -> list[EventRow]:
        """Return a job's events behind ``after_id``, oldest first; asking again from the last one misses none."""
        query = select(*_COLUMNS).where(events.c.job_id == job_id, events.c.id > after_id)
        query = query.order_by(events.c.id).limit(limit)
        return self._sessions.read(lambda tx: [EventRow(**row._mapping) for row in tx.run(query)])

    def last_id(self, job_id: str) -> int:
        """Return the id of a job's last event; 0 when it has none."""
        query = select(func.coalesce(func.max(events.c.id), 0)).where(events.c.job_id == job_id)
        return self._sessions.read(lambda tx: int(tx.run(query).scalar_one()))
