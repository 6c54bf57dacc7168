"""A job: what users send, and what they are told of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, model_validator

from calculation_engine.errors import Fault, pydantic_faults
from calculation_engine.schemas.base import NAME_PATTERN, Line, Schema
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.states import Reason, State

Tag = Annotated[Line, StringConstraints(min_length=1, max_length=100)]

_SHORTHAND = ("module", "config", "inputs", "executor", "resources", "retry")
_FLOW = ("processes", "components", "reuse")
#: Fields whose values, by label or index, are of several kinds.
_TAGGED = frozenset({"inputs", "components"})
_INPUT_HINT = (
    'send the file before and write {"type": "upload", "uuid": "..."}; or {"type": "inline", "text": "..."}, '
    '{"type": "job", "uuid": "...", "path": "..."}, and in a form {"type": "part", "name": "..."}; '
    "an output of another process of this workflow is named under `pipes`"
)
_CHILDREN_HINT = "the children of a chain or loop stand under `sequence`, of a group under `group`"


class JobRequest(Schema):
    """What ``PUT /job`` takes: a workflow, or one module in short.

    The short form ``{"module": "cbc", "config": {...}, "inputs": {...}}`` is the workflow of one process that has the
    module's name; ``processes`` and ``components`` may also stand at the top.
    """

    name: Annotated[Line, StringConstraints(max_length=200)] = ""
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""
    tags: dict[Tag, Tag] = Field(default={}, max_length=50)
    slot: Annotated[Line, StringConstraints(min_length=1, max_length=100)] | None = None
    """Named place: a newer job of the same slot and owner cancels what is left of this one."""
    priority: int = Field(default=0, ge=-10, le=10)
    """Larger goes first, whoever's job it is. Where tokens are used, above 0 is for the owners of the settings only."""
    workflow: Workflow
    reuse: Reuse | None = None
    """Whether stored results are taken, as ``never``, ``results`` or ``verify``; none: as the workflow says."""

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, body: Any) -> Any:
        if not isinstance(body, dict) or "workflow" in body:
            return body
        if "module" in body:
            rest = {key: value for key, value in body.items() if key not in _SHORTHAND}
            process = {key: body[key] for key in _SHORTHAND if key in body}
            name = body["module"] if re.fullmatch(NAME_PATTERN, str(body["module"])) else "process"
            return rest | {"workflow": {"processes": [{"name": name, **process}]}}
        if "processes" in body:
            rest = {key: value for key, value in body.items() if key not in _FLOW}
            flow = {key: body[key] for key in _FLOW if key in body}
            return rest | {"workflow": flow}
        if isinstance(body.get("config"), dict) and "processes" in body["config"]:
            raise ValueError("`processes` and `components` stand at the top, not below `config`")
        found = ", ".join(f"`{key}`" for key in body if key not in cls.model_fields)
        told = f", got {found}" if found and len(found) <= 80 else ""
        raise ValueError(f"expected `module` with `config` and `inputs`, or `workflow`, or `processes`{told}")


def request_faults(error: ValidationError) -> list[Fault]:
    """Return what is wrong with a job that cannot be read, each with its path in the job as it is written out."""
    faults = [_told(fault) for fault in pydantic_faults(_without_tags(each) for each in error.errors())]
    below = {fault.path.removesuffix("config") for fault in faults if fault.path.endswith("workflow.config")}
    return [fault for fault in faults if fault.path.removesuffix("processes") not in below]


def _without_tags(error: Any) -> Any:
    """Return an error whose place has no words for which kind of input or component was read there."""
    place = list(error["loc"])
    for index in range(len(place) - 2, -1, -1):
        if place[index] in _TAGGED:
            del place[index + 2 : index + 3]
    return error | {"loc": tuple(place)}


def _told(fault: Fault) -> Fault:
    if fault.path in {*_SHORTHAND, *_FLOW}:
        message = "it cannot stand here: what runs is told by one of `module`, `processes` and `workflow`"
        return Fault(fault.path, message, "with `module` go config, inputs, executor, resources and retry")
    if fault.path == "workflow.config":
        message = "`processes` and `components` stand in the workflow itself, not below `config`"
        return Fault(fault.path, message, "take this line away, and move what is below it out by one level")
    if re.search(r"components\[\d+\]\.(sequence|group)\[\d+\]$", fault.path) and "expected a text" in fault.message:
        message = "expected the name of a process or component"
        return Fault(fault.path, message, "define it in `processes` or `components`, and write its name here")
    if re.search(r"components\[\d+\]\.(sequence|group)$", fault.path) and fault.hint is None:
        return Fault(fault.path, fault.message, _CHILDREN_HINT)
    if re.search(r"\.inputs\.\w+$", fault.path) and fault.hint is None:
        return Fault(fault.path, fault.message, _INPUT_HINT)
    return fault


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
    """Where it was begun: the machine's name, or `docker-` and the id of a Docker engine."""
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
    superseded_by: str | None = None
    """The newer job that took over its slot: what this one left is outdated."""
    priority: int = 0
    imported: str | None = None
    """When it was brought here from another machine: it did not run here."""
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
    origin: dict[str, Any] | None = None
    """Where it comes from: `kind` is ``rerun`` with the `job` that it repeats, or ``import`` with its first `owner`."""
    loops: list[dict[str, Any]] = []
    steps: list[StepView]


class AttemptView(Schema):
    """One time that a step was begun."""

    step: str
    """Id of the step."""
    path: str
    """Path of the step."""
    number: int
    """From 1; no two of a step ever run at once."""
    executor: str
    host: str | None
    """The machine's name, or `docker-` and the id of a Docker engine."""
    image: str | None
    begun: str
    ended: str | None
    state: State | None
    """How it ended; none while it goes on."""
    reason: Reason | None
    message: str
    """What happened, where it did not succeed."""
    exit_code: int | None


class AttemptPage(Schema):
    """One page of a job's attempts, step by step, each step's first to last."""

    job: str
    attempts: list[AttemptView]
    next: str | None
    """Address of the next page, or none."""


class SlotView(Schema):
    """What stands in a slot of one owner."""

    name: str
    owner: str
    newest: JobSummary | None
    """The job that has it; none where that was deleted."""
    result: JobSummary | None
    """The last of its jobs that succeeded."""
    is_outdated: bool
    """Whether a newer job has the slot than the one that the result is of."""


class SlotPage(Schema):
    """One page of an owner's slots, by name."""

    slots: list[SlotView]
    next: str | None
    """Address of the next page, or none."""


class JobPage(Schema):
    """One page of a list of jobs."""

    jobs: list[JobSummary]
    next: str | None
    """Address of the next page, or none."""
