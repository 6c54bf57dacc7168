"""The manifest of a module: ``images/<name>/module.yaml``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from calculation_engine.schemas.base import InnerPath, Schema
from calculation_engine.schemas.resources import Resources

#: Name of a module: the name of its folder.
ModuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]


class Column(Schema):
    """One column of a table."""

    name: str
    type: Literal["string", "integer", "number", "boolean"] = "number"
    unit: str | None = None
    """Unit of the values; ``"1"`` for a pure number."""
    minimum: float | None = None
    maximum: float | None = None
    required: bool = True
    description: str = ""


class Slot(Schema):
    """A declared input or output: a label and the place of its file or files."""

    label: Label
    path: InnerPath
    """Relative to ``input/`` or ``output/``; a file, a folder, or a glob pattern."""
    kind: Literal["file", "folder", "glob"] = "file"
    media_type: str = "application/octet-stream"
    required: bool = True
    description: str = ""
    columns: list[Column] = []
    """For tables: the columns that must be there; more are allowed."""
    varies: list[Annotated[str, StringConstraints(pattern=r"^/")]] = []
    """For JSON: pointers (RFC 6901) of values that are others in each run and no part of the result, as times are."""


class InputSlot(Slot):
    """A declared input, and how it goes with the others."""

    needs: list[Label] = []
    """Labels of the inputs that it means nothing without."""
    excludes: list[Label] = []
    """Labels of the inputs that cannot be given with it; said on one side, it holds for both."""


class Scalar(Schema):
    """A named number of a result, for tables over many runs: in a JSON file, or from a column of a CSV table."""

    name: Label
    output: InnerPath
    """The JSON file or CSV table below ``output/``."""
    pointer: str | None = None
    """JSON pointer (RFC 6901) of the number in a JSON file."""
    column: str | None = None
    """Column of the CSV table."""
    where: dict[str, str] = {}
    """Column to value, as text: the rows of the table that count; none: all."""
    take: Literal["only", "first", "last", "sum", "mean", "minimum", "maximum"] = "only"
    """What of the rows is meant; ``only``: there is one."""
    unit: str | None = None
    description: str = ""

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.pointer is None) == (self.column is None):
            raise ValueError("expected either `pointer`, into a JSON file, or `column`, of a CSV table")
        if self.pointer and not self.pointer.startswith("/"):
            raise ValueError(f"pointer: expected a JSON pointer as /objective, got {self.pointer!r}")
        if self.pointer is not None and (self.where or self.take != "only"):
            raise ValueError("`where` and `take` choose rows of a CSV table; with `pointer` there are none")
        return self


class ImageName(Schema):
    """Repository and tag of the container image."""

    repository: str
    tag: str

    @property
    def reference(self) -> str:
        """What the container engine is asked for."""
        return f"{self.repository}:{self.tag}"


class Progress(Schema):
    """A pattern that finds progress in a line of the log."""

    pattern: str
    """Regular expression with a group ``fraction`` (0 to 1) or ``percent``, a group ``message``, or both."""

    @field_validator("pattern")
    @classmethod
    def _has_groups(cls, pattern: str) -> str:
        try:
            groups = set(re.compile(pattern).groupindex)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if not groups or groups - {"fraction", "percent", "message"}:
            raise ValueError(f"expected groups out of fraction, percent, message, got {sorted(groups)}")
        return pattern


class Manifest(Schema):
    """A packaged solver: what it reads and writes, and how it is run."""

    name: ModuleName
    version: str
    title: str
    description: str = ""
    licence: str
    """SPDX identifier of the solver's licence."""
    source: str
    """Where the solver comes from."""
    python: str | None = None
    """Python version of its local environment, as ``3.12``; none: the command runs as it is."""
    requirements: InnerPath | None = None
    """Lock file of all its packages, for the local environment and the image alike."""
    shared: list[Annotated[str, StringConstraints(pattern=r"^_[a-z][a-z0-9_]*$")]] = []
    """Folders ``images/_name`` whose code it imports."""
    command: list[str] = Field(min_length=1)
    """Program and arguments; ``{module}`` stands for the module's folder."""
    image: ImageName
    inputs: list[InputSlot] = []
    any_of: list[Annotated[list[Label], Field(min_length=2)]] = []
    """Groups of inputs: of each, at least one must be given."""
    outputs: list[Slot] = []
    scalars: list[Scalar] = []
    default_run: bool = False
    """Whether it may run with no input at all."""
    config_schema: InnerPath | dict[str, Any] = {"type": "object"}
    """JSON Schema (2020-12) of the config, or the file in the module's folder that holds it."""
    resources: Resources = Resources()
    progress: list[Progress] = []
    capabilities: list[str] = []

    @model_validator(mode="after")
    def _labels_are_unique(self) -> Self:
        for side, slots in (("inputs", self.inputs), ("outputs", self.outputs)):
            labels = [slot.label for slot in slots]
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise ValueError(f"{side}: labels used more than once: {', '.join(twice)}")
        if self.requirements and not self.python:
            raise ValueError("requirements: a lock file needs `python`, the version that it is for")
        return self

    @model_validator(mode="after")
    def _inputs_go_together(self) -> Self:
        faults = _group_faults(self.inputs, self.any_of)
        if self.default_run and (self.any_of or any(slot.required for slot in self.inputs)):
            faults.append("default_run: it cannot run with no input, since some must be given")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def rules_of_inputs(self) -> list[str]:
        """Return how the inputs go together, a sentence each."""
        rules = [f"at least one of {', '.join(group)} must be given" for group in self.any_of]
        for slot in self.inputs:
            rules += [f"{slot.label} needs {', '.join(slot.needs)}"] if slot.needs else []
            rules += [f"{slot.label} excludes {', '.join(slot.excludes)}"] if slot.excludes else []
        return rules

    def find_input(self, label: str) -> InputSlot | None:
        """Return the input of that label, or None."""
        return next((slot for slot in self.inputs if slot.label == label), None)

    def find_output(self, label: str) -> Slot | None:
        """Return the output of that label, or None."""
        return next((slot for slot in self.outputs if slot.label == label), None)


class ModuleStatus(Schema):
    """``output/status.yaml``: the module's own word on how it went."""

    code: int = Field(ge=200, le=599)
    """200 fine, 4xx the input is at fault, 5xx the module is."""
    message: str = ""
    verdict: dict[str, Any] | None = None
    """A solver's verdict: ``status`` and numbers beside it."""


def _group_faults(inputs: list[InputSlot], any_of: list[list[str]]) -> list[str]:
    """Return what is wrong in how the inputs are said to go together."""
    optional = {slot.label: not slot.required for slot in inputs}
    named = [(f"any_of[{index}]", group) for index, group in enumerate(any_of)]
    faults = []
    for slot in inputs:
        named += [(f"{slot.label}.needs", slot.needs), (f"{slot.label}.excludes", slot.excludes)]
        if slot.label in {*slot.needs, *slot.excludes}:
            faults.append(f"{slot.label}: it names itself")
        both = sorted({*slot.needs} & {*slot.excludes})
        faults += [f"{slot.label}: it both needs and excludes {label}" for label in both]
    for where, labels in named:
        faults += [f"{where}: there is no input {label}" for label in labels if label not in optional]
        faults += [
            f"{where}: {label} is required, so it is always there" for label in labels if not optional.get(label, True)
        ]
    return faults
