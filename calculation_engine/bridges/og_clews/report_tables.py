"""The numbers of the report: one table a subject, which stand as CSV beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from calculation_engine.bridges.exchange import read_exchange
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.economy import Run
from calculation_engine.tables import read_table

#: Aggregate of OG-Core -> what it is called.
ECONOMY = {
    "C": "consumption",
    "I_total": "investment",
    "K": "capital",
    "L": "labour",
    "r": "interest rate",
    "w": "wage",
}
GDP = "GDP at base prices"
#: OG-Core's units; volumes are stationary: divided by growth of population and productivity.
GOODS = "units of the last industry's output, per effective worker"
COMPOSITE = "units of the composite good, per effective worker"
RATE = "1 per period"


def economy_table(economy: Run, baseline: Run) -> pd.DataFrame:
    """Return aggregates by period: QUANTITY, YEAR, SCENARIO, BASELINE, CHANGE (relative; rates: difference) [-]."""
    years = economy.path["year"].to_numpy(dtype=float)
    columns = {GDP: (economy.gdp(baseline), baseline.gdp(baseline))}
    for name, title in ECONOMY.items():
        if name in economy.path.columns and name in baseline.path.columns:
            columns[title] = (economy.path[name].to_numpy(dtype=float), baseline.path[name].to_numpy(dtype=float))
    frames = []
    for title, (scenario, base) in columns.items():
        change = scenario - base if title == ECONOMY["r"] else scenario / base - 1
        rows = {"QUANTITY": title, "YEAR": years, "SCENARIO": scenario, "BASELINE": base, "CHANGE": change}
        frames.append(pd.DataFrame(rows))
    return pd.concat(frames, ignore_index=True)


def comparison(scenario: Tables, baseline: Tables, table: str, keys: list[str]) -> pd.DataFrame | None:
    """Return a table of CLEWS in both runs: keys, SCENARIO, BASELINE; absent rows are zeros. None: it is absent."""
    frames = [tables.find(table, keys) for tables in (scenario, baseline)]
    if frames[0] is None or frames[1] is None:
        return None
    merged = frames[0].merge(frames[1], on=keys, how="outer", suffixes=("", " BASE")).fillna(0.0)
    return merged.rename(columns={"VALUE": "SCENARIO", "VALUE BASE": "BASELINE"}).sort_values(keys)


def evaluation_table(folder: Path) -> pd.DataFrame:
    """Return what each evaluation asked and answered: evaluation, variable, index, asked, answered (blank: failed)."""
    rows = []
    for place in sorted(folder.iterdir(), key=lambda path: int(path.name)) if folder.is_dir() else []:
        asked = read_exchange(place / "asked.csv", name=f"evaluations/{place.name}/asked.csv")
        found = sorted(place.glob("*/exchange.csv"))
        answered = asked.aligned(read_exchange(found[0])).values_tuple if found else [np.nan] * len(asked.variables)
        rows += [
            (int(place.name), variable.variable, variable.index, value, answer)
            for variable, value, answer in zip(asked.variables, asked.values_tuple, answered, strict=True)
        ]
    return pd.DataFrame(rows, columns=["evaluation", "variable", "index", "asked", "answered"])


def watched_table(folder: Path) -> pd.DataFrame:
    """Return what each evaluation watched: evaluation, variable, index, value, unit."""
    rows = [
        (int(file.parent.parent.name), variable.variable, variable.index, value, variable.unit)
        for file in folder.glob("*/*/monitored.csv")
        for table in [read_exchange(file, name=file.name)]
        for variable, value in zip(table.variables, table.values_tuple, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["evaluation", "variable", "index", "value", "unit"])
    return table.sort_values("evaluation", kind="stable")


def convergence_table(path: Path) -> pd.DataFrame:
    """Return the engine's table, one row an evaluation."""
    return read_table(path, name="convergence.csv") if path.is_file() else pd.DataFrame()


def cost_changes(scenario: Tables, baseline: Tables) -> pd.Series[float]:
    """Return by how much each technology costs more or less over all years, undiscounted, in CLEWS' money.

    Operation and investment as spent; the index is TECHNOLOGY, the largest change first.
    """
    total = pd.Series(dtype=float)
    for name in ("AnnualFixedOperatingCost", "AnnualVariableOperatingCost", "CapitalInvestment"):
        for sign, tables in ((1.0, scenario), (-1.0, baseline)):
            cost = tables.get(name, ["TECHNOLOGY"]).set_index("TECHNOLOGY")["VALUE"]
            total = total.add(sign * cost, fill_value=0.0)
    return total.abs().sort_values(ascending=False, kind="stable")


def summary_table(
    costs: pd.DataFrame, economy: pd.DataFrame, discounted: pd.DataFrame | None, evaluations: pd.DataFrame
) -> pd.DataFrame:
    """Return what a reader wants first: QUANTITY, SCENARIO, BASELINE, CHANGE (relative; rates: difference), UNIT."""
    rows: list[tuple[str, str, float, float]] = []
    if discounted is not None:
        total = discounted[["SCENARIO", "BASELINE"]].sum()
        name = "total discounted cost of the energy system"
        rows.append((name, "CLEWS' money", float(total["SCENARIO"]), float(total["BASELINE"])))
    for place in (0, -1):
        row = costs.iloc[place]
        name, unit = f"unit cost of energy {row['YEAR']:.0f}", "CLEWS' money per unit of demand"
        rows.append((name, unit, float(row["SCENARIO"]), float(row["BASELINE"])))
    last = evaluations[evaluations["evaluation"] == evaluations["evaluation"].max()]
    for place in (0, -1) if len(last) else ():
        row = last.iloc[place]
        rows.append((f"demand over original, {row['variable']} {row['index']}", "1", float(row["answered"]), 1.0))
    for title, unit in ((GDP, GOODS), ("consumption", COMPOSITE), (ECONOMY["r"], RATE)):
        first = economy[economy["QUANTITY"] == title].head(1)
        rows += [
            (f"{title} {y:g}", unit, float(s), float(b))
            for y, s, b in first[["YEAR", "SCENARIO", "BASELINE"]].to_numpy()
        ]
    table = pd.DataFrame(rows, columns=["QUANTITY", "UNIT", "SCENARIO", "BASELINE"])
    change = table["SCENARIO"] / table["BASELINE"] - 1
    table["CHANGE"] = change.where(table["UNIT"] != RATE, table["SCENARIO"] - table["BASELINE"])
    return table[["QUANTITY", "SCENARIO", "BASELINE", "CHANGE", "UNIT"]]
