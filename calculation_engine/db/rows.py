"""What is written to the database and what comes back: plain frozen values, times aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any

from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def names_of(row: type[DataclassInstance]) -> list[str]:
    """Return the names of a row's fields, which are the names of its table's columns."""
    return [field.name for field in fields(row)]


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be queued. ``files``: path below ``input/`` -> content."""

    id: str
    path: str
    process: str
    module: str
    executor: str
    config: dict[str, Any]
    files: dict[str, Blob]
    resources: dict[str, Any]
    priority: int = 0  #: larger goes first
    reuse: dict[str, Any] | None = None  #: as ``schemas.reuse``; None: results of equal steps are taken
    cpu: float = 1.0  #: cores that it takes of its engine's machine
    memory_bytes: int = 0  #: likewise
    retry: dict[str, Any] | None = None  #: which failures are tried again; see :class:`Retry` of the schemas
    key: str | None = None  #: of a step that takes a stored result
    reused_from: str | None = None  #: the step whose result it takes, if that still has it; else it is queued
    scalars: dict[str, float | None] | None = None  #: the numbers of that result


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be stored, with the steps that are ready at once."""

    id: str
    owner: str
    name: str
    description: str
    tags: dict[str, str]
    slot: str | None
    request_hash: str
    workflow: dict[str, Any]
    steps: list[NewStep]
    #: Files of what is run later: name of a process, or path of its step -> path below ``input/`` -> content.
    files: dict[str, dict[str, Blob]] = field(default_factory=dict)
    origin: dict[str, Any] | None = None  #: of which job it is a repetition
    priority: int = 0


@dataclass(frozen=True, slots=True)
class JobRow:
    """A stored job."""

    id: str
    owner: str
    name: str
    description: str
    tags: dict[str, str]
    slot: str | None
    state: State
    reason: Reason | None
    message: str
    fraction: float | None
    created: datetime
    started: datetime | None
    ended: datetime | None
    cancel_requested: datetime | None
    request_hash: str
    priority: int
    superseded_by: str | None  #: the newer job that took over its slot
    workflow: dict[str, Any] = field(default_factory=dict)  #: empty in a list, which does not load it
    loops: list[dict[str, Any]] = field(default_factory=list)  #: likewise
    origin: dict[str, Any] | None = None
    imported: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; what is not set excludes none.

    ``states`` are alternatives; ``tags`` must all be there; ``created_after`` is included, ``created_before`` is not.
    """

    owner: str | None = None
    states: frozenset[State] = frozenset()
    module: str | None = None
    slot: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    name_prefix: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobChange:
    """What planning a job changes of it; None leaves a field as it is."""

    state: State | None = None
    reason: Reason | None = None
    message: str | None = None
    fraction: float | None = None
    loops: list[dict[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class RowEnd:
    """How a row of a sweep ended."""

    sweep: str
    number: int
    state: State
    reason: Reason | None
    message: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SweepStand:
    """How far a sweep is."""

    running: list[int]  #: numbers of the rows under way
    last: int  #: largest number of a row that has begun; 0: none
    failed: int


@dataclass(frozen=True, slots=True)
class SweepEnd:
    """What a sweep leaves: a step that nobody runs, with the table of results as its outputs."""

    id: str
    path: str
    state: State
    reason: Reason | None
    message: str
    outputs: Sequence[NewOutput]


@dataclass(frozen=True, slots=True)
class SweepChange:
    """What planning a job changes of its sweeps."""

    begun: list[tuple[str, int]] = field(default_factory=list)  #: name of the sweep, and number of the row
    ended: list[RowEnd] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)  #: ids of the steps of ended rows
    files: dict[str, dict[str, Blob]] = field(default_factory=dict)  #: kept for later rows, as :attr:`NewJob.files`
    done: list[SweepEnd] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A stored step."""

    id: str
    job_id: str
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
    priority: int
    reuse: dict[str, Any] | None
    state: State
    reason: Reason | None
    message: str
    fraction: float | None
    attempt: int  #: number of the current or last attempt; 0 before the first
    handle: str | None
    host: str | None
    key: str | None
    spec: dict[str, Any] | None
    reused_from: str | None
    verdict: dict[str, Any] | None
    scalars: dict[str, float | None] | None
    exit_code: int | None
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    image: str | None
    queued: datetime
    started: datetime | None
    ended: datetime | None
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
class StoredResult:
    """A step that succeeded, whose result equal steps may take."""

    step_id: str
    scalars: dict[str, float | None] | None
    files: Sequence[Blob]  #: contents of its outputs


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
class NewRun:
    """What a step is computed from besides what its row has, and why it is computed."""

    content_hash: str
    environment: str
    cause: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunRow(NewRun):
    """A stored run."""

    step_id: str
    verification: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Requeue:
    """Why an attempt failed, and how the step is tried again; see :meth:`Steps.requeue`."""

    reason: Reason
    message: str
    delay_seconds: float = 0.0
    memory_bytes: int | None = None
    exit_code: int | None = None


class JoinMode(StrEnum):
    """What :meth:`Steps.join` may give a step instead of computing it."""

    REUSE = "reuse"  #: the result of an equal step that succeeded
    FRESH = "fresh"  #: nothing: it computes again, though never at the same time as an equal step


@dataclass(frozen=True, slots=True)
class Own:
    """This step computes the key; others wait for it."""


@dataclass(frozen=True, slots=True)
class Reused:
    """An equal step has succeeded; nothing was written."""

    step_id: str


@dataclass(frozen=True, slots=True)
class Waits:
    """An equal step computes the key now; this one was given back and is claimable again when that one ends."""

    step_id: str


Joined = Own | Reused | Waits


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that a user sent and that is stored already."""

    id: str
    owner: str
    name: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class UploadRow(NewUpload):
    """A stored upload."""

    created: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that happened to a job; ids of one job grow in the order in which they became visible."""

    id: int
    job_id: str
    time: datetime
    kind: str  #: ``job``, ``step`` or ``progress``
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineRow:
    """An engine that was heard of."""

    owner: str
    host: str
    executors: list[str]
    capacity: dict[str, Any]  #: what it has for steps, and the settings that bound them
    started: datetime
    seen: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """What an engine can still take: cores and bytes of its machine, and steps.

    ``executors`` are those whose steps use this machine; for others only ``steps`` counts. A step that asks for more
    than there is at all is left to an engine on a larger machine.
    """

    steps: int
    cpu: float = inf
    memory_bytes: float = inf
    all_cpu: float = inf
    all_memory_bytes: float = inf
    executors: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim gave, and which steps stood before those for which there was no room, first in turn first."""

    steps: list[StepRow]
    passed_over: list[str]


@dataclass(frozen=True, slots=True)
class Held:
    """What a leased step uses."""

    lease_owner: str
    executor: str
    module: str
    cpu: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a queued step stands."""

    ahead: int  #: steps of its owner and module that go before it, as far as they are counted
    first_job: str  #: job of the first of these, or of the step itself
    first_path: str
    others: int  #: other owners who have queued steps on its executor
    is_outranked: bool  #: a step of larger priority is queued there
