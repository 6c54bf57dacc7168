"""Rows of sweeps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    String,
    Table,
    TypedColumns,
)

from calculation_engine.db.tables.base import OPTIONS, metadata
from calculation_engine.db.types import Json, LongText, Word
from calculation_engine.states import Reason, State


class SweepRowColumns(TypedColumns):
    """Columns of ``sweep_rows``: the rows of a job's sweeps that have begun."""

    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    sweep: Named[str] = Column(String(200), primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    state: Named[State] = Column(Word(State))
    reason: Named[Reason | None] = Column(Word(Reason))
    message: Named[str] = Column(LongText)
    #: What the table of results has of it, and how its loops ended.
    result: Named[dict[str, Any] | None] = Column(Json)


sweep_rows = Table(
    "sweep_rows",
    metadata,
    SweepRowColumns,
    Index("ix_sweep_rows_state", "job_id", "sweep", "state", "number"),
    **OPTIONS,
)
