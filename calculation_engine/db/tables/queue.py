"""Who takes which step: turns of owners, keys that are computed, and engines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Named,
    String,
    Table,
    TypedColumns,
)

from calculation_engine.db.tables.base import OPTIONS, BigNumber, metadata
from calculation_engine.db.types import Json, UtcTime


class TurnColumns(TypedColumns):
    """Columns of ``turns``: when each owner was served last. The row of no owner counts, and is what claims lock."""

    owner: Named[str] = Column(String(200), primary_key=True)
    served: Named[int] = Column(BigNumber)
    #: Largest turn of a step of this owner that was claimed.
    turn: Named[int] = Column(BigNumber)


turns = Table("turns", metadata, TurnColumns, **OPTIONS)


class KeyHolderColumns(TypedColumns):
    """Columns of ``key_holders``: which step computes a key now. Its row is what racing engines lock."""

    key: Named[str] = Column(String(64), primary_key=True)
    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"))


key_holders = Table("key_holders", metadata, KeyHolderColumns, Index("ix_key_holders_step", "step_id"), **OPTIONS)


class EngineColumns(TypedColumns):
    """Columns of ``engines``: which engines there are, and when each was last heard of."""

    owner: Named[str] = Column(String(200), primary_key=True)
    host: Named[str] = Column(String(255))
    executors: Named[list[str]] = Column(Json)
    #: What it has for steps, and the settings that bound them.
    capacity: Named[dict[str, Any]] = Column(Json)
    started: Named[datetime] = Column(UtcTime)
    seen: Named[datetime] = Column(UtcTime)


engines = Table("engines", metadata, EngineColumns, **OPTIONS)
