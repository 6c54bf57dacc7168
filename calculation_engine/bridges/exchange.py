"""The exchange table: the values that coupled models hand on, as CSV ``variable,index,value,unit,group``."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calculation_engine.errors import Fault, InvalidInput

COLUMNS = ("variable", "index", "value", "unit", "group")


@dataclass(frozen=True)
class Variable:
    """Which quantity a row holds; group, variable and index name it."""

    variable: str
    index: str = ""
    unit: str = ""
    group: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Group, variable and index."""
        return self.group, self.variable, self.index

    def __str__(self) -> str:
        return " ".join(part for part in self.key if part)


@dataclass(frozen=True)
class ExchangeTable:
    """Exchange variables with their values; the order of the rows is kept."""

    variables: tuple[Variable, ...]
    values_tuple: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.variables) != len(self.values_tuple):
            raise ValueError(f"{len(self.variables)} variables with {len(self.values_tuple)} values")

    @property
    def values(self) -> NDArray[np.float64]:
        """The values, shape (n,)."""
        return np.array(self.values_tuple, dtype=float)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, each once, in the order of their first rows."""
        return tuple(dict.fromkeys(variable.group for variable in self.variables))

    @property
    def labels(self) -> tuple[str, ...]:
        """What names each row inside its group."""
        return tuple(f"{variable.variable} {variable.index}".strip() for variable in self.variables)

    @property
    def unit(self) -> str:
        """The units of all rows, each once."""
        return ", ".join(dict.fromkeys(variable.unit for variable in self.variables))

    def of_group(self, name: str) -> ExchangeTable:
        """Return the rows of one group."""
        rows = [row for row in zip(self.variables, self.values_tuple, strict=True) if row[0].group == name]
        return ExchangeTable(tuple(variable for variable, _ in rows), tuple(value for _, value in rows))

    def by_group(self) -> ExchangeTable:
        """Return the same rows, those of a group together; the engine iterates a table of this order."""
        rows = sorted(
            zip(self.variables, self.values_tuple, strict=True), key=lambda row: self.groups.index(row[0].group)
        )
        return ExchangeTable(tuple(variable for variable, _ in rows), tuple(value for _, value in rows))

    def with_values(self, values: Iterable[float]) -> ExchangeTable:
        """Return the same variables with other values."""
        return ExchangeTable(self.variables, tuple(float(value) for value in values))

    def aligned(self, answer: ExchangeTable, *, name: str = "exchange.csv") -> ExchangeTable:
        """Return ``answer`` in the order of this table, which was asked.

        Raises:
            InvalidInput: a variable is missing, is there without being asked, or has another unit; each is named.
        """
        answered = {v.key: (v.unit, value) for v, value in zip(answer.variables, answer.values_tuple, strict=True)}
        asked = {variable.key for variable in self.variables}
        faults = [Fault(name, f"{v}: asked, but not answered") for v in self.variables if v.key not in answered]
        faults += [Fault(name, f"{v}: answered, but not asked") for v in answer.variables if v.key not in asked]
        faults += [
            Fault(name, f"{v}: asked in {v.unit or 'no unit'}, answered in {answered[v.key][0] or 'no unit'}")
            for v in self.variables
            if v.key in answered and answered[v.key][0] != v.unit
        ]
        if faults:
            raise InvalidInput("the answer does not have the variables that were asked", faults=faults)
        return self.with_values(answered[variable.key][1] for variable in self.variables)


def write_exchange(table: ExchangeTable) -> str:
    """Return the table as text; :func:`read_exchange` gives it back to the last bit."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for variable, value in zip(table.variables, table.values_tuple, strict=True):
        writer.writerow((variable.variable, variable.index, repr(value), variable.unit, variable.group))
    return text.getvalue()


def read_exchange(content: str | bytes | Path, *, name: str = "exchange.csv") -> ExchangeTable:
    """Return an exchange table.

    Args:
        content: the table, or the file that holds it, UTF-8; the columns may be in any order.
        name: what it is called in an error.

    Raises:
        InvalidInput: it is no exchange table; every fault with its line.
    """
    lines = csv.reader(io.StringIO(_text(content, name), newline=""))
    header = next(lines, [])
    if sorted(header) != sorted(COLUMNS):
        raise InvalidInput(f"{name}, line 1: expected the columns {','.join(COLUMNS)}, got {','.join(header)!r}")
    variables: dict[tuple[str, str, str], Variable] = {}
    values, faults = [], []
    for fields in lines:
        if not fields:
            continue
        where = f"{name}, line {lines.line_num}"
        if len(fields) != len(COLUMNS):
            faults.append(Fault(where, f"expected {len(COLUMNS)} fields, got {len(fields)}"))
            continue
        row = dict(zip(header, fields, strict=True))
        faults += _row_faults(row, where)
        variable = Variable(row["variable"], row["index"], row["unit"], row["group"])
        if variable.key in variables:
            faults.append(Fault(where, f"{variable} is there twice"))
        variables[variable.key] = variable
        values.append(_number(row["value"]))
    if not variables and not faults:
        faults.append(Fault(name, "it has no rows"))
    if faults:
        raise InvalidInput(f"{name} is no exchange table", faults=faults)
    return ExchangeTable(tuple(variables.values()), tuple(values))


def _text(content: str | bytes | Path, name: str) -> str:
    try:
        if isinstance(content, Path):
            content = content.read_bytes()
        return content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name}: cannot be read: {error}") from error


def _row_faults(row: dict[str, str], where: str) -> Sequence[Fault]:
    faults = [] if row["variable"] else [Fault(where, "the variable has no name")]
    named = "".join(row[column] for column in COLUMNS if column != "value")
    if "\n" in named or "\r" in named:
        faults.append(Fault(where, "a name or unit has a line break"))
    if not math.isfinite(_number(row["value"])):
        faults.append(Fault(where, f"value: expected a finite number, got {row['value']!r}"))
    return faults


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
