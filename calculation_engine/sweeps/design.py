"""The design: the columns and rows of a sweep, written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.schemas.sweep import MOST_ROWS, Grid, GridColumn, RandomColumn, RandomDesign, Sweep, TableDesign
from calculation_engine.sweeps.csvfile import read_rows


@dataclass(frozen=True)
class DesignColumn:
    """A column as the table of results shows it, and what it sets."""

    name: str
    targets: tuple[str, ...]
    unit: str | None = None
    scale: str = "linear"
    levels: Mapping[str, Any] | None = None
    """Names to values, where the cells are names."""

    def value(self, cell: Any) -> Any:
        """Return what a cell means."""
        return cell if self.levels is None else self.levels[cell]


@dataclass(frozen=True)
class DesignTable:
    """All rows of a sweep: what is stored with the job, and never made again."""

    columns: tuple[DesignColumn, ...]
    rows: Sequence[tuple[Any, ...]] = field(default_factory=list)

    def values(self, row: int) -> list[tuple[DesignColumn, Any]]:
        """Return each column with what a row (from 1) sets it to."""
        return [(column, column.value(cell)) for column, cell in zip(self.columns, self.rows[row - 1], strict=True)]

    def as_dict(self) -> dict[str, Any]:
        """Return the table as JSON holds it."""
        columns = [
            {"name": c.name, "targets": list(c.targets), "unit": c.unit, "scale": c.scale, "levels": c.levels}
            for c in self.columns
        ]
        return {"columns": columns, "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> DesignTable:
        """Return the table that :meth:`as_dict` wrote."""
        columns = tuple(DesignColumn(**{**c, "targets": tuple(c["targets"])}) for c in document["columns"])
        return cls(columns, [tuple(row) for row in document["rows"]])


def expand(sweep: Sweep, read_file: Callable[[dict[str, Any]], str], where: str) -> DesignTable:
    """Return the design of a sweep, row by row.

    Args:
        sweep: whose design it is.
        read_file: returns the text of the file that a design of type ``table`` names.
        where: path of the design in the request.

    Raises:
        InvalidInput: it has no rows, too many, or a cell that is wrong; every fault is named.
    """
    if isinstance(sweep.design, Grid):
        return _grid(sweep.design, where)
    if isinstance(sweep.design, TableDesign):
        return _table(sweep.design, read_file, where)
    return _random(sweep.design)


def _grid(design: Grid, where: str) -> DesignTable:
    axes = [_axis(column) for column in design.columns.values()]
    count = int(np.prod([len(axis) for axis in axes], dtype=object))
    _refuse_too_many(count, where, " x ".join(str(len(axis)) for axis in axes))
    return DesignTable(
        tuple(
            DesignColumn(name, tuple(c.set or [name]), c.unit, c.scale, _levels(c.values))
            for name, c in design.columns.items()
        ),
        list(itertools.product(*axes)),
    )


def _axis(column: GridColumn) -> list[Any]:
    if column.values is not None:
        return list(column.values)
    assert column.between is not None
    assert column.count is not None
    low, high = column.between
    spread = np.geomspace if column.scale == "log" else np.linspace
    return [float(value) for value in spread(low, high, column.count)]


def _table(design: TableDesign, read_file: Callable[[dict[str, Any]], str], where: str) -> DesignTable:
    if design.rows is not None:
        rows, where = design.rows, f"{where}.rows"
    else:
        assert design.file is not None
        where = f"{where}.file"
        rows = read_rows(read_file(design.file), where, {n for n, c in design.columns.items() if c.values is not None})
    _refuse_too_many(len(rows), where)
    names = list(rows[0])
    faults = [
        Fault(where, f"there is no column {name}", f"the rows have: {', '.join(names)}")
        for name in design.columns
        if name not in rows[0]
    ]
    columns = []
    for name in names:
        column = design.columns.get(name)
        targets = tuple(column.set or [name]) if column else (name,)
        unit, levels = (column.unit, column.values) if column else (None, None)
        columns.append(DesignColumn(name, targets, unit, levels=levels))
    for number, row in enumerate(rows, 1):
        faults += _row_faults(row, columns, f"{where}[{number - 1}]")
    if faults:
        raise InvalidInput("the table of the sweep has faults", faults=faults[:50])
    return DesignTable(tuple(columns), [tuple(row[name] for name in names) for row in rows])


def _row_faults(row: Mapping[str, Any], columns: Sequence[DesignColumn], where: str) -> list[Fault]:
    names = [column.name for column in columns]
    faults = [
        Fault(f"{where}.{name}", "required, but absent; the first row has it") for name in names if name not in row
    ]
    faults += [Fault(f"{where}.{name}", "the first row has no such column") for name in row if name not in names]
    for column in columns:
        cell = row.get(column.name)
        if (
            column.levels is not None
            and column.name in row
            and (not isinstance(cell, str) or cell not in column.levels)
        ):
            known = f"there are: {', '.join(column.levels)}"
            faults.append(Fault(f"{where}.{column.name}", f"there is no value named {cell!r}", known))
    return faults


def _random(design: RandomDesign) -> DesignTable:
    # The rows are stored with the job, so another version of numpy that draws other numbers changes no job.
    source = np.random.default_rng(design.seed)
    cells = []
    for column in design.columns.values():
        shares = source.random(design.samples)
        if design.type == "latin_hypercube":  # one in each of as many strata as there are rows (McKay et al. 1979)
            shares = (source.permutation(design.samples) + shares) / design.samples
        cells.append([_drawn(column, float(share)) for share in shares])
    columns = tuple(
        DesignColumn(name, tuple(c.set or [name]), c.unit, c.scale, _levels(c.values))
        for name, c in design.columns.items()
    )
    return DesignTable(columns, list(zip(*cells, strict=True)))


def _drawn(column: RandomColumn, share: float) -> Any:
    """Return the value at a share of the whole way through a column's range; 0 <= share < 1."""
    if column.values is not None:
        choices = list(column.values)
        return choices[int(share * len(choices))]
    assert column.between is not None
    low, high = column.between
    if column.whole:
        return int(np.floor(low + share * (high - low + 1)))
    if column.scale == "log":
        return float(low * (high / low) ** share)
    return float(low + share * (high - low))


def _levels(values: list[Any] | dict[str, Any] | None) -> dict[str, Any] | None:
    return values if isinstance(values, dict) else None


def _refuse_too_many(count: int, where: str, how: str = "") -> None:
    if count == 0:
        raise InvalidInput("the sweep has no rows", faults=[Fault(where, "the table is empty")])
    if count > MOST_ROWS:
        message = f"{count:,} rows{f' ({how})' if how else ''}; at most {MOST_ROWS:,} are taken"
        hint = "draw some of them: a design of type latin_hypercube"
        raise InvalidInput("the sweep is too large", faults=[Fault(where, message, hint)])
