"""otoole's folder of CSV tables with its configuration, as a MathProg data text.

Layout: https://otoole.readthedocs.io/en/latest/data.html (one CSV a set with the column VALUE, one a parameter with a
column for each index and VALUE; ``config.yaml`` names type, indices and default of each).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import yaml

from _lp.faults import Fault

VALUE = "VALUE"


def data_text(folder: Path, config_path: Path | None, declared: dict[str, list[str]], own: bool) -> str:
    """Return the folder's tables as MathProg data.

    Args:
        folder: CSV files named after sets and parameters.
        config_path: otoole's configuration; none: one in the folder, or the model's own declarations.
        declared: index sets of the parameters that the model declares.
        own: whether the model has defaults of its own; then every table that it does not know is a fault.

    Raises:
        Fault: a table has a wrong column, an unknown index, a value that is no number, or no declaration.
    """
    tables = _declarations(folder, config_path, declared)
    files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
    unknown = sorted(set(files) - set(tables))
    if unknown:
        raise Fault(
            f"csv: no set or parameter is called {', '.join(unknown)}: rename the file, or declare it in csv_config"
        )
    if not files:
        raise Fault("csv: the folder holds no .csv file; expected one for each set and parameter")
    sets = {name: _read_set(files[name]) for name, entry in tables.items() if entry["type"] == "set" and name in files}
    lines = [f"set {name} := {' '.join(map(_quote, members))};" for name, members in sets.items()]
    for name, entry in tables.items():
        if entry["type"] == "param" and (name in files or "default" in entry):
            lines += _parameter(name, entry, files.get(name), sets, declared if own else {})
    return "\n".join([*lines, "end;", ""])


def _declarations(folder: Path, path: Path | None, declared: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Return type, indices and default of each table, from otoole's configuration or from the model."""
    path = path or next((p for p in (folder / "config.yaml", folder / "config.yml") if p.exists()), None)
    if path is None:
        sets = {index.lstrip("_") for indices in declared.values() for index in indices}
        tables: dict[str, dict[str, Any]] = {name: {"type": "set"} for name in sets}
        return tables | {name: {"type": "param", "indices": indices} for name, indices in declared.items()}
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise Fault(f"csv_config: not YAML: {error}") from error
    entries = list(content.values()) if isinstance(content, dict) else [None]
    if not all(isinstance(entry, dict) and "type" in entry for entry in entries):
        raise Fault("csv_config: expected otoole's form, a mapping of each name to its type, dtype, indices, default")
    return {str(name): entry for name, entry in content.items() if entry["type"] in {"set", "param"}}


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream)
        header = [column.strip() for column in next(reader, [])]
        return header, [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]


def _read_set(path: Path) -> list[str]:
    header, rows = _rows(path)
    if header != [VALUE]:
        raise Fault(f"csv/{path.name}: expected the one column VALUE, got {', '.join(header) or 'none'}")
    return [row[0] for _, row in rows]


def _parameter(
    name: str, entry: dict[str, Any], path: Path | None, sets: dict[str, list[str]], declared: dict[str, list[str]]
) -> list[str]:
    """Return the data statement of one parameter, its table checked."""
    default = f" default {entry['default']}" if "default" in entry else ""
    indices = [str(index) for index in entry.get("indices", [])]
    if path is None:
        return [f"param {name}{default} := ;"]
    header, rows = _rows(path)
    if [column.lstrip("_") for column in header] != [*(index.lstrip("_") for index in indices), VALUE]:
        raise Fault(
            f"csv/{path.name}: expected the columns {', '.join([*indices, VALUE])}, got {', '.join(header) or 'none'}: "
            "rename or reorder them"
        )
    if rows and name in declared and len(declared[name]) != len(indices):
        raise Fault(f"csv/{path.name}: {name} is indexed over {', '.join(declared[name])}; got {', '.join(indices)}")
    lines = []
    members = [set(sets.get(index.lstrip("_"), ())) for index in indices]
    for line, row in rows:
        _check_row(path, line, row, indices, members)
        lines.append(f"{' '.join(map(_quote, row[:-1]))} {row[-1]}")
    return [f"param {name}{default} :=", *lines, ";"]


def _check_row(path: Path, line: int, row: list[str], indices: list[str], members: list[set[str]]) -> None:
    where = f"csv/{path.name}, line {line}"
    if len(row) != len(indices) + 1:
        raise Fault(f"{where}: expected {len(indices) + 1} values, got {len(row)}")
    for value, index, allowed in zip(row, indices, members, strict=False):
        if value not in allowed:
            name = index.lstrip("_")
            raise Fault(f"{where}: {value!r} is not in the set {name}: add it to {name}.csv, or correct it")
    try:
        float(row[-1])
    except ValueError:
        raise Fault(f"{where}: expected a number in the column VALUE, got {row[-1]!r}") from None


def _quote(symbol: str) -> str:
    try:
        float(symbol)
    except ValueError:
        return "'" + symbol.replace("'", "''") + "'"
    return symbol
