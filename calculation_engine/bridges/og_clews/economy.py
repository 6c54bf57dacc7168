"""Results and parameters of OG-Core: the calendar, prices and volumes of a run, the parameters that a user gave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calculation_engine.bridges.og_clews.calendar import Calendar
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.tables import read_table

#: Parameters that a bridge needs -> OG-Core 0.21's default, where that is no matter of calibration.
_DEFAULTS: dict[str, Any] = {"Z": [[1.0]], "tau_c": [[0.0]], "mindist_TPI": 1e-5}


@dataclass(frozen=True)
class Run:
    """The time path of one run of OG-Core.

    Args:
        name: what the run is called in an error.
        calendar: of its periods.
        path: aggregates, one row a period.
        industries: output ``Y_m`` and price ``p_m`` of each industry, index period, columns (variable, industry).
        goods: consumption ``C_i`` of each good, index period, columns (variable, good).
    """

    name: str
    calendar: Calendar
    path: pd.DataFrame
    industries: pd.DataFrame
    goods: pd.DataFrame

    def volume(self, variable: str, index: int) -> NDArray[np.float64]:
        """Return output of an industry (``Y_m``) or consumption of a good (``C_i``), one a period.

        Raises:
            InvalidInput: there is no such industry or good.
        """
        table, kind = (self.industries, "industry") if variable == "Y_m" else (self.goods, "good")
        if (variable, index) not in table.columns:
            count = len(table[variable].columns)
            raise InvalidInput(f"{self.name} has no {kind} {index}; they are counted from 0 to {count - 1}")
        return table[variable, index].to_numpy(dtype=float)

    def gdp(self, baseline: Run) -> NDArray[np.float64]:
        """Return GDP at base prices, sum over industries of baseline price times output, one a period.

        OG-Core's own ``Y`` counts at current prices in units of the last industry, and is no volume.
        """
        prices, output = baseline.industries["p_m"], self.industries["Y_m"]
        return np.asarray((prices.to_numpy(dtype=float) * output.to_numpy(dtype=float)).sum(axis=1))


def read_run(folder: Path, name: str) -> Run:
    """Return the time path that the module ``ogcore`` left in ``folder``.

    Raises:
        InvalidInput: a table is absent or has faults; ``steady_state_only`` leaves none of them.
    """
    path = _table(folder, "path", ["period", "year", "r"], name)
    industries = _table(folder, "industries", ["period", "industry", "Y_m", "p_m"], name)
    goods = _table(folder, "goods", ["period", "good", "C_i"], name)
    years = path["year"].to_numpy(dtype=float)
    if len(years) < 2:
        raise InvalidInput(f"{name}/path.csv: expected at least 2 periods, got {len(years)}")
    length = float(years[1] - years[0])
    steps = np.diff(years)
    if not np.allclose(steps, length) or length <= 0:
        raise InvalidInput(f"{name}/path.csv: years do not rise by one length of a period: {sorted(set(steps))}")
    return Run(
        name,
        Calendar(float(years[0]), length, len(years)),
        path,
        industries.pivot_table(index="period", columns="industry", values=["Y_m", "p_m"]),
        goods.pivot_table(index="period", columns="good", values=["C_i"]),
    )


def refuse_other_shape(run: Run, baseline: Run) -> None:
    """Raise where two runs do not have the same periods, industries and goods.

    Raises:
        InvalidInput: they differ, and cannot be compared.
    """
    faults = []
    if run.calendar != baseline.calendar:
        faults.append(Fault(f"{run.name}/path.csv", f"{run.calendar}, and the baseline has {baseline.calendar}"))
    for table in ("industries", "goods"):
        mine, base = getattr(run, table), getattr(baseline, table)
        if not (mine.columns.equals(base.columns) and mine.index.equals(base.index)):
            shapes = f"{mine.shape[1]} columns, and the baseline has {base.shape[1]}"
            faults.append(Fault(f"{run.name}/{table}.csv", f"{len(mine)} periods of {shapes}"))
    if faults:
        raise InvalidInput("the economy and its baseline do not have the same shape", faults=faults)


class Parameters:
    """OG-Core's parameters as the user gave them: overrides over the config over the file.

    Args:
        folder: with ``config.json``, and ``parameters.json`` and ``overrides.json`` where given.
    """

    def __init__(self, folder: Path) -> None:
        config = _load(folder / "config.json")
        ages = (config.get("demographics") or {}).get("ages")
        self.overrides = _load(folder / "overrides.json")
        self._given = {
            **_load(folder / "parameters.json"),
            **({} if ages is None else {"S": ages}),
            **(config.get("parameters") or {}),
            **self.overrides,
        }

    def table(self, name: str) -> NDArray[np.float64]:
        """Return a parameter's value as given, or OG-Core's default where :data:`_DEFAULTS` has one.

        Raises:
            InvalidInput: it is not given, or is not an array of numbers.
        """
        value = self._given.get(name, _DEFAULTS.get(name))
        if value is None:
            raise InvalidInput(
                f"economy: the parameter {name} is not given, and the bridge adds to it",
                hint=f"give {name} among the parameters of the OG-Core process",
            )
        try:
            return np.array(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"economy: the parameter {name} is not an array of numbers: {error}") from error


def _load(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"economy: {path.name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"economy: {path.name}: expected an object of parameters by name")
    return content


def _table(folder: Path, table: str, columns: list[str], name: str) -> pd.DataFrame:
    file = folder / f"{table}.csv"
    if not file.is_file():
        raise InvalidInput(
            f"{name}: no table {table}.csv", hint="leave out steady_state_only: the exchange needs the time path"
        )
    frame = read_table(file, name=f"{name}/{file.name}")
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise InvalidInput(f"{name}/{file.name}: no column {', '.join(absent)}; it has {', '.join(frame.columns)}")
    numbers = frame[columns].apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere(~np.isfinite(numbers.to_numpy(dtype=float)))
    if len(wrong):
        faults = [
            Fault(f"{name}/{file.name}, line {row + 2}", f"{columns[column]}: expected a finite number")
            for row, column in wrong
        ]
        raise InvalidInput(f"{name}/{file.name} has faults", faults=faults[:20])
    return frame
