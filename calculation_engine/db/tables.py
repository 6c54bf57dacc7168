"""Every table. A change here needs a migration; a test compares the two on both databases."""

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
    MetaData,
    Named,
    String,
    Table,
    TypedColumns,
    UniqueConstraint,
)

from calculation_engine.db.types import Files, Json, LongText, UtcTime, Word
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State

metadata = MetaData()

#: "nopad": in MariaDB's other collations "a" and "a " are equal, and two outputs may be named so.
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}


#: SQLite's integers have 64 bits whatever they are called.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")


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


class TurnColumns(TypedColumns):
    """Columns of ``turns``: when each owner was served last. The row of no owner counts, and is what claims lock."""

    owner: Named[str] = Column(String(200), primary_key=True)
    served: Named[int] = Column(BigNumber)
    #: Largest turn of a step of this owner that was claimed.
    turn: Named[int] = Column(BigNumber)


turns = Table("turns", metadata, TurnColumns, **OPTIONS)


class SlotColumns(TypedColumns):
    """Columns of ``slots``: the newest job of each slot. Its row is what racing requests lock."""

    owner: Named[str] = Column(String(200), primary_key=True)
    name: Named[str] = Column(String(200), primary_key=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))


slots = Table("slots", metadata, SlotColumns, Index("ix_slots_job", "job_id"), **OPTIONS)


class StepFileColumns(TypedColumns):
    """Columns of ``step_files``: which stored files the inputs of steps are."""

    sha256: Named[str] = Column(String(64), primary_key=True)
    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)


step_files = Table("step_files", metadata, StepFileColumns, Index("ix_step_files_step", "step_id"), **OPTIONS)


class JobFileColumns(TypedColumns):
    """Columns of ``job_files``: what the steps that a job will make later read."""

    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    process: Named[str] = Column(String(200), primary_key=True)
    path: Named[str] = Column(String(500), primary_key=True)
    sha256: Named[str] = Column(String(64))
    size: Named[int] = Column(BigInteger)


job_files = Table("job_files", metadata, JobFileColumns, Index("ix_job_files_sha256", "sha256"), **OPTIONS)


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


class KeyHolderColumns(TypedColumns):
    """Columns of ``key_holders``: which step computes a key now. Its row is what racing engines lock."""

    key: Named[str] = Column(String(64), primary_key=True)
    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"))


key_holders = Table("key_holders", metadata, KeyHolderColumns, Index("ix_key_holders_step", "step_id"), **OPTIONS)


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


class RunColumns(TypedColumns):
    """Columns of ``runs``: steps that were computed, what of their key the step's row does not have, and why."""

    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)
    owner: Named[str] = Column(String(200))
    module: Named[str] = Column(String(64))
    #: Hash of owner, module and path: all three are too long for one index.
    place: Named[str] = Column(String(64))
    content_hash: Named[str] = Column(String(64))
    environment: Named[str] = Column(String(500))
    cause: Named[dict[str, Any]] = Column(Json)
    #: How the result compares with the stored one, where that was asked for.
    verification: Named[dict[str, Any] | None] = Column(Json)


runs = Table(
    "runs",
    metadata,
    RunColumns,
    Index("ix_runs_place", "place", "step_id"),
    Index("ix_runs_module", "owner", "module", "step_id"),
    **OPTIONS,
)


class ModuleContentColumns(TypedColumns):
    """Columns of ``module_contents``: the files, by path, that a module's content hash stands for."""

    content_hash: Named[str] = Column(String(64), primary_key=True)
    files: Named[dict[str, str]] = Column(Json)


module_contents = Table("module_contents", metadata, ModuleContentColumns, **OPTIONS)


class DeletedKeyColumns(TypedColumns):
    """Columns of ``deleted_keys``: keys of results that were deleted with their job."""

    key: Named[str] = Column(String(64), primary_key=True)
    job_id: Named[str] = Column(String(36))
    deleted: Named[datetime] = Column(UtcTime)


deleted_keys = Table("deleted_keys", metadata, DeletedKeyColumns, **OPTIONS)


class OutputColumns(TypedColumns):
    """Columns of ``outputs``: the files that a step left, or that the step it was reused from left."""

    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)
    path: Named[str] = Column(String(500), primary_key=True)
    sha256: Named[str] = Column(String(64))
    size: Named[int] = Column(BigInteger)
    label: Named[str | None] = Column(String(100))
    media_type: Named[str] = Column(String(255))


outputs = Table("outputs", metadata, OutputColumns, Index("ix_outputs_sha256", "sha256"), **OPTIONS)


class UploadColumns(TypedColumns):
    """Columns of ``uploads``."""

    id: Named[str] = Column(String(36), primary_key=True)
    owner: Named[str] = Column(String(200))
    name: Named[str] = Column(String(500))
    size: Named[int] = Column(BigInteger)
    sha256: Named[str] = Column(String(64))
    media_type: Named[str] = Column(String(255))
    created: Named[datetime] = Column(UtcTime)


uploads = Table(
    "uploads",
    metadata,
    UploadColumns,
    Index("ix_uploads_created", "created", "id"),
    Index("ix_uploads_owner_created", "owner", "created", "id"),
    Index("ix_uploads_sha256", "sha256"),
    **OPTIONS,
)


class EventColumns(TypedColumns):
    """Columns of ``events``. Written with the job's row locked, so that ids of a job are in the order of commits."""

    id: Named[int] = Column(BigNumber, primary_key=True, autoincrement=True)
    job_id: Named[str] = Column(String(36), ForeignKey("jobs.id", ondelete="CASCADE"))
    time: Named[datetime] = Column(UtcTime)
    kind: Named[str] = Column(String(32))
    data: Named[dict[str, Any]] = Column(Json)


events = Table("events", metadata, EventColumns, Index("ix_events_job", "job_id", "id"), **OPTIONS)


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
