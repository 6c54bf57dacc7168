"""Scales the values of a table and adds them up: ``./input`` to ``./output``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

VALUE = "VALUE"


class InputFault(Exception):
    """The input is at fault; the message says where, and what to do."""


def run(input_dir: Path, output_dir: Path) -> dict[str, Any]:
    """Read the inputs, write the outputs, and return what goes into ``status.yaml``.

    Args:
        input_dir: has ``config.yaml`` (JSON, which is YAML too) and the declared inputs.
        output_dir: exists; the declared outputs go there.

    Raises:
        InputFault: the input cannot be used.
    """
    config = json.loads((input_dir / "config.yaml").read_text())
    factor = config.get("factor", 1.0)
    columns, rows = read_table(input_dir / "table.csv")
    print(f"progress 0.5 read {len(rows)} rows", flush=True)
    for row in rows:
        row[VALUE] *= factor
    with (output_dir / "scaled.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    total = sum(row[VALUE] for row in rows)
    (output_dir / "totals.json").write_text(json.dumps({"sum": total, "count": len(rows)}))
    print("progress 1 done", flush=True)
    return {"code": 200, "message": f"{len(rows)} rows, their sum is {total:g}"}


def read_table(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return a table's columns and rows, the values as numbers.

    Raises:
        InputFault: a value is not a number.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        rows: list[dict[str, Any]] = []
        for row in reader:
            try:
                rows.append({**row, VALUE: float(row[VALUE])})
            except (KeyError, TypeError, ValueError) as error:
                where = f"{path.name}, line {reader.line_num}"
                raise InputFault(f"{where}: expected a number in the column {VALUE}, got {row.get(VALUE)!r}") from error
        return list(reader.fieldnames or []), rows


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
