"""Steps: what they run and read, their attempts, and what they left."""

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
    UniqueConstraint,
)

from calculation_engine.db.tables.base import OPTIONS, BigNumber, metadata
from calculation_engine.db.types import Files, Json, LongText, UtcTime, Word
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


class StepColumns(TypedColumns):
    """Columns of ``steps``."""

    id: Named[str] = Column(String(36), primary_key=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))
    path: Named[str] = Column(String(500))
    process: Named[str] = Column(String(64))
    module: Named[str] = Column(String(64))
    module_version: Named[str | None] = Column(String(100))
    executor: Named[str] = Column(String(64))
    config: Named[dict[str, Any]] = Column(Json)
    files: Named[dict[str, Blob]] = Column(Files)
    resources: Named[dict[str, Any]] = Column(Json)
    #: Cores and bytes that it takes of its engine's machine.
    cpu: Named[float] = Column(Double)
    memory_bytes: Named[int] = Column(BigInteger)
    #: Which failures are tried again, and how often.
    retry: Named[dict[str, Any] | None] = Column(Json)
    priority: Named[int] = Column(Integer)
    #: Which results it may take instead of computing; NULL: those of equal steps.
    reuse: Named[dict[str, Any] | None] = Column(Json)
    state: Named[State] = Column(Word(State))
    reason: Named[Reason | None] = Column(Word(Reason))
    message: Named[str] = Column(LongText)
    fraction: Named[float | None] = Column(Double)
    cancel_requested: Named[datetime | None] = Column(UtcTime)
    attempt: Named[int] = Column(Integer)
    handle: Named[str | None] = Column(String(500))
    #: The place where the current attempt was begun: it is taken over by engines that reach that place only.
    host: Named[str | None] = Column(String(255))
    key: Named[str | None] = Column(String(64))
    spec: Named[dict[str, Any] | None] = Column(Json)
    reused_from: Named[str | None] = Column(String(36))
    verdict: Named[dict[str, Any] | None] = Column(Json)
    #: The numbers that the module's manifest names, by name.
    scalars: Named[dict[str, float | None] | None] = Column(Json)
    exit_code: Named[int | None] = Column(Integer)
    cpu_seconds: Named[float | None] = Column(Double)
    peak_memory_bytes: Named[int | None] = Column(BigInteger)
    image: Named[str | None] = Column(String(500))
    queued: Named[datetime] = Column(UtcTime)
    started: Named[datetime | None] = Column(UtcTime)
    ended: Named[datetime | None] = Column(UtcTime)
    lease_owner: Named[str | None] = Column(String(200))
    lease_token: Named[str | None] = Column(String(36))
    lease_until: Named[datetime | None] = Column(UtcTime)
    #: The step's place among its owner's steps; see :mod:`calculation_engine.db.queueing`.
    turn: Named[int] = Column(BigNumber)
    #: Owner and module while the step may be claimed, else NULL.
    queue_lane: Named[str | None] = Column(String(270))
    #: Priority and turn while the step may be claimed, else NULL: the order in a lane is that of an index.
    queue_rank: Named[int | None] = Column(BigNumber)
    #: When the step is queued again; it is in no lane until then.
    not_before: Named[datetime | None] = Column(UtcTime)
    #: The key that another step computes now; this one is claimable again when that one has ended.
    waits_for: Named[str | None] = Column(String(64))
    #: 1 when the row of a sweep that it belongs to has ended: no planner looks at it again.
    settled: Named[int] = Column(Integer)


steps = Table(
    "steps",
    metadata,
    StepColumns,
    UniqueConstraint("job_id", "path", name="uq_steps_job_path"),
    Index("ix_steps_queue", "executor", "queue_lane", "queue_rank", "id"),
    Index("ix_steps_not_before", "not_before"),
    Index("ix_steps_lease_owner", "lease_owner"),
    Index("ix_steps_lease_until", "lease_until"),
    Index("ix_steps_key", "key", "state", "id"),
    Index("ix_steps_waits_for", "waits_for"),
    Index("ix_steps_job_settled", "job_id", "settled", "id"),
    **OPTIONS,
)


class StepFileColumns(TypedColumns):
    """Columns of ``step_files``: which stored files the inputs of steps are."""

    sha256: Named[str] = Column(String(64), primary_key=True)
    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)


step_files = Table("step_files", metadata, StepFileColumns, Index("ix_step_files_step", "step_id"), **OPTIONS)


class AttemptColumns(TypedColumns):
    """Columns of ``attempts``: every time that a step was begun."""

    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)
    number: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    owner: Named[str] = Column(String(200))
    executor: Named[str] = Column(String(64))
    host: Named[str | None] = Column(String(255))
    handle: Named[str | None] = Column(String(500))
    image: Named[str | None] = Column(String(500))
    begun: Named[datetime] = Column(UtcTime)
    ended: Named[datetime | None] = Column(UtcTime)
    state: Named[State | None] = Column(Word(State))
    reason: Named[Reason | None] = Column(Word(Reason))
    message: Named[str] = Column(LongText)
    exit_code: Named[int | None] = Column(Integer)


attempts = Table("attempts", metadata, AttemptColumns, Index("ix_attempts_ended", "ended"), **OPTIONS)


class OutputColumns(TypedColumns):
    """Columns of ``outputs``: the files that a step left, or that the step it was reused from left."""

    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)
    path: Named[str] = Column(String(500), primary_key=True)
    sha256: Named[str] = Column(String(64))
    size: Named[int] = Column(BigInteger)
    label: Named[str | None] = Column(String(100))
    media_type: Named[str] = Column(String(255))


outputs = Table("outputs", metadata, OutputColumns, Index("ix_outputs_sha256", "sha256"), **OPTIONS)
