"""A module's own table, with its own columns, to an exchange table and back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from calculation_engine.bridges.exchange import COLUMNS, ExchangeTable, read_exchange, write_exchange
from calculation_engine.bridges.table.config import Columns
from calculation_engine.errors import InvalidInput


def read_own(path: Path, columns: Columns | None, *, asked: ExchangeTable | None = None) -> ExchangeTable:
    """Return a module's table as an exchange table.

    Args:
        path: the file, or a folder with just this file.
        columns: its columns; none: it is an exchange table.
        asked: gives unit and group to the rows of a table that has no such columns.

    Raises:
        InvalidInput: it is absent or has faults; each with its line.
    """
    file = _single(path)
    if columns is None:
        return read_exchange(file, name=file.name)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    known = {(v.variable, v.index): v for v in asked.variables} if asked else {}
    with file.open(newline="", encoding="utf-8-sig") as content:
        rows = csv.DictReader(content)
        _require(columns, rows.fieldnames or (), file.name)
        for row in rows:
            part = {key: row[name] if name else "" for key, name in columns.model_dump().items()}
            part["variable"] = part["variable"] if columns.variable else part["index"]
            part["index"] = part["index"] if columns.variable else ""
            origin = known.get((part["variable"], part["index"]))
            for key in ("unit", "group"):
                if getattr(columns, key) is None and origin is not None:
                    part[key] = getattr(origin, key)
            writer.writerow([part[key] for key in COLUMNS])
    return read_exchange(text.getvalue(), name=file.name)


def write_own(table: ExchangeTable, columns: Columns | None, path: Path) -> None:
    """Write an exchange table with a module's own columns."""
    if columns is None:
        path.write_text(write_exchange(table), encoding="utf-8", newline="")
        return
    named = {key: name for key, name in columns.model_dump().items() if name is not None}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(named.values())
        for variable, value in zip(table.variables, table.values_tuple, strict=True):
            row = {"variable": variable.variable, "index": variable.index or variable.variable, "value": repr(value)}
            row |= {"unit": variable.unit, "group": variable.group}
            if columns.variable:
                row["index"] = variable.index
            writer.writerow([row[key] for key in named])


def _require(columns: Columns, header: object, name: str) -> None:
    present = list(header) if isinstance(header, list | tuple) else []
    absent = [column for column in columns.model_dump().values() if column is not None and column not in present]
    if absent:
        raise InvalidInput(f"{name}: no column {', '.join(absent)}; it has {', '.join(present) or 'none'}")


def _single(path: Path) -> Path:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    if len(files) != 1 or not files[0].is_file():
        raise InvalidInput(f"{path.name}: expected one file with the exchange table, found {len(files)}")
    return files[0]
