"""A job: what users send, and what they are told of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.states import Reason, State

Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]

_SHORTHAND = ("module", "config", "inputs", "executor", "resources")


class JobRequest(Schema):
    """What ``PUT /job`` takes: a workflow, or one module in short.

    The short form ``{"module": "cbc", "config": {...}, "inputs": {...}}`` is the workflow of one process that has the
    module's name; ``processes`` and ``components`` may also stand at the top.
    """

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    tags: dict[Tag, Tag] = Field(default={}, max_length=50)
    slot: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """Place that a newer job of the same slot takes over."""
    workflow: Workflow

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, body: Any) -> Any:
        if not isinstance(body, dict) or "workflow" in body:
            return body
        if "module" in body:
            rest = {key: value for key, value in body.items() if key not in _SHORTHAND}
            process = {key: body[key] for key in _SHORTHAND if key in body}
            return rest | {"workflow": {"processes": [{"name": body["module"], **process}]}}
        if "processes" in body:
            rest = {key: value for key, value in body.items() if key not in {"processes", "components"}}
            flow = {key: body[key] for key in ("processes", "components") if key in body}
            return rest | {"workflow": flow}
        raise ValueError("expected `module` with `config` and `inputs`, or `workflow`, or `processes`")


class Range(Schema):
    """How far a job is, and how long it may still take."""

    fraction: float | None = Field(default=None, ge=0, le=1)
    seconds_left: tuple[float, float] | None = None


class StepView(Schema):
    """One run of a module in a job."""

    id: str
    path: str
    """Where it stands in the workflow; its results are below it."""
    process: str
    module: str
    module_version: str | None
    executor: str | None
    attempt: int
    """Number of the current or last attempt; 0 before the first."""
    state: State
    reason: Reason | None
    message: str
    progress: float | None
    reused_from: str | None
    """Id of the step whose result was taken instead of computing it again."""
    verdict: dict[str, Any] | None
    scalars: dict[str, float | None] | None = None
    """The numbers that the module's manifest names."""
    exit_code: int | None
    queued: str
    started: str | None
    ended: str | None
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    host: str | None
    image: str | None
    """Image and digest that ran, or the local environment's id."""
    key: str | None
    """Hash of all that determines the result."""


class Links(Schema):
    """Addresses of what belongs to a job."""

    self: str
    log: str
    events: str
    results: str
    cancel: str


class JobSummary(Schema):
    """A job in a list."""

    id: str
    name: str
    owner: str
    description: str
    tags: dict[str, str]
    slot: str | None
    state: State
    reason: Reason | None
    message: str
    progress: Range
    created: str
    started: str | None
    ended: str | None
    cancel_requested: str | None
    links: Links


class JobView(JobSummary):
    """A job, whole."""

    workflow: Workflow
    loops: list[dict[str, Any]] = []
    steps: list[StepView]


class JobPage(Schema):
    """One page of a list of jobs."""

    jobs: list[JobSummary]
    next: str | None
    """Address of the next page, or none."""
