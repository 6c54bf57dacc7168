"""How the demand for energy answers the economy: D_f(scenario) / D_f(original) = sum_s share_s (X_s / X_s,base)^e_s.

X is a volume of OG-Core: output of an industry, consumption of a good, or GDP at base prices. Demand never follows
OG-Core's ``Y``, which counts at current prices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calculation_engine.bridges.exchange import ExchangeTable, Variable
from calculation_engine.bridges.og_clews.calendar import to_years
from calculation_engine.bridges.og_clews.config import Config, Response
from calculation_engine.bridges.og_clews.contracts import DemandRatio, EconomyPath, require
from calculation_engine.bridges.og_clews.economy import Run
from calculation_engine.errors import Fault, InvalidInput

GROUP = "demand"
UNIT = "1"
#: Name of the one ratio a year that all fuels share.
ALL_FUELS = "all fuels"
#: The parameters of CLEWS that hold demand; the profile within a year stays as it is.
DEMAND_PARAMETERS = ("SpecifiedAnnualDemand", "AccumulatedAnnualDemand")
_VARIABLE = {"industry_output": "Y_m", "consumption": "C_i"}


def exchange_variables(config: Config, demand: pd.DataFrame, start_year: float) -> list[Variable]:
    """Return the exchange variables: one a year, or one for each fuel and year with demand.

    Args:
        config: of the bridge.
        demand: original demand of CLEWS, columns FUEL, YEAR, VALUE.
        start_year: of OG-Core; earlier years keep their demand.

    Raises:
        InvalidInput: a fuel has no demand or is unknown, or no year is left.
    """
    first = max(int(np.ceil(start_year)), config.exchange.first_year or 0)
    demand = demand[demand["VALUE"] != 0]
    used = demand[demand["YEAR"] >= first]
    named = sorted({fuel for row in config.demand if row.fuels != "all" for fuel in row.fuels})
    unknown = [fuel for fuel in named if fuel not in set(used["FUEL"])]
    if unknown:
        have = ", ".join(sorted(set(used["FUEL"]))) or "none"
        raise InvalidInput(
            "fuels that shall follow the economy have no demand in the energy model",
            faults=[
                Fault("bridge.config.demand", f"{fuel}: no demand from {first} on; fuels with demand: {have}")
                for fuel in unknown
            ],
        )
    if used.empty:
        last = int(demand["YEAR"].max()) if len(demand) else "none"
        raise InvalidInput(f"energy: there is no demand from {first} on, the last year with demand is {last}")
    if config.exchange.by == "year":
        return [Variable(ALL_FUELS, str(year), UNIT, GROUP) for year in sorted(set(map(int, used["YEAR"])))]
    fuels = named or sorted(set(used["FUEL"]))
    pairs = used[["FUEL", "YEAR"]].drop_duplicates().sort_values(["FUEL", "YEAR"])
    return [Variable(str(f), str(y), UNIT, GROUP) for f, y in pairs.itertuples(index=False) if f in fuels]


def scale_rows(asked: ExchangeTable, original: dict[str, pd.DataFrame]) -> list[tuple[str, str, str, str]]:
    """Return what multiplies the original demand: (parameter, fuel, year, factor); a blank fuel stands for all.

    Args:
        asked: demand ratios.
        original: parameter of :data:`DEMAND_PARAMETERS` -> its table FUEL, YEAR, VALUE; only what is there is scaled.

    Raises:
        InvalidInput: a ratio is not positive or has another unit than 1, or the years of a fuel have gaps.
    """
    by_fuel: dict[str, dict[int, float]] = {}
    for variable, value in zip(asked.variables, asked.values_tuple, strict=True):
        by_fuel.setdefault(variable.variable, {})[int(variable.index)] = value
    for fuel, values in by_fuel.items():
        require(DemandRatio, f"exchange.{fuel}", unit=asked.unit, values=values)
    rows: list[tuple[str, str, str, str]] = []
    for parameter, table in original.items():
        there = table[table["VALUE"] != 0]
        pairs = {*zip(there["FUEL"], there["YEAR"].astype(int), strict=True)}
        pairs |= {(ALL_FUELS, year) for _, year in pairs}
        rows += [
            (parameter, "" if fuel == ALL_FUELS else fuel, str(year), repr(factor))
            for fuel, values in by_fuel.items()
            for year, factor in values.items()
            if (fuel, year) in pairs
        ]
    return rows


def driver_ratio(row: Response, run: Run, baseline: Run, path: str) -> NDArray[np.float64]:
    """Return the driver's volume over its baseline, one a period [-].

    Raises:
        InvalidInput: there is no such industry or good, or a volume is not positive.
    """
    if row.driver == "gdp":
        volumes = run.gdp(baseline), baseline.gdp(baseline)
    else:
        variable, index = _VARIABLE[row.driver], row.industry if row.driver == "industry_output" else row.good
        assert index is not None, "the config's own check"
        volumes = run.volume(variable, index), baseline.volume(variable, index)
    signal = require(EconomyPath, path, scenario=volumes[0].tolist(), baseline=volumes[1].tolist())
    return np.array(signal.ratio)


def answer(config: Config, run: Run, baseline: Run, asked: ExchangeTable) -> ExchangeTable:
    """Return g(x): the demand ratios that follow from the economy, for the variables that were asked."""
    years = sorted({int(variable.index) for variable in asked.variables})
    totals: dict[str, NDArray[np.float64]] = {}
    for number, row in enumerate(config.demand):
        path = f"bridge.config.demand[{number}].{row.driver}"
        ratio = to_years(driver_ratio(row, run, baseline, path), baseline.calendar, years)
        # Changes are added up, not levels: shares such as 0.1 + 0.2 + 0.7 are not exactly 1.
        change = row.share * (ratio**row.elasticity - 1)
        for fuel in _names(row, asked.variables):
            totals[fuel] = totals.get(fuel, np.ones(len(years))) + change
    place = {year: number for number, year in enumerate(years)}
    return asked.with_values(totals[v.variable][place[int(v.index)]] for v in asked.variables)


def _names(row: Response, variables: Sequence[Variable]) -> list[str]:
    if row.fuels != "all":
        return row.fuels
    return list(dict.fromkeys(variable.variable for variable in variables))
