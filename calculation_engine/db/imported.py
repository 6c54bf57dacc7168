"""What is stored of a job that ended on another machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calculation_engine.db.rows import NewOutput, NewRun, RowEnd
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


@dataclass(frozen=True, slots=True)
class ImportedStep:
    """A step that ended on another machine."""

    id: str
    path: str
    process: str
    module: str
    module_version: str | None
    executor: str
    config: dict[str, Any]
    files: dict[str, Blob]
    resources: dict[str, Any]
    cpu: float
    memory_bytes: int
    retry: dict[str, Any] | None
    reuse: dict[str, Any] | None
    state: State
    reason: Reason | None
    message: str
    fraction: float | None
    attempt: int
    host: str | None
    image: str | None
    key: str | None
    spec: dict[str, Any] | None
    reused_from: str | None
    scalars: dict[str, float | None] | None
    verdict: dict[str, Any] | None
    exit_code: int | None
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    queued: datetime
    started: datetime | None
    ended: datetime | None
    outputs: Sequence[NewOutput]
    run: NewRun | None  #: what it was computed from


@dataclass(frozen=True, slots=True)
class ImportedJob:
    """A job that ended on another machine, with all its steps."""

    id: str
    owner: str  #: who brought it here
    name: str
    description: str
    tags: dict[str, str]
    state: State
    reason: Reason | None
    message: str
    created: datetime
    started: datetime | None
    ended: datetime
    request_hash: str
    priority: int
    workflow: dict[str, Any]
    loops: list[dict[str, Any]]
    origin: dict[str, Any]  #: whose it was, and what it repeats
    steps: list[ImportedStep]
    files: dict[str, dict[str, Blob]]  #: as of :class:`NewJob`
    rows: Sequence[RowEnd] = ()  #: of its sweeps

    @property
    def slot(self) -> None:
        """It takes over no slot here."""
