"""A design in a CSV file: cells become numbers, truth values, JSON or text, a whole column alike."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection
from typing import Any

from calculation_engine.errors import Fault, InvalidInput


def read_rows(text: str, where: str, names: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return the rows of a CSV table with a header line.

    A column becomes numbers, truth values, or lists and mappings in JSON where every cell of it reads as such, and text
    otherwise: codes such as ``01`` stay text.

    Args:
        text: the table.
        where: what it is called in a fault.
        names: columns whose cells are names, and stay text.

    Raises:
        InvalidInput: it is no table; every fault with its line.
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = [name.strip() for name in next(reader, [])]
    faults = [Fault(f"{where}:1", "a column has no name")] if "" in header or not header else []
    faults += [
        Fault(f"{where}:1", f"the column {n} is there twice") for n in sorted(set(header)) if header.count(n) > 1
    ]
    columns: list[list[str]] = [[] for _ in header]
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(header):
            faults.append(Fault(f"{where}:{reader.line_num}", f"expected {len(header)} cells, got {len(cells)}"))
            continue
        for name, column, cell in zip(header, columns, cells, strict=True):
            column.append(cell.strip())
            if not cell.strip():
                faults.append(Fault(f"{where}:{reader.line_num}", f"the cell of {name} is blank"))
    if not faults and not columns[0]:
        faults.append(Fault(where, "the table is empty: it has a header line and nothing below"))
    if faults:
        raise InvalidInput("the table of the sweep has faults", faults=faults[:50])
    typed = [cells if name in names else _typed(cells) for name, cells in zip(header, columns, strict=True)]
    return [dict(zip(header, row, strict=True)) for row in zip(*typed, strict=True)]


def _typed(cells: list[str]) -> list[Any]:
    try:
        values = [json.loads(cell, parse_constant=_refuse) for cell in cells]
    except ValueError:
        return list(cells)
    if any(isinstance(value, str) or value is None for value in values):
        return list(cells)
    return values


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")
