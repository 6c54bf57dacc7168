"""Engines: which there are, for ``/readyz`` and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from calculation_engine.db.rows import EngineRow, names_of
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import engines

_FORGOTTEN_AFTER = timedelta(days=1)


class Engines:
    """The engines of the database. An owner's name is one life of one process, never given again."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def beat(self, owner: str, host: str, executors: Sequence[str], capacity: Mapping[str, Any] | None = None) -> None:
        """Note that an engine is alive and what it has for steps, and forget those not heard of for a day."""
        self._sessions.write(lambda tx: _beat(tx, owner, host, list(executors), dict(capacity or {})), flush=False)

    def leave(self, owner: str) -> None:
        """Note that an engine has stopped."""
        self._sessions.write(lambda tx: tx.run(delete(engines).where(engines.c.owner == owner)), flush=False)

    def alive(self, within_seconds: float) -> list[EngineRow]:
        """Return the engines heard of within so many seconds of the database's clock."""
        columns = [engines.c[name] for name in names_of(EngineRow)]

        def query(tx: Transaction) -> list[EngineRow]:
            heard = select(*columns).where(engines.c.seen >= tx.now - timedelta(seconds=within_seconds))
            return [EngineRow(**row._mapping) for row in tx.run(heard.order_by(engines.c.owner))]

        return self._sessions.read(query)


def _beat(tx: Transaction, owner: str, host: str, executors: list[str], capacity: dict[str, Any]) -> None:
    values = {"host": host, "executors": executors, "capacity": capacity, "seen": tx.now}
    if tx.run(update(engines).where(engines.c.owner == owner).values(**values)).rowcount == 0:
        tx.run(insert(engines).values(owner=owner, started=tx.now, **values))
        tx.run(delete(engines).where(engines.c.seen < tx.now - _FORGOTTEN_AFTER))
