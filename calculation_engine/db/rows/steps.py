"""Steps, their attempts and what they left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAsked:
    """What a step runs, on what, and what it asks for. ``files``: path below ``input/`` -> content."""

    id: str
    path: str
    process: str
    module: str
    executor: str
    config: dict[str, Any]
    files: dict[str, Blob]
    resources: dict[str, Any]
    cpu: float = 1.0  #: cores that it takes of its engine's machine
    memory_bytes: int = 0  #: likewise
    retry: dict[str, Any] | None = None  #: which failures are tried again; see :class:`Retry` of the schemas
    reuse: dict[str, Any] | None = None  #: as ``schemas.reuse``; None: results of equal steps are taken


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep(StepAsked):
    """A step to be queued."""

    priority: int = 0  #: larger goes first
    key: str | None = None  #: of a step that takes a stored result
    reused_from: str | None = None  #: the step whose result it takes, if that still has it; else it is queued
    scalars: dict[str, float | None] | None = None  #: the numbers of that result


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTold(StepAsked):
    """What there is to tell of a step on every machine: how it stands, or how it ended."""

    module_version: str | None
    state: State
    reason: Reason | None
    message: str
    fraction: float | None
    attempt: int  #: number of the current or last attempt; 0 before the first
    host: str | None
    image: str | None
    key: str | None
    spec: dict[str, Any] | None
    reused_from: str | None
    verdict: dict[str, Any] | None
    scalars: dict[str, float | None] | None
    exit_code: int | None
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    queued: datetime
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow(StepTold):
    """A stored step."""

    job_id: str
    priority: int
    handle: str | None
    lease_owner: str | None
    lease_token: str | None
    lease_until: datetime | None
    not_before: datetime | None  #: when it is queued again, where it is given time to heal
    waits_for: str | None  #: key that another step computes now; this one waits until that one has ended
    cancel_requested: bool  #: somebody asked for the end of this step or of its job

    @property
    def attempt_id(self) -> str:
        """Name of the current attempt, unique for ever."""
        return attempt_id(self.id, self.attempt)


def attempt_id(step_id: str, number: int) -> str:
    """Return the name of a step's attempt, from which containers and folders take theirs."""
    return f"{step_id}-{number}"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One time that a step was begun; ``state`` and ``reason`` say how that ended."""

    step_id: str
    number: int
    owner: str
    executor: str
    host: str | None
    handle: str | None
    image: str | None
    begun: datetime
    ended: datetime | None
    state: State | None
    reason: Reason | None
    message: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class NewOutput:
    """A file that a step left. ``path`` is below ``output/``."""

    path: str
    sha256: str
    size: int
    label: str | None
    media_type: str


@dataclass(frozen=True, slots=True)
class OutputFile(NewOutput):
    """A stored output of a step."""

    step_id: str


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step ended. Without ``started`` and ``ended`` the database's own times stand."""

    state: State
    reason: Reason | None = None
    message: str = ""
    exit_code: int | None = None
    verdict: dict[str, Any] | None = None
    scalars: dict[str, float | None] | None = None
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    outputs: Sequence[NewOutput] = ()


@dataclass(frozen=True, slots=True)
class Requeue:
    """Why an attempt failed, and how the step is tried again; see :meth:`Steps.requeue`."""

    reason: Reason
    message: str
    delay_seconds: float = 0.0
    memory_bytes: int | None = None
    exit_code: int | None = None
