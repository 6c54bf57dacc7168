"""What made a job's results: all that is known of the job and its steps, as it travels to another machine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from calculation_engine.schemas.base import InnerPath, Schema, Sha256
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.job import Tag
from calculation_engine.schemas.module import Label
from calculation_engine.states import Reason, State

_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
Id = Annotated[str, StringConstraints(pattern=_ID)]
#: What a database's column takes.
Whole = Annotated[int, Field(ge=-(1 << 31), lt=1 << 31)]
Large = Annotated[int, Field(ge=0, lt=1 << 62)]
EndedState = Literal[State.SUCCEEDED, State.FAILED, State.CANCELLED]


class MadeOutput(Blob):
    """A file that a step left."""

    path: InnerPath
    """Below the step's ``output/``."""
    label: Label | None
    media_type: Annotated[str, StringConstraints(max_length=255)]


class MadeFrom(Schema):
    """The code and the place that a step was computed with."""

    content_hash: Sha256
    """sha256 over the files of the module."""
    environment: Annotated[str, StringConstraints(max_length=500)]
    """What of the place determines results: the local environment, or the container's image."""


class MadeStep(Schema):
    """One step: what it ran, on what, with what end."""

    id: Id
    path: InnerPath
    process: Annotated[str, StringConstraints(max_length=64)]
    module: Annotated[str, StringConstraints(max_length=64)]
    module_version: Annotated[str, StringConstraints(max_length=100)] | None
    executor: Annotated[str, StringConstraints(max_length=64)]
    config: dict[str, Any]
    files: dict[InnerPath, Blob]
    """Its inputs: path below ``input/`` to content."""
    command: list[str] | None
    resources: dict[str, Any]
    cpu: float = Field(ge=0)
    memory_bytes: Large
    retry: dict[str, Any] | None
    reuse: dict[str, Any] | None
    state: EndedState
    reason: Reason | None
    message: str
    fraction: float | None = Field(ge=0, le=1)
    attempt: Whole
    host: Annotated[str, StringConstraints(max_length=255)] | None
    image: Annotated[str, StringConstraints(max_length=500)] | None
    key: Sha256 | None
    """Hash of all that determines the result."""
    made_from: MadeFrom | None
    """Null where it was not computed."""
    reused_from: Id | None
    """Step whose result was taken instead of computing it."""
    spec: dict[str, Any] | None
    verdict: dict[str, Any] | None
    scalars: dict[str, float | None] | None = None
    """The numbers that its module's manifest names."""
    exit_code: Whole | None
    cpu_seconds: float | None
    peak_memory_bytes: Large | None
    queued: AwareDatetime
    started: AwareDatetime | None
    ended: AwareDatetime | None
    outputs: list[MadeOutput]


class MadeRow(Schema):
    """A row of a sweep that has ended."""

    sweep: Annotated[str, StringConstraints(max_length=200)]
    number: Annotated[int, Field(ge=1, lt=1 << 31)]
    state: EndedState
    reason: Reason | None
    message: str
    result: dict[str, Any]
    """What the sweep's table has of it, and how its loops ended."""


class MadeJob(Schema):
    """A job that has ended."""

    id: Id
    owner: Annotated[str, StringConstraints(max_length=200)]
    name: Annotated[str, StringConstraints(max_length=200)]
    description: str
    tags: dict[Tag, Tag]
    slot: str | None
    state: EndedState
    reason: Reason | None
    message: str
    priority: int = Field(ge=-10, le=10)
    created: AwareDatetime
    started: AwareDatetime | None
    ended: AwareDatetime
    request_hash: Sha256
    workflow: dict[str, Any]
    loops: list[dict[str, Any]]
    origin: dict[str, Any] | None
    files: dict[Annotated[str, StringConstraints(max_length=200)], dict[InnerPath, Blob]]
    """Inputs of what was run later, by the place of its step."""


class Provenance(Schema):
    """What made a job's results, whole."""

    format: Literal[1] = 1
    engine: str
    """Version of the engine that told it."""
    job: MadeJob
    steps: list[MadeStep]
    rows: list[MadeRow] = []
    """Of the job's sweeps."""
    contents: dict[Sha256, dict[str, Sha256]]
    """The files of each module's content hash, by path."""
    archive: dict[str, Blob] = {}
    """Path in the archive that this stands in to content; empty outside of one."""
