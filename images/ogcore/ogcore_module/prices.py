"""The prices that volumes are counted at: another run's, the baseline's, or the run's own."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ogcore_module.faults import Fault, refuse

COLUMNS = ("period", "industry", "p_m")


@dataclass(frozen=True)
class BasePrices:
    """Prices of the industries' output, shape (periods, M), in units of the last industry's output."""

    source: str  #: ``baseline`` or ``own``
    path: np.ndarray[Any, Any] | None = None

    def gdp_of_path(self, solution: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """Return the sum over industries of base price times output, one value a period."""
        prices = solution["p_m"] if self.path is None else self.path[: len(solution["Y_m"])]
        return np.asarray((prices * solution["Y_m"]).sum(axis=1))

    def gdp_of_steady_state(self, solution: Mapping[str, Any]) -> float:
        """Return the same for the steady state, at the prices of the baseline's last period."""
        prices = solution["p_m"] if self.path is None else self.path[-1]
        return float((prices * solution["Y_m"]).sum())


def load_base_prices(path: Path, periods: int, industries: int) -> BasePrices:
    """Return the prices in a baseline's ``industries.csv``; without a file, a run is its own baseline.

    Raises:
        Fault: a column, a period or an industry is absent, or a price is not a positive number.
    """
    if not path.exists():
        return BasePrices("own")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        absent = [name for name in COLUMNS if name not in (rows.fieldnames or [])]
        if absent:
            raise Fault(f"{path.name}: no column {', '.join(absent)}: give a baseline run's `industries`")
        prices, faults = _read(path.name, rows)
    refuse(faults)
    wanted = {(period, industry) for period in range(periods) for industry in range(industries)}
    missing = sorted(wanted - set(prices))
    if missing:
        period, industry = missing[0]
        raise Fault(
            f"{path.name}: no price of industry {industry} in period {period} ({len(missing)} are absent): the baseline"
            f" must have at least {periods} periods and {industries} industries, numbered from 0"
        )
    if any(industry >= industries for _, industry in prices):
        raise Fault(f"{path.name}: it has more than the {industries} industries of this run")
    table = np.array([[prices[period, industry] for industry in range(industries)] for period in range(periods)])
    return BasePrices("baseline", table)


def _read(name: str, rows: Any) -> tuple[dict[tuple[int, int], float], list[str]]:
    prices: dict[tuple[int, int], float] = {}
    faults: list[str] = []
    for row in rows:
        where = f"{name}, line {rows.line_num}"
        try:
            key, price = (int(row["period"]), int(row["industry"])), float(row["p_m"])
        except (TypeError, ValueError):
            faults.append(f"{where}: expected numbers in {', '.join(COLUMNS)}, got {[row[c] for c in COLUMNS]}")
            continue
        if not (math.isfinite(price) and price > 0):
            faults.append(f"{where}: expected a positive price, got {row['p_m']}")
        if key in prices:
            faults.append(f"{where}: period {key[0]}, industry {key[1]} is there twice")
        prices[key] = price
    return prices, faults
