"""The config of the bridge ``table``."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from calculation_engine.bridges.variables import VariableGroup
from calculation_engine.schemas.base import Name, Schema
from calculation_engine.schemas.module import Label


class Columns(Schema):
    """Columns of a module's own table; a part of the exchange table that has no column there is left out."""

    variable: str | None = "variable"
    index: str | None = None
    value: str = "value"
    unit: str | None = None
    group: str | None = None

    @model_validator(mode="after")
    def _names_rows(self) -> Self:
        if self.variable is None and self.index is None:
            raise ValueError("a row is named by `variable`, by `index` or by both; give a column for one of them")
        names = [name for name in self.model_dump().values() if name is not None]
        if len(set(names)) < len(names):
            raise ValueError(f"the columns {', '.join(names)} are not all different")
        return self


class Into(Schema):
    """Where the first process reads what is asked."""

    input: Label
    columns: Columns | None = None
    """Columns of its table; none: it reads the exchange table as it is."""


class OutOf(Schema):
    """Where the last process writes its answer."""

    output: Label
    columns: Columns | None = None
    """Columns of its table; none: it writes the exchange table as it is."""


class Source(Schema):
    """An output of a process."""

    process: Name
    output: Label


class Target(Schema):
    """An input of a process."""

    process: Name
    input: Label


class Link(Schema):
    """An output of one participant that a later one reads in the same evaluation."""

    source: Source = Field(alias="from")
    target: Target = Field(alias="to")


class Row(Schema):
    """One exchange variable with the value that is asked first."""

    variable: str = Field(min_length=1)
    index: str = ""
    value: float = Field(allow_inf_nan=False)
    unit: str = ""
    group: str = ""


class Config(Schema):
    """Which input and output hold the exchange table, how it starts, and how its groups are iterated."""

    into: Into
    out_of: OutOf
    links: list[Link] = Field(default=[])
    start: list[Row] | None = None
    """The values that are asked first; none: the first process's input as the user gave it."""
    groups: dict[str, VariableGroup] = Field(default={})
    """Group of exchange variables -> how it is iterated; the name is empty where the table names none."""
