"""Jobs: how they stand, what they are found by, what they read later, and what happened to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Named,
    String,
    Table,
    TypedColumns,
)

from calculation_engine.db.tables.base import OPTIONS, BigNumber, metadata
from calculation_engine.db.types import Json, LongText, UtcTime, Word
from calculation_engine.states import Reason, State


class JobColumns(TypedColumns):
    """Columns of ``jobs``."""

    id: Named[str] = Column(String(36), primary_key=True)
    owner: Named[str] = Column(String(200))
    name: Named[str] = Column(String(200))
    description: Named[str] = Column(LongText)
    tags: Named[dict[str, str]] = Column(Json)
    slot: Named[str | None] = Column(String(200))
    state: Named[State] = Column(Word(State))
    reason: Named[Reason | None] = Column(Word(Reason))
    message: Named[str] = Column(LongText)
    fraction: Named[float | None] = Column(Double)
    created: Named[datetime] = Column(UtcTime)
    started: Named[datetime | None] = Column(UtcTime)
    ended: Named[datetime | None] = Column(UtcTime)
    cancel_requested: Named[datetime | None] = Column(UtcTime)
    request_hash: Named[str] = Column(String(64))
    priority: Named[int] = Column(Integer)
    #: Turn of the job's last queued step: see :mod:`calculation_engine.db.queueing`.
    turn: Named[int] = Column(BigNumber)
    #: The newer job that took over its slot.
    superseded_by: Named[str | None] = Column(String(36))
    #: How often the job's steps have changed; a planner clears ``due`` only when it saw the last change.
    changes: Named[int] = Column(Integer)
    #: Since when the job waits to be planned; NULL when it does not.
    due: Named[datetime | None] = Column(UtcTime)
    workflow: Named[dict[str, Any]] = Column(Json)
    #: Where it comes from, when it repeats another job or was brought here from another machine.
    origin: Named[dict[str, Any] | None] = Column(Json)
    #: When it was brought here: its results were not computed here, and serve its owner alone.
    imported: Named[datetime | None] = Column(UtcTime)
    #: How each of the job's loops stands, as the planner last saw it.
    loops: Named[list[dict[str, Any]]] = Column(Json)


jobs = Table(
    "jobs",
    metadata,
    JobColumns,
    Index("ix_jobs_created", "created", "id"),
    Index("ix_jobs_owner_created", "owner", "created", "id"),
    Index("ix_jobs_state_created", "state", "created", "id"),
    Index("ix_jobs_owner_state_created", "owner", "state", "created", "id"),
    Index("ix_jobs_name", "name", "id"),
    Index("ix_jobs_owner_name", "owner", "name", "id"),
    Index("ix_jobs_due", "due", "id"),
    Index("ix_jobs_slot", "owner", "slot", "state", "created", "id"),
    **OPTIONS,
)


class DeletedJobColumns(TypedColumns):
    """Columns of ``deleted_jobs``: ids that are never given again."""

    id: Named[str] = Column(String(36), primary_key=True)
    owner: Named[str] = Column(String(200))
    deleted: Named[datetime] = Column(UtcTime)


deleted_jobs = Table("deleted_jobs", metadata, DeletedJobColumns, **OPTIONS)


class JobLabelColumns(TypedColumns):
    """Columns of ``job_labels``: what jobs are found by; ``name`` is ``module``, ``slot``, or ``tag:`` and a key."""

    name: Named[str] = Column(String(110), primary_key=True)
    value: Named[str] = Column(String(100), primary_key=True)
    created: Named[datetime] = Column(UtcTime, primary_key=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


job_labels = Table(
    "job_labels",
    metadata,
    JobLabelColumns,
    Index("ix_job_labels_job", "job_id"),
    sqlite_with_rowid=False,
    **OPTIONS,
)


class SlotColumns(TypedColumns):
    """Columns of ``slots``: the newest job of each slot. Its row is what racing requests lock."""

    owner: Named[str] = Column(String(200), primary_key=True)
    name: Named[str] = Column(String(200), primary_key=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))


slots = Table("slots", metadata, SlotColumns, Index("ix_slots_job", "job_id"), **OPTIONS)


class JobFileColumns(TypedColumns):
    """Columns of ``job_files``: what the steps that a job will make later read."""

    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    process: Named[str] = Column(String(200), primary_key=True)
    path: Named[str] = Column(String(500), primary_key=True)
    sha256: Named[str] = Column(String(64))
    size: Named[int] = Column(BigInteger)


job_files = Table("job_files", metadata, JobFileColumns, Index("ix_job_files_sha256", "sha256"), **OPTIONS)


class EventColumns(TypedColumns):
    """Columns of ``events``. Written with the job's row locked, so that ids of a job are in the order of commits."""

    id: Named[int] = Column(BigNumber, primary_key=True, autoincrement=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))
    time: Named[datetime] = Column(UtcTime)
    kind: Named[str] = Column(String(32))
    data: Named[dict[str, Any]] = Column(Json)


events = Table("events", metadata, EventColumns, Index("ix_events_job", "job_id", "id"), **OPTIONS)
