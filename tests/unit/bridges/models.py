"""Results of two small models, written as the modules leave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

YEARS = (2020, 2021, 2022, 2023)


def write_clews(folder: Path, *, factor: float = 1.0, demand: float = 1.0, **changes: str) -> None:
    """Write results and parameters of a plant that burns what a mine digs.

    Args:
        folder: gets ``results/`` and ``parameters/``.
        factor: of the variable cost.
        demand: of the demand.
        changes: path without ``.csv`` -> text in place of the table.
    """

    def by_technology(plant: float, mine: float, years: Sequence[int] = YEARS) -> str:
        rows = [f"R,PLANT,{year},{plant!r}\nR,MINE,{year},{mine!r}\n" for year in years]
        return "REGION,TECHNOLOGY,YEAR,VALUE\n" + "".join(rows)

    tables = {
        "results/AnnualFixedOperatingCost": by_technology(2.0, 1.0),
        "results/AnnualVariableOperatingCost": by_technology(4.0 * factor, 6.0 * factor),
        "results/AnnualTechnologyEmissionsPenalty": by_technology(2.0, 0.0),
        "results/CapitalInvestment": "REGION,TECHNOLOGY,YEAR,VALUE\nR,PLANT,2020,100\n",
        "results/AnnualEmissions": "REGION,EMISSION,YEAR,VALUE\n" + "".join(f"R,CO2,{y},{factor!r}\n" for y in YEARS),
        "results/TotalCapacityAnnual": by_technology(3.0 * factor, 1.0),
        "results/TotalDiscountedCost": "REGION,YEAR,VALUE\n" + "".join(f"R,{y},{50 * factor!r}\n" for y in YEARS),
        "parameters/OperationalLife": "REGION,TECHNOLOGY,VALUE\nR,PLANT,10\nR,MINE,5\n",
        "parameters/DiscountRate": "REGION,VALUE\nR,0.05\n",
        "parameters/SpecifiedAnnualDemand": "REGION,FUEL,YEAR,VALUE\n"
        + "".join(f"R,ELC,{year},{4.0 * demand!r}\n" for year in YEARS),
        "parameters/AccumulatedAnnualDemand": "REGION,FUEL,YEAR,VALUE\n"
        + "".join(f"R,HEAT,{year},{1.0 * demand!r}\n" for year in YEARS),
    }
    for name, text in {**tables, **changes}.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def write_economy(
    folder: Path, *, output: Sequence[float] = (1.0, 1.0, 1.0), start: int = 2020, periods: int = 6
) -> None:
    """Write the time path of an economy with annual periods, three industries and as many goods.

    Args:
        folder: gets ``path.csv``, ``industries.csv``, ``goods.csv``.
        output: of each industry, in every period; goods are half of it.
        start: year of the first period.
        periods: how many there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, industries, goods = ["period,year,C,r"], ["period,year,industry,Y_m,p_m"], ["period,year,good,C_i"]
    for period in range(periods):
        path.append(f"{period},{start + period},{sum(output)!r},0.05")
        industries += [f"{period},{start + period},{m},{y!r},{1.0 + m!r}" for m, y in enumerate(output)]
        goods += [f"{period},{start + period},{m},{y / 2!r}" for m, y in enumerate(output)]
    for name, rows in (("path", path), ("industries", industries), ("goods", goods)):
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")


def write_given(folder: Path, *, demographics: dict[str, int] | None = None, **parameters: object) -> None:
    """Write the parameters that a user gave OG-Core, as its config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"demographics": demographics or {}, "parameters": parameters}))
