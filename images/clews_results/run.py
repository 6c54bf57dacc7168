"""Hands on the tables of a CLEWS run that was solved elsewhere: ``./input`` to ``./output``."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

#: Where the result tables of a run may stand in its folder; the first that has some counts.
PLACES = ("results", "csv", ".")
COST = "TotalDiscountedCost"


class InputFault(Exception):
    """The input is at fault; the message says what, and what to do."""


def run(input_dir: Path, output_dir: Path) -> dict[str, Any]:
    """Copy the tables and return what goes into ``status.yaml``.

    Args:
        input_dir: has ``solved`` (the run's folder) and, where they were given, the model's own tables in ``given``.
        output_dir: gets ``results``, ``parameters`` and ``solution.json``.

    Raises:
        InputFault: there are no tables, or the total cost among them is not readable.
    """
    place = next((p for p in PLACES if tables_in(input_dir / "solved" / p)), None)
    if place is None:
        there = sorted(path.name for path in (input_dir / "solved").iterdir())
        has = ", ".join(there[:10]) or "nothing"
        raise InputFault(f"input results: no CSV files in the folder, its csv or its results; it has {has}")
    results = copy_tables(input_dir / "solved" / place, output_dir / "results")
    given = input_dir / "given"
    parameters = copy_tables(given, output_dir / "parameters") if given.is_dir() else []
    cost = total_cost(output_dir / "results" / f"{COST}.csv")
    content = {"status": "given", "objective": cost, "results": results, "parameters": parameters}
    (output_dir / "solution.json").write_text(json.dumps(content, indent=1) + "\n")
    told = "" if cost is None else f", total discounted cost {cost:.10g}"
    return {"code": 200, "message": f"{len(results)} tables of results, {len(parameters)} of parameters{told}"}


def tables_in(folder: Path) -> list[Path]:
    """Return the CSV files that stand in a folder itself, by name; those with a beginning dot are none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.csv") if path.is_file() and not path.name.startswith("."))


def copy_tables(source: Path, target: Path) -> list[str]:
    """Copy a folder's tables and return their names without ``.csv``."""
    target.mkdir(parents=True, exist_ok=True)
    for path in tables_in(source):
        shutil.copyfile(path, target / path.name)
    return [path.stem for path in tables_in(target)]


def total_cost(path: Path) -> float | None:
    """Return the sum of a run's discounted cost, None where the table is absent.

    Raises:
        InputFault: it has no column of values, or a value is no number.
    """
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        column = next((name for name in ("VALUE", COST) if name in (rows.fieldnames or ())), None)
        if column is None:
            raise InputFault(f"{path.name}: no column VALUE or {COST}; it has {', '.join(rows.fieldnames or ())}")
        total = 0.0
        for row in rows:
            try:
                total += float(row[column])
            except (TypeError, ValueError) as error:
                where = f"{path.name}, line {rows.line_num}"
                raise InputFault(f"{where}: expected a number in the column {column}, got {row[column]!r}") from error
    return total


def main() -> int:
    """Run in the working folder; return the exit code."""
    output_dir = Path("output")
    output_dir.mkdir(exist_ok=True)
    try:
        status = run(Path("input"), output_dir)
    except InputFault as fault:
        status = {"code": 400, "message": str(fault)}
    print(status["message"], flush=True)
    (output_dir / "status.yaml").write_text(json.dumps(status))
    return 0 if status["code"] == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
