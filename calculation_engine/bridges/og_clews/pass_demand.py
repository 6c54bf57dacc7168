"""The pass ``demand``: the demand ratios that are asked, as what multiplies CLEWS' original demand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from calculation_engine.bridges.base import EXCHANGE, Status
from calculation_engine.bridges.exchange import read_exchange, write_exchange
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.response import DEMAND_PARAMETERS, scale_table
from calculation_engine.errors import InvalidInput
from calculation_engine.tables import read_table, write_table


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``scale.csv``: the user's own factors, then the ratios; and ``exchange.csv``, what was asked.

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
    rows = scale_table(asked, original).astype({"YEAR": str, "FACTOR": object})
    rows["FACTOR"] = rows["FACTOR"].map(lambda factor: repr(float(factor)))
    own = input_dir / "own_scale.csv"
    if own.is_file():
        given = read_table(own, name="scale").astype(str).replace("nan", "")
        absent = [column for column in ("PARAMETER", "FACTOR") if column not in given.columns]
        if absent:
            raise InvalidInput(f"the energy process's input scale: no column {', '.join(absent)}")
        rows = pd.concat([given, rows], ignore_index=True).fillna("")
    write_table(rows[[*(c for c in rows.columns if c != "FACTOR"), "FACTOR"]], output_dir / "scale.csv")
    (output_dir / EXCHANGE).write_text(write_exchange(asked), encoding="utf-8", newline="")
    return Status(200, f"demand times {min(asked.values_tuple):.6g} to {max(asked.values_tuple):.6g}")
