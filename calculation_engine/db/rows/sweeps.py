"""Sweeps and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from calculation_engine.db.rows.steps import NewOutput
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State


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
