"""The pass ``costs``: from CLEWS' results to the unit cost of energy, and from it to OG-Core's parameters."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from calculation_engine.bridges.base import Status
from calculation_engine.bridges.og_clews.channels import Shapes, overrides_of
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.contracts import EnergyCost, require
from calculation_engine.bridges.og_clews.cost import KINDS, EnergyAccount, account_of
from calculation_engine.bridges.og_clews.economy import Parameters, Run, read_run
from calculation_engine.tables import write_table


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``overrides.json``, ``cost_ratio.csv`` and ``cost.csv``.

    Raises:
        InvalidInput: results, config and parameters do not fit, or a value may not cross; every fault with its path.
    """
    runs = Tables(input_dir / "energy", "energy"), Tables(input_dir / "energy_baseline", "energy baseline")
    parameters = Parameters(input_dir / "economy_given")
    shapes = shapes_of(read_run(input_dir / "economy_baseline", "economy baseline"))
    accounts = [account_of(tables, config.cost_scope) for tables in runs]
    with_emissions = config.channels.carbon_price == "cost"
    units = [account.unit_cost(with_emissions=with_emissions) for account in accounts]
    cost = require(EnergyCost, "unit cost of energy", scenario=units[0], baseline=units[1])
    changed = overrides_of(
        config.channels, config.energy_industry, cost.ratio, accounts[0], accounts[1], parameters, shapes
    )
    content = json.dumps({**parameters.overrides, **changed}, allow_nan=False)
    (output_dir / "overrides.json").write_text(content + "\n", encoding="utf-8")
    ratios = pd.DataFrame(
        {"YEAR": list(cost.ratio), "SCENARIO": list(cost.scenario.values()), "BASELINE": list(cost.baseline.values())}
    )
    write_table(ratios.assign(RATIO=list(cost.ratio.values())), output_dir / "cost_ratio.csv")
    write_table(_long(accounts), output_dir / "cost.csv")
    low, high = min(cost.ratio.values()), max(cost.ratio.values())
    return Status(200, f"unit cost of energy over baseline: {low:.6g} to {high:.6g}")


def shapes_of(baseline: Run) -> Shapes:
    """Return the sizes of OG-Core's arrays from its baseline's results."""
    return Shapes(baseline.calendar, len(baseline.industries["Y_m"].columns), len(baseline.goods["C_i"].columns))


def _long(accounts: list[EnergyAccount]) -> pd.DataFrame:
    """Return cost by kind and demand, columns RUN, YEAR, KIND, VALUE, in CLEWS' money, and in units of demand."""
    frames = [
        account.cost.assign(demand=account.demand, capital_spent=account.investment)
        .rename_axis("YEAR")
        .reset_index()
        .melt("YEAR", [*KINDS, "demand", "capital_spent"], var_name="KIND", value_name="VALUE")
        .assign(RUN=name)
        for account, name in zip(accounts, ("scenario", "baseline"), strict=True)
    ]
    return pd.concat(frames)[["RUN", "YEAR", "KIND", "VALUE"]]


def warnings_of(config: Config) -> list[str]:
    """Return what a modeller must know of the channels that are open."""
    channels = config.channels
    if channels.productivity and channels.consumption_tax is not None:
        return [
            "productivity and consumption_tax are both on: a good that the energy industry makes counts the cost twice"
        ]
    return []
