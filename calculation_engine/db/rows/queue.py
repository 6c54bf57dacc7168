"""Engines, what they have room for, and what they take from the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from calculation_engine.db.rows.steps import StepRow


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
