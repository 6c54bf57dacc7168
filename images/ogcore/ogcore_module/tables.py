"""A solved economy as tables; ``module.yaml`` and ``steady_state.csv`` have the units."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

GOODS = "units of the last industry's output, per effective worker"
WORKERS = "effective labour, per effective worker"
RATE = "1 per period"
RATIO = "1"

#: Variable -> unit and meaning, in the order of the tables' columns. Stationary: divided by growth of population and
#: productivity since the first period.
AGGREGATES: dict[str, tuple[str, str]] = {
    "Y": (GOODS, "output of all industries at current prices; not a volume"),
    "gdp_base_prices": (GOODS, "output of all industries at base prices: a volume"),
    "C": ("units of the composite good, per effective worker", "consumption"),
    "I_total": (GOODS, "investment"),
    "G": (GOODS, "government consumption"),
    "I_g": (GOODS, "public investment"),
    "K": (GOODS, "capital"),
    "K_d": (GOODS, "capital owned at home"),
    "K_f": (GOODS, "capital owned abroad"),
    "K_g": (GOODS, "public capital"),
    "B": (GOODS, "wealth of households"),
    "L": (WORKERS, "labour in efficiency units"),
    "N": (WORKERS, "hours worked"),
    "r": (RATE, "interest rate on private capital"),
    "r_gov": (RATE, "interest rate on government debt"),
    "r_p": (RATE, "return of the households' portfolio"),
    "w": ("units of the last industry's output per unit of effective labour", "wage"),
    "p_tilde": ("units of the last industry's output per unit of the composite good", "price of the composite good"),
    "TR": (GOODS, "transfers to households"),
    "BQ": (GOODS, "bequests"),
    "RM": (GOODS, "remittances"),
    "D": (GOODS, "government debt"),
    "D_d": (GOODS, "government debt held at home"),
    "D_f": (GOODS, "government debt held abroad"),
    "total_tax_revenue": (GOODS, "all taxes"),
    "iit_payroll_tax_revenue": (GOODS, "income and payroll taxes"),
    "business_tax_revenue": (GOODS, "taxes on business income"),
    "cons_tax_revenue": (GOODS, "taxes on consumption"),
    "agg_pension_outlays": (GOODS, "pensions"),
    "debt_service": (GOODS, "interest on government debt"),
    "new_borrowing": (GOODS, "new government borrowing"),
}
BY_INDUSTRY = {
    "Y_m": ("units of the industry's output, per effective worker", "output"),
    "K_m": (GOODS, "capital"),
    "L_m": (WORKERS, "labour"),
    "p_m": ("units of the last industry's output", "price"),
}
BY_GOOD = {
    "C_i": ("units of the good, per effective worker", "consumption"),
    "p_i": ("units of the last industry's output", "price before taxes"),
}


def years(p: Any, periods: int) -> np.ndarray[Any, Any]:
    """Return the year in which each period begins; a period is (ending_age - starting_age) / S years."""
    return np.asarray(p.start_year + np.arange(periods) * years_per_period(p))


def years_per_period(p: Any) -> float:
    """Return the length of a model period in years; 1 when S = 80 with OG-Core's ages of 20 to 100."""
    return float((p.ending_age - p.starting_age) / p.S)


def write_steady_state(folder: Path, solution: Mapping[str, Any], gdp: float) -> None:
    """Write ``steady_state.json`` (numbers and lists by name) and ``steady_state.csv`` (long, with units)."""
    values = {**solution, "gdp_base_prices": gdp}
    rows: list[tuple[Any, ...]] = []
    document: dict[str, Any] = {}
    for name, (unit, meaning) in AGGREGATES.items():
        document[name] = _total(values[name])
        rows.append((name, "", _text(document[name]), unit, meaning))
    for name, (unit, meaning) in {**BY_INDUSTRY, **BY_GOOD}.items():
        listed = np.asarray(values[name], dtype=float).ravel().tolist()
        document[name] = listed
        rows += [(name, index, _text(value), unit, meaning) for index, value in enumerate(listed)]
    (folder / "steady_state.json").write_text(json.dumps(_plain(document), indent=1, allow_nan=False) + "\n")
    _write(folder / "steady_state.csv", ("variable", "index", "value", "unit", "meaning"), rows)


def write_path(folder: Path, solution: Mapping[str, Any], gdp: np.ndarray[Any, Any], p: Any) -> None:
    """Write ``path.csv``, ``industries.csv`` and ``goods.csv``: one row a period (and industry, or good)."""
    values = {**solution, "gdp_base_prices": gdp}
    columns = [np.asarray(values[name], dtype=float).reshape(len(gdp), -1).sum(axis=1) for name in AGGREGATES]
    starts = [_text(year) for year in years(p, len(gdp))]
    rows = ([period, starts[period], *(_text(column[period]) for column in columns)] for period in range(len(gdp)))
    _write(folder / "path.csv", ("period", "year", *AGGREGATES), rows)
    for file, index, names in (("industries.csv", "industry", BY_INDUSTRY), ("goods.csv", "good", BY_GOOD)):
        arrays = [np.asarray(solution[name], dtype=float) for name in names]
        table = (
            [period, starts[period], item, *(_text(array[period, item]) for array in arrays)]
            for period in range(len(gdp))
            for item in range(arrays[0].shape[1])
        )
        _write(folder / file, ("period", "year", index, *names), table)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _total(value: Any) -> float:
    """Return a scalar; bequests may come as one number a group of households."""
    return float(np.asarray(value, dtype=float).sum())


def _text(value: Any) -> str:
    """Return a number in the fewest digits that give it back; whole years without a fraction."""
    number = float(value)
    return repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with null for what is not finite, which only an unchecked solution has."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value if np.isfinite(value) else None

    return {name: plain(value) for name, value in document.items()}
