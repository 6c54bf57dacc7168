"""What differs between two jobs."""

from __future__ import annotations

from typing import Any, Literal

from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.comparison import Change, FileDifference
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Nearness
from calculation_engine.states import State


class JobSide(Schema):
    """One of the two jobs."""

    id: str
    name: str
    state: State
    created: str


class StepSide(Schema):
    """A step in one of the two jobs."""

    id: str
    path: str
    state: State
    reused: bool
    seconds: float | None
    """How long it ran; null for a step that was reused or has not run."""
    verdict: dict[str, Any] | None


class StepPair(Schema):
    """A step in both jobs; null where one of them has none at that path."""

    a: StepSide | None
    b: StepSide | None


class VersionChange(Schema):
    """Something that a step ran with, and that differs."""

    step: str
    what: Literal["module", "version", "content", "command", "executor", "environment", "image"]
    a: str | None
    b: str | None
    files: list[Change] = []
    """For ``content``: the module's files that differ, with their sha256."""


class InputChange(Schema):
    """An input file that differs."""

    step: str
    path: str
    """Below ``input/``."""
    change: Literal["changed", "added", "removed"]
    a: Blob | None
    b: Blob | None


class ResultCounts(Schema):
    """How many result files there are of each kind."""

    same: int = 0
    close: int = 0
    differs: int = 0
    only_a: int = 0
    only_b: int = 0


class JobDiff(Schema):
    """What differs between two jobs: settings, versions, inputs, and the results by their numbers."""

    a: JobSide
    b: JobSide
    same: bool
    """Whether settings, versions, inputs and results are the same, numbers as far as allowed."""
    sentence: str
    nearness: Nearness
    """How far numbers of results may lie apart and count as the same."""
    settings: list[Change]
    """Values of the workflow, processes and components by their names; inputs are told as files."""
    settings_more: int
    """Differing values that are not listed."""
    versions: list[VersionChange]
    inputs: list[InputChange]
    inputs_more: int
    steps: list[StepPair]
    steps_more: int
    """Pairs of steps that are not listed."""
    counts: ResultCounts
    results: list[FileDifference]
    """The files that are not the same byte for byte, by their path in the first job."""
    results_more: int
    """Differing files that are not listed; their numbers were not compared, they count as ``differs``."""
