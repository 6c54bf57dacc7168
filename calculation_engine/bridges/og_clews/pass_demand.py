"""The pass ``demand``: the demand ratios that are asked, as what multiplies CLEWS' original demand."""

from __future__ import annotations

import csv
from pathlib import Path

from calculation_engine.bridges.base import Status
from calculation_engine.bridges.exchange import read_exchange
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.response import DEMAND_PARAMETERS, scale_rows
from calculation_engine.errors import InvalidInput

_COLUMNS = ("PARAMETER", "FUEL", "YEAR", "FACTOR")


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``scale.csv``: the user's own factors, as they are, then the ratios; factors of one value multiply.

    Raises:
        InvalidInput: the ratios or the user's own factors have faults.
    """
    asked = read_exchange(input_dir / "asked.csv", name="asked.csv")
    tables = Tables(input_dir / "energy_baseline", "energy baseline")
    original = {
        name: table
        for name in DEMAND_PARAMETERS
        if (table := tables.find(name, ["FUEL", "YEAR"], parameter=True)) is not None
    }
    if not original:
        raise InvalidInput(
            "energy baseline: no SpecifiedAnnualDemand.csv or AccumulatedAnnualDemand.csv in parameters/"
        )
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in scale_rows(asked, original)]
    own = _own_rows(input_dir / "own_scale.csv")
    columns = [column for column in dict.fromkeys(key for row in [*own, *rows] for key in row) if column != "FACTOR"]
    with (output_dir / "scale.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*columns, "FACTOR"], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*own, *rows])
    return Status(200, f"demand times {min(asked.values_tuple):.6g} to {max(asked.values_tuple):.6g}")


def _own_rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        header = [str(name) for name in rows.fieldnames or ()]
        absent = [column for column in ("PARAMETER", "FACTOR") if column not in header]
        if absent:
            raise InvalidInput(f"the energy process's input scale: no column {', '.join(absent)}")
        return [{name: row[name] or "" for name in header} for row in rows]
