"""Factors on the data: the rows of ``scale.csv`` and of ``config.scale``, checked as far as they stand alone."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _lp.faults import Fault

PARAMETER, FACTOR = "PARAMETER", "FACTOR"
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_SHOWN = 100


@dataclass(frozen=True)
class Row:
    """One factor and what it applies to."""

    where: str  #: for messages: file and line, or the field of the configuration
    parameter: str
    selection: Mapping[str, frozenset[str]]  #: index column -> keys of the members chosen; absent: all
    factor: float  #: finite, not negative [-]


def symbol_key(text: str) -> str:
    """Return what two spellings of one member have in common: ``2014`` and ``2014.0`` are the same year."""
    return f"{float(text):.15g}" if _NUMBER.fullmatch(text) else text


def read_factors(table: Path | None, listed: Any, columns: set[str]) -> tuple[list[Row], list[str]]:
    """Return the rows of the table, then of the list, and the faults of those that cannot be read.

    Args:
        table: ``scale.csv``, if given.
        listed: ``config.scale``, if given.
        columns: names of all indices that the model's parameters have.
    """
    rows, faults = _from_table(table, columns) if table else ([], [])
    more, also = _from_config(listed, columns) if listed is not None else ([], [])
    return [*rows, *more], [*faults, *also]


def refuse(faults: list[str]) -> None:
    """Raise a fault that tells all of ``faults``, if there are any."""
    if faults:
        rest = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise Fault("\n".join([*faults[:_SHOWN], *rest]))


def _from_table(path: Path, columns: set[str]) -> tuple[list[Row], list[str]]:
    try:
        lines = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        content = [(lines.line_num, [cell.strip() for cell in line]) for line in lines]
    except (csv.Error, UnicodeDecodeError) as error:
        return [], [f"{path.name}: not a table in UTF-8: {error}"]
    header = content[0][1] if content else []
    faults = [f"{path.name}, line 1: {fault}" for fault in _header_faults(header, columns)]
    rows: list[Row] = []
    for line, cells in content[1:] if not faults else []:
        where = f"{path.name}, line {line}"
        if not any(cells):
            continue
        if len(cells) != len(header):
            faults.append(f"{where}: expected {len(header)} values, got {len(cells)}")
            continue
        fields = dict(zip(header, cells, strict=True))
        parameter, factor = fields.pop(PARAMETER), _factor(fields.pop(FACTOR))
        selection = {name: frozenset({symbol_key(cell)}) for name, cell in fields.items() if cell}
        if factor is None:
            got = cells[header.index(FACTOR)]
            faults.append(f"{where}: expected a finite number >= 0 in the column {FACTOR}, got {got!r}")
        elif not parameter:
            faults.append(f"{where}: the column {PARAMETER} is blank: name a parameter")
        else:
            rows.append(Row(where, parameter, selection, factor))
    return rows, faults


def _header_faults(header: list[str], columns: set[str]) -> list[str]:
    faults = [f"there is no column {name}: add it" for name in (PARAMETER, FACTOR) if name not in header]
    faults += [f"the column {name!r} is there {n} times: leave one" for name, n in Counter(header).items() if n > 1]
    unknown = [name for name in dict.fromkeys(header) if name not in {PARAMETER, FACTOR, *columns}]
    if unknown:
        names = ", ".join(map(repr, unknown))
        faults.append(f"no parameter has an index called {names}; the columns may be {', '.join(sorted(columns))}")
    return faults


def _factor(value: object) -> float | None:
    """Return a factor given as text or number; None where it is no finite number >= 0."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _from_config(listed: Any, columns: set[str]) -> tuple[list[Row], list[str]]:
    if not isinstance(listed, list):
        return [], [f"config.scale: expected a list of mappings, got {type(listed).__name__}"]
    rows: list[Row] = []
    faults: list[str] = []
    for position, entry in enumerate(listed):
        row, wrong = _entry(f"config.scale[{position}]", entry, columns)
        faults += wrong
        rows += [row] if row and not wrong else []
    return rows, faults


def _entry(where: str, entry: Any, columns: set[str]) -> tuple[Row | None, list[str]]:
    if not isinstance(entry, dict) or not {"parameter", "factor"} <= set(entry):
        return None, [f"{where}: expected a mapping with parameter, factor, and sets in lower case, got {entry!r}"]
    names = {name.lower(): name for name in columns}
    faults: list[str] = []
    selection: dict[str, frozenset[str]] = {}
    for field, members in entry.items():
        name = names.get(str(field).lower())
        if field in {"parameter", "factor"} or members is None:
            continue
        if name is None:
            faults.append(f"{where}.{field}: no parameter has such an index; there are {', '.join(sorted(names))}")
            continue
        if name in selection:
            faults.append(f"{where}.{field}: the index {name} is there twice: leave one")
        chosen = members if isinstance(members, list) else [members]
        if not chosen or not all(isinstance(m, str | int | float) and not isinstance(m, bool) for m in chosen):
            faults.append(
                f"{where}.{field}: expected a member or a list of members (true and no in quotes), got {members!r}"
            )
            continue
        selection[name] = frozenset(symbol_key(str(member).strip()) for member in chosen)
    factor = None if isinstance(entry["factor"], str) else _factor(entry["factor"])
    if factor is None:
        faults.append(f"{where}.factor: expected a finite number >= 0, got {entry['factor']!r}")
        return None, faults
    return Row(where, str(entry["parameter"]), selection, factor), faults
