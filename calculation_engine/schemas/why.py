"""Why steps were computed or reused, and what they wait for, as users are told."""

from __future__ import annotations

from typing import Literal

from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.comparison import Change, FileDifference
from calculation_engine.states import State


class Verification(Schema):
    """How a result that was computed anew compares with the stored one."""

    verdict: Literal["same", "differs", "nothing_stored"]
    """``same``: all numbers of all declared outputs within what is allowed."""
    sentence: str
    reference: str | None = None
    """Step whose stored result it was held against."""
    files: list[FileDifference] = []
    """Those that differ first; 50 at most."""


class RunRef(Schema):
    """An earlier run."""

    step: str
    path: str | None = None
    job: str | None = None
    """Null where it is somebody else's, or was deleted."""
    job_name: str | None = None
    ended: str | None = None


class Cause(Schema):
    """One thing that made a step be computed."""

    kind: Literal[
        "first_run",
        "config",
        "input",
        "module",
        "command",
        "environment",
        "executor",
        "result_deleted",
        "result_damaged",
        "result_absent",
        "earlier_failed",
        "reuse_off",
        "verify",
        "imported",
    ]
    sentence: str
    changes: list[Change] = []
    """For ``config``, ``input`` and ``module``: what differs, the earlier value as ``a``; 100 at most."""
    more: int = 0
    """Changes that are not listed."""


class Wait(Schema):
    """What a step that does not run waits for."""

    kind: Literal[
        "back_off",
        "cores",
        "disk",
        "engine",
        "equal_step",
        "machine",
        "memory",
        "module_limit",
        "place",
        "reserved",
        "start",
        "steps_at_once",
        "turn",
    ]
    sentence: str
    until: str | None = None
    """When it is queued again."""
    ahead: int | None = None
    """Steps of the same owner and module that go before it; 1000 at most are counted."""


class PartWait(Schema):
    """A process, loop or sweep that has no step yet."""

    name: str
    waits_for: list[str]
    """Parts of the workflow that must succeed first."""
    sentence: str


class StepWhy(Schema):
    """Why one step was computed, or reused."""

    step: str
    path: str
    state: State
    outcome: Literal["computed", "reused", "waiting", "not_computed"]
    """``waiting``: not decided yet; ``not_computed``: it ended without having begun."""
    sentence: str
    """All of it in words."""
    causes: list[Cause] = []
    compared_with: RunRef | None = None
    """The earlier run that the causes are told against: see the rule in the job's answer."""
    reused_from: RunRef | None = None
    verification: Verification | None = None
    waits: Wait | None = None
    """What it waits for, where it is queued."""


class JobWhy(Schema):
    """Why a job's steps were computed or reused, a page at a time."""

    job: str
    rule: str
    """Which earlier run a step is compared with."""
    sentence: str
    """How many steps of this page were computed, and how many reused."""
    steps: list[StepWhy]
    waiting: list[PartWait] = []
    """Parts that have no step yet; on the first page."""
    next: str | None
    """Address of the next page, or none."""
