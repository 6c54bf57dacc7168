"""The table of a sweep: a row for each of the design, its columns and the numbers that the modules name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from calculation_engine.db.rows import RowEnd
from calculation_engine.schemas.workflow import Loop, Workflow
from calculation_engine.sweeps.design import DesignTable


@dataclass(frozen=True)
class ResultColumn:
    """A column of the table.

    Args:
        name: of the column.
        kind: ``row``, ``design``, ``state``, ``scalar`` or ``loop``.
        type: ``integer``, ``number``, ``boolean`` or ``string``.
        unit: of the values.
        description: what it is.
    """

    name: str
    kind: str
    type: str = "number"
    unit: str | None = None
    description: str = ""


@dataclass(frozen=True)
class ResultTable:
    """Columns and rows."""

    columns: list[ResultColumn]
    rows: list[list[Any]]

    def csv(self) -> str:
        """Return it as CSV; lists and mappings as JSON, and nothing where there is no value."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows([cell_text(value) for value in row] for row in self.rows)
        return text.getvalue()

    def described(self) -> str:
        """Return what the columns are, as JSON."""
        return json.dumps([asdict(column) for column in self.columns], indent=1, ensure_ascii=False) + "\n"


def result_columns(
    design: DesignTable, workflow: Workflow, scalars: Mapping[str, Sequence[tuple[str, str | None, str]]]
) -> list[ResultColumn]:
    """Return the columns of a sweep's table.

    Args:
        design: the sweep's.
        workflow: what a row runs.
        scalars: of each process: name, unit and description of the numbers that its module names.
    """
    columns = [ResultColumn("row", "row", "integer", description="row of the design, from 1")]
    for index, column in enumerate(design.columns):
        kind = _type_of([row[index] for row in design.rows])
        columns.append(ResultColumn(column.name, "design", kind, column.unit, ", ".join(column.targets)))
    columns.append(ResultColumn("state", "state", "string", description="how the row ended; empty: it did not run"))
    columns.append(ResultColumn("reason", "state", "string", description="why it failed"))
    for loop in (component for component in workflow.components if isinstance(component, Loop)):
        columns.append(ResultColumn(f"{loop.name}.verdict", "loop", "string", description="the loop's final word"))
        columns.append(ResultColumn(f"{loop.name}.evaluations", "loop", "integer", "1", "evaluations that it took"))
    for process in workflow.processes:
        for name, unit, description in scalars.get(process.name, ()):
            columns.append(ResultColumn(f"{process.name}.{name}", "scalar", "number", unit, description))
    return columns


def result_table(columns: list[ResultColumn], design: DesignTable, ends: Sequence[RowEnd]) -> ResultTable:
    """Return the table of a sweep: all rows of the design, those blank that did not run or have no result."""
    ended = {end.number: end for end in ends}
    rows = []
    for number, cells in enumerate(design.rows, 1):
        end = ended.get(number)
        known: dict[str, Any] = dict(end.result["values"]) if end else {}
        known |= {"row": number, "state": end.state.value if end else None}
        known["reason"] = end.reason.value if end and end.reason else None
        known |= {column.name: cell for column, cell in zip(design.columns, cells, strict=True)}
        rows.append([known.get(column.name) for column in columns])
    return ResultTable(columns, rows)


def _type_of(cells: list[Any]) -> str:
    kinds = {type(cell) for cell in cells}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int} and all(-(2**63) <= cell < 2**63 for cell in cells):
        return "integer"
    return "number" if kinds <= {int, float} else "string"


def cell_text(value: Any) -> Any:
    """Return a value as a cell of a CSV table has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value
