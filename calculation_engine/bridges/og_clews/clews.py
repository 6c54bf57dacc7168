"""Results of CLEWS: the long tables that an OSeMOSYS run leaves, from this project's modules, published files or MUIO.

Accepted headers: set names (``REGION,TECHNOLOGY,YEAR,VALUE``), or MUIO's letters with the variable's name over the last
column (``r,t,y,CapitalInvestment``). Source of the letters: header lines of MUIO's result CSVs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.tables import read_table

_LETTERS = {
    "r": "REGION",
    "rr": "_REGION",
    "REGION.1": "_REGION",
    "t": "TECHNOLOGY",
    "f": "FUEL",
    "COMMODITY": "FUEL",
    "e": "EMISSION",
    "m": "MODE_OF_OPERATION",
    "l": "TIMESLICE",
    "y": "YEAR",
}
_MOST_FAULTS = 20


class Tables:
    """The tables of one run.

    Args:
        folder: with ``results/`` and ``parameters/``, or with the CSV files themselves, or ``csv/`` as MUIO has it.
        name: what the run is called in an error.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folders = [folder / "results", folder / "csv", folder]
        self._parameter_folders = [folder / "parameters", folder]

    def find(self, table: str, sets: Sequence[str], *, parameter: bool = False) -> pd.DataFrame | None:
        """Return a table with the columns ``sets`` and VALUE, summed over all other sets, or None if it is absent.

        Raises:
            InvalidInput: a column is missing, or a value is not a finite number; every fault with its line.
        """
        folders = self._parameter_folders if parameter else self._folders
        file = next((path for folder in folders if (path := folder / f"{table}.csv").is_file()), None)
        if file is None:
            return None
        name = f"{self.name}/{file.parent.name}/{file.name}"
        frame = read_table(file, name=name).rename(columns=_LETTERS)
        value = _value_column(list(frame.columns), table)
        absent = [column for column in sets if column not in frame.columns]
        if absent or value is None:
            wanted = ", ".join([*absent, *([] if value else ["VALUE"])])
            raise InvalidInput(f"{name}: no column {wanted}; it has {', '.join(frame.columns)}")
        _refuse(frame, [*sets], value, name)
        frame = frame.assign(VALUE=frame[value].astype(float), **{s: frame[s].astype(str) for s in sets if s != "YEAR"})
        return frame.groupby([*sets], as_index=False, sort=True)[["VALUE"]].sum()

    def get(self, table: str, sets: Sequence[str], *, parameter: bool = False) -> pd.DataFrame:
        """Return a table as :meth:`find` does.

        Raises:
            InvalidInput: it is absent, too.
        """
        frame = self.find(table, sets, parameter=parameter)
        if frame is None:
            kind = "parameters" if parameter else "results"
            raise InvalidInput(f"{self.name}: no table {table}.csv among its {kind}")
        return frame

    def demand(self) -> pd.DataFrame:
        """Return annual demand with the columns REGION, FUEL, YEAR, VALUE, in the fuels' own units per year.

        Specified and accumulated demand of the parameters; where only results are there, their ``Demand``.
        """
        sets = ["REGION", "FUEL", "YEAR"]
        names = ("SpecifiedAnnualDemand", "AccumulatedAnnualDemand")
        given = [frame for name in names if (frame := self.find(name, sets, parameter=True)) is not None]
        if not given:
            given = [self.get("Demand", sets)]
        return pd.concat(given).groupby(sets, as_index=False, sort=True)[["VALUE"]].sum()


def _value_column(columns: list[str], table: str) -> str | None:
    known = set(_LETTERS.values())
    return next((name for name in ("VALUE", table) if name in columns and name not in known), None)


def _refuse(frame: pd.DataFrame, sets: list[str], value: str, name: str) -> None:
    """Raise on values that are not finite numbers, and on years that are not whole; lines are those of the file."""
    numbers = pd.to_numeric(frame[value], errors="coerce")
    wrong = ~np.isfinite(numbers.to_numpy(dtype=float))
    faults = [_fault(name, line, value, frame[value].iloc[line], "a finite number") for line in _lines(wrong)]
    if "YEAR" in sets and frame["YEAR"].dtype.kind != "i" and len(frame):
        years = pd.to_numeric(frame["YEAR"], errors="coerce")
        wrong = (years % 1 != 0).to_numpy(dtype=bool)
        faults += [_fault(name, line, "YEAR", frame["YEAR"].iloc[line], "a year") for line in _lines(wrong)]
    if faults:
        more = f" ({len(faults)} in all, the first {_MOST_FAULTS} are shown)" if len(faults) > _MOST_FAULTS else ""
        raise InvalidInput(f"{name} has faults{more}", faults=faults[:_MOST_FAULTS])


def _lines(wrong: NDArray[np.bool_]) -> list[int]:
    return [int(line) for line in np.flatnonzero(wrong)]


def _fault(name: str, line: int, column: str, got: object, expected: str) -> Fault:
    return Fault(f"{name}, line {line + 2}", f"{column}: expected {expected}, got {got!r}")
