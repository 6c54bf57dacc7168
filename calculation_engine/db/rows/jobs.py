"""Jobs, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calculation_engine.db.rows.steps import NewStep
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


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
class EventRow:
    """Something that happened to a job; ids of one job grow in the order in which they became visible."""

    id: int
    job_id: str
    time: datetime
    kind: str  #: ``job``, ``step`` or ``progress``
    data: dict[str, Any]
