"""What is stored of a job that ended on another machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calculation_engine.db.rows import NewOutput, NewRun, RowEnd, StepTold
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStep(StepTold):
    """A step that ended on another machine."""

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
