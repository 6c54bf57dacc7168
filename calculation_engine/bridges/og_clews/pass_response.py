"""The pass ``response``: from OG-Core's results to the demand ratios that follow, and what is watched besides."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from calculation_engine.bridges.base import EXCHANGE, MONITORED, Status
from calculation_engine.bridges.exchange import ExchangeTable, Variable, read_exchange, write_exchange
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.economy import Run, read_run, refuse_other_shape
from calculation_engine.bridges.og_clews.response import answer
from calculation_engine.tables import read_table


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``exchange.csv`` = g(x) and ``monitored.csv``: cost ratio, base-price GDP, interest rate.

    Raises:
        InvalidInput: the economy's results have faults, or do not fit the baseline's.
    """
    asked = read_exchange(input_dir / "asked.csv", name="asked.csv")
    economy = read_run(input_dir / "economy", "economy")
    baseline = read_run(input_dir / "economy_baseline", "economy baseline")
    refuse_other_shape(economy, baseline)
    answered = answer(config, economy, baseline, asked)
    (output_dir / EXCHANGE).write_text(write_exchange(answered), encoding="utf-8", newline="")
    watched = _monitored(read_table(input_dir / "cost_ratio.csv"), economy, baseline)
    (output_dir / MONITORED).write_text(write_exchange(watched), encoding="utf-8", newline="")
    low, high = min(answered.values_tuple), max(answered.values_tuple)
    return Status(200, f"demand over original demand: {low:.6g} to {high:.6g}")


def _monitored(cost: pd.DataFrame, economy: Run, baseline: Run) -> ExchangeTable:
    """Return rho_y by year, and base-price GDP over baseline and the interest rate by period."""
    rows = [
        (Variable("rho", str(year), "1", "cost ratio"), ratio)
        for year, ratio in zip(cost["YEAR"], cost["RATIO"], strict=True)
    ]
    starts = [f"{year:g}" for year in economy.path["year"]]
    gdp = economy.gdp(baseline) / baseline.gdp(baseline)
    rows += [(Variable("gdp", year, "1", "gdp ratio"), value) for year, value in zip(starts, gdp, strict=True)]
    interest = zip(starts, economy.path["r"], strict=True)
    rows += [(Variable("r", year, "1 per period", "interest rate"), value) for year, value in interest]
    return ExchangeTable(tuple(variable for variable, _ in rows), tuple(float(value) for _, value in rows))
