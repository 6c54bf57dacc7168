"""Workflows: processes, and the components that say in which order they run."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from calculation_engine.errors import ManyFaults
from calculation_engine.schemas.base import InnerPath, Name, Schema, Seconds
from calculation_engine.schemas.module import Label, ModuleName
from calculation_engine.schemas.nesting import nesting_faults
from calculation_engine.schemas.resources import ResourceChanges, Retry
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.sweep import Sweep


def _without_empty(value: Any) -> Any:
    """Return an object without the keys behind which nothing stands: they are as absent."""
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value


def _checksum(value: Any) -> Any:
    found = re.fullmatch(_CHECKSUM, value) if isinstance(value, str) else None
    if found is None:
        told = repr(value)[:80]
        raise ValueError(f"expected a sha256 of 64 hex digits, or an md5 of 32, with or without its name, got {told}")
    return found["sha256"] or found["md5"]


_CHECKSUM = r"(sha256:)?(?P<sha256>[0-9a-f]{64})|(md5:)?(?P<md5>[0-9a-f]{32})"

#: A sum that a file must have: its sha256, or the md5 that documents from elsewhere may bring along.
Checksum = Annotated[
    str,
    BeforeValidator(
        _checksum,
        json_schema_input_type=Annotated[
            str, StringConstraints(pattern=r"^((sha256:)?[0-9a-f]{64}|(md5:)?[0-9a-f]{32})$")
        ],
    ),
]

#: A path in results; one from elsewhere may begin with a slash.
ResultPath = Annotated[
    InnerPath,
    BeforeValidator(lambda value: value.removeprefix("/") if isinstance(value, str) else value),
]


class UploadInput(Schema):
    """A file that was uploaded before."""

    type: Literal["upload"] = "upload"
    uuid: UUID
    checksum: Checksum | None = None
    """sha256 that the upload must have, or its md5."""


class JobInput(Schema):
    """An output of an earlier job."""

    type: Literal["job"] = "job"
    uuid: UUID
    path: ResultPath
    """Path in the job's results: ``<step>/output/<file or folder>``."""
    checksum: Checksum | None = None
    """sha256 that the file must have, or its md5."""


class InlineInput(Schema):
    """A small text, given in the request itself."""

    type: Literal["inline"] = "inline"
    text: str = Field(max_length=4 << 20)


class PartInput(Schema):
    """A file sent as a part of the same multipart request."""

    type: Literal["part"] = "part"
    name: str
    """Name of the part."""


Input = Annotated[UploadInput | JobInput | InlineInput | PartInput, Field(discriminator="type")]


class Pipe(Schema):
    """The output of another process that becomes an input."""

    process: Name
    """The process; or a sweep, whose outputs are ``table``, ``columns`` and its ``tables``."""
    label: Label
    """Label of the output."""
    module: ModuleName | None = None
    """Module of that process; checked when given."""


class Process(Schema):
    """A module with its config and inputs."""

    name: Name
    module: ModuleName
    executor: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    """Where it runs; none: the engine's default."""
    config: dict[str, Any] = {}
    inputs: dict[Label, Input] = {}
    """Label of a declared input to the file, or files, that stand there."""
    pipes: dict[Label, Pipe] = {}
    resources: ResourceChanges = ResourceChanges()
    reuse: Reuse | None = None
    """Whether stored results are taken, as ``never``, ``results`` or ``verify``; none: as the workflow says."""
    retry: Retry | None = None
    """Which failures are tried again; none: an attempt that was lost, as often as the settings say."""

    _empty_keys = model_validator(mode="before")(_without_empty)


class Chain(Schema):
    """One after the other."""

    type: Literal["chain"]
    name: Name
    sequence: list[Name] = Field(min_length=1)

    @property
    def children(self) -> list[str]:
        """Names of the processes and components in it."""
        return self.sequence


class Group(Schema):
    """Side by side."""

    type: Literal["group"]
    name: Name
    group: list[Name] = Field(min_length=1)
    on_failure: Literal["finish", "stop"] = "finish"
    """What a failure in it means for the rest of it. ``finish``: what does not depend on it is run. ``stop``: nothing
    more of the group begins, and what runs is cancelled. The group has failed either way."""

    @property
    def children(self) -> list[str]:
        """Names of the processes and components in it."""
        return self.group


class Override(Schema):
    """How a participant's baseline differs from its scenario."""

    config: dict[str, Any] = {}
    """Fields of the config that are others in the baseline."""
    inputs: dict[Label, Input | None] = {}
    """Inputs that are others in the baseline; null: the baseline has none there."""


class BridgeUse(Schema):
    """What turns one participant's results into the other's inputs."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    config: dict[str, Any] = {}


class Tolerance(Schema):
    """When the participants agree: on the undamped change of each exchange variable in one evaluation."""

    relative: float = Field(default=1e-4, gt=0, lt=1)
    """Relative to the larger of what was asked and what was answered."""
    absolute: float | None = Field(default=None, ge=0)
    """In the variable's unit, added to the relative one."""
    groups: dict[str, Tolerance] = {}
    """Tolerances of a group of exchange variables that differ from these."""


class Acceleration(Schema):
    """How the next values of the exchange variables are chosen."""

    method: Literal["constant", "aitken", "anderson", "multisecant"] = "multisecant"
    relaxation: float = Field(default=0.5, gt=0, le=2)
    """Share of the change that is taken while nothing is known yet; of every change in method ``constant``."""
    max_step: float | None = Field(default=None, gt=0)
    """Largest change of a variable in one evaluation, as a logarithm; none: 0.3, in method ``constant`` no limit."""
    depth: int = Field(default=5, ge=1, le=40)
    """Evaluations that method ``anderson`` remembers."""


class Loop(Schema):
    """One after the other, again and again, until they agree."""

    type: Literal["loop"]
    name: Name
    sequence: list[Name] = Field(min_length=1)
    bridge: BridgeUse
    baseline: dict[Name, Override] = {}
    """How the frozen baseline of each participant differs from its scenario."""
    until: Tolerance = Tolerance()
    acceleration: Acceleration = Acceleration()
    max_evaluations: int = Field(default=30, ge=1, le=1000)
    """Evaluations after which it ends without success."""
    one_way: bool = False
    """Whether the participants run once, without a way back: nothing is iterated, and no agreement is claimed."""
    time_limit: Seconds | None = Field(default=None, gt=0)
    """Seconds after which no further evaluation begins."""

    @property
    def children(self) -> list[str]:
        """Names of the participants."""
        return self.sequence


Component = Annotated[Chain | Group | Loop | Sweep, Field(discriminator="type")]


class Workflow(Schema):
    """What a job runs. Processes and components share one name space."""

    processes: list[Process] = Field(min_length=1)
    components: list[Component] = []
    reuse: Reuse = Reuse()
    """Whether stored results are taken, for all processes that do not say so themselves."""

    _empty_keys = model_validator(mode="before")(_without_empty)

    @model_validator(mode="after")
    def _is_a_forest(self) -> Self:
        faults = nesting_faults(self)
        if faults:
            raise ManyFaults(faults)
        return self

    def find_process(self, name: str) -> Process | None:
        """Return the process of that name, or None."""
        return next((process for process in self.processes if process.name == name), None)

    def find_component(self, name: str) -> Component | None:
        """Return the component of that name, or None."""
        return next((component for component in self.components if component.name == name), None)

    @property
    def roots(self) -> list[str]:
        """Names that no component holds: they run side by side."""
        held = {child for component in self.components for child in component.children}
        names = [node.name for node in (*self.components, *self.processes)]
        return [name for name in names if name not in held]
