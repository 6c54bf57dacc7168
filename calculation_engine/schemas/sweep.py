"""Sweeps: one component run over a table of values, the design."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from calculation_engine.schemas.base import Name, Schema
from calculation_engine.schemas.module import Label

#: Rows of a sweep at most; a design beyond it is a slip more often than a wish.
MOST_ROWS = 100_000

#: Name of a column of the design: a name of its own, or the path that it sets.
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


#: Paths of what a column sets, as ``energy.config.scale[0].factor``; one may stand alone.
Targets = Annotated[
    list[str], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]), Field(min_length=1)
]


class Column(Schema):
    """A column of a design: what it sets, and in which unit."""

    set: Targets | None = None
    """Path, or paths, of what its values replace: ``PROCESS.config...``, ``PROCESS.inputs.LABEL``, or a field of a
    loop, as ``agree.bridge.config.channels`` or ``agree.baseline.energy.config``.

    None: the column's name is the path."""
    unit: str | None = None
    """Unit of its values, for the table of results."""
    description: str = ""


class GridColumn(Column):
    """A column of a grid: a list of values, named values, or numbers at equal distances."""

    values: list[Any] | dict[str, Any] | None = None
    """A list; or names, which stand in the table of results, to values."""
    between: tuple[float, float] | None = None
    """First and last of ``count`` numbers."""
    count: int | None = Field(default=None, ge=2)
    scale: Literal["linear", "log"] = "linear"
    """Whether differences or ratios are equal between them."""

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if (self.values is None) == (self.between is None):
            raise ValueError("expected either `values`, or `between` with `count`")
        if self.values is not None and not self.values:
            raise ValueError("`values` is empty")
        if (self.between is None) != (self.count is None):
            raise ValueError("`between` and `count` go together")
        _refuse_bad_range(self.between, self.scale)
        return self


class TableColumn(Column):
    """A column of a table; its values stand in the rows."""

    values: dict[str, Any] | None = None
    """Names to values: the rows then hold the names."""


class RandomColumn(Column):
    """A column of a random design: numbers between two bounds, or a choice."""

    between: tuple[float, float] | None = None
    scale: Literal["linear", "log"] = "linear"
    """Whether the numbers, or their logarithms, are spread evenly."""
    whole: bool = False
    """Whether the numbers are whole ones, both bounds included."""
    values: list[Any] | dict[str, Any] | None = None
    """What is chosen from, with equal chances."""

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if (self.values is None) == (self.between is None):
            raise ValueError("expected either `between` or `values`")
        if self.values is not None and not self.values:
            raise ValueError("`values` is empty")
        _refuse_bad_range(self.between, self.scale)
        return self


def _refuse_bad_range(between: tuple[float, float] | None, scale: str) -> None:
    if between is None:
        return
    low, high = between
    if not low < high:
        raise ValueError(f"between: expected the smaller number first, got {low:g} and {high:g}")
    if scale == "log" and low <= 0:
        raise ValueError(f"between: a scale of logarithms needs numbers > 0, got {low:g}")


def _values_alone(value: Any) -> Any:
    return {"values": value} if isinstance(value, list) else value


def _target_alone(value: Any) -> Any:
    return {"set": value} if isinstance(value, str) else value


class Grid(Schema):
    """Every combination of the columns' values; the last column changes fastest."""

    type: Literal["grid"]
    columns: dict[
        ColumnName, Annotated[GridColumn, BeforeValidator(_values_alone, json_schema_input_type=list[Any] | GridColumn)]
    ] = Field(min_length=1)
    """A column that is only its list of values may be that list."""


class TableDesign(Schema):
    """Rows that are written out, in the document or in a CSV file."""

    type: Literal["table"]
    columns: dict[
        ColumnName, Annotated[TableColumn, BeforeValidator(_target_alone, json_schema_input_type=str | TableColumn)]
    ] = {}
    """What the columns set, of those whose name is not the path itself; one may be that path alone."""
    rows: list[dict[ColumnName, Any]] | None = None
    """Each with a value for every column."""
    file: dict[str, Any] | None = None
    """A CSV file in place of ``rows``: an input of type ``upload``, ``job``, ``inline`` or ``part``."""

    @model_validator(mode="after")
    def _has_rows(self) -> Self:
        if (self.rows is None) == (self.file is None):
            raise ValueError("expected either `rows` or `file`")
        if self.rows is not None and not self.rows:
            raise ValueError("rows: the table is empty")
        return self


class RandomDesign(Schema):
    """Points drawn at random: independently, or one in every stratum of every column (Latin hypercube)."""

    type: Literal["random", "latin_hypercube"]
    samples: int = Field(ge=1, le=MOST_ROWS)
    """Rows."""
    seed: int = Field(default=0, ge=0)
    """The same seed gives the same rows; they are stored with the job."""
    columns: dict[ColumnName, RandomColumn] = Field(min_length=1)


Design = Annotated[Grid | TableDesign | RandomDesign, Field(discriminator="type")]


class RowTable(Schema):
    """An output that every row leaves, a CSV table."""

    process: Name
    """Process of the row; one of a loop stands for its solution."""
    label: Label
    """Label of the output."""


class Sweep(Schema):
    """One process or component, once for each row of a table of values."""

    type: Literal["sweep"]
    name: Name
    component: Name
    """What is run: a process, a chain, a group or a loop."""
    design: Design
    rows_at_once: int | None = Field(default=None, ge=1)
    """Rows that may be under way at the same time; none: as many as the engine has room for."""
    failed_rows: Literal["fail", "accept", "stop"] = "fail"
    """What a failed row means. ``fail``: the others are run, then the sweep fails. ``accept``: its results are blank,
    and the sweep succeeds if any row has. ``stop``: no further row begins."""
    tables: dict[Label, RowTable] = {}
    """Tables of the rows that are put under each other, led by the columns of the design: label to what each holds.

    They stand beside the sweep's own table as ``<sweep>/<label>.csv``."""
    warm_start: bool = True
    """Whether a loop starts from the solution and the last evaluations of a neighbouring row."""

    @property
    def children(self) -> list[str]:
        """Name of what is run."""
        return [self.component]
