"""Workflows: processes, and the components that say in which order they run."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from calculation_engine.schemas.base import InnerPath, Name, Schema, Sha256
from calculation_engine.schemas.module import Label, ModuleName
from calculation_engine.schemas.resources import ResourceChanges


class UploadInput(Schema):
    """A file that was uploaded before."""

    type: Literal["upload"] = "upload"
    uuid: UUID
    checksum: Sha256 | None = None
    """sha256 that the upload must have."""


class JobInput(Schema):
    """An output of an earlier job."""

    type: Literal["job"] = "job"
    uuid: UUID
    path: InnerPath
    """Path in the job's results: ``<step>/output/<file or folder>``."""
    checksum: Sha256 | None = None


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

    @property
    def children(self) -> list[str]:
        """Names of the processes and components in it."""
        return self.group


Component = Annotated[Chain | Group, Field(discriminator="type")]


class Workflow(Schema):
    """What a job runs. Processes and components share one name space."""

    processes: list[Process] = Field(min_length=1)
    components: list[Component] = []

    @model_validator(mode="after")
    def _is_a_forest(self) -> Self:
        faults = [*_repeated_names(self), *_wrong_children(self), *_wrong_pipes(self)]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def find_process(self, name: str) -> Process | None:
        """Return the process of that name, or None."""
        return next((process for process in self.processes if process.name == name), None)

    def find_component(self, name: str) -> Chain | Group | None:
        """Return the component of that name, or None."""
        return next((component for component in self.components if component.name == name), None)

    @property
    def roots(self) -> list[str]:
        """Names that no component holds: they run side by side."""
        held = {child for component in self.components for child in component.children}
        names = [node.name for node in (*self.components, *self.processes)]
        return [name for name in names if name not in held]


def _repeated_names(workflow: Workflow) -> list[str]:
    names = [node.name for node in (*workflow.processes, *workflow.components)]
    return [f"the name {name} is used more than once" for name in sorted({n for n in names if names.count(n) > 1})]


def _wrong_children(workflow: Workflow) -> list[str]:
    known = {node.name for node in (*workflow.processes, *workflow.components)}
    faults, holder = [], dict[str, str]()
    for component in workflow.components:
        for child in component.children:
            if child not in known:
                faults.append(f"components.{component.name}: there is no process or component {child}")
            elif child in holder:
                faults.append(f"components.{component.name}: {child} is already in {holder[child]}")
            holder.setdefault(child, component.name)
    for component in workflow.components:
        seen, name = {component.name}, holder.get(component.name)
        while name is not None and name not in seen:
            seen.add(name)
            name = holder.get(name)
        if name == component.name:
            faults.append(f"components.{component.name}: it contains itself")
    return faults


def _wrong_pipes(workflow: Workflow) -> list[str]:
    faults = []
    for process in workflow.processes:
        for label, pipe in process.pipes.items():
            where = f"processes.{process.name}.pipes.{label}"
            source = workflow.find_process(pipe.process)
            if source is None:
                faults.append(f"{where}: there is no process {pipe.process}")
            elif pipe.module is not None and source.module != pipe.module:
                faults.append(f"{where}: process {pipe.process} runs {source.module}, not {pipe.module}")
            if label in process.inputs:
                faults.append(f"{where}: the input is given under `inputs` as well")
    return faults
