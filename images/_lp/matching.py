"""Which rows of factors select which values of a parameter."""

from __future__ import annotations

import math
from collections.abc import Iterable

from _lp.data_section import Subscripts
from _lp.factors import Row


class Matcher:
    """Which rows select which subscripts; a set of rows is the bits of one number, so that many rows are no slower."""

    def __init__(self, rows: list[Row], indices: list[str]) -> None:
        self._rows = rows
        self._open = [0] * len(indices)
        self._named: list[dict[str, int]] = [{} for _ in indices]
        self._products: dict[int, float] = {}
        for number, row in enumerate(rows):
            for position, index in enumerate(indices):
                if index not in row.selection:
                    self._open[position] |= 1 << number
                for key in row.selection.get(index, ()):
                    self._named[position][key] = self._named[position].get(key, 0) | 1 << number

    def rows(self, subscripts: Subscripts) -> int:
        """Return the rows that select the value at ``subscripts``."""
        selecting = (1 << len(self._rows)) - 1
        for position, key in enumerate(subscripts):
            selecting &= self._open[position] | self._named[position].get(key, 0)
        return selecting

    def product(self, rows: int) -> float:
        """Return the product of the rows' factors."""
        if rows not in self._products:
            chosen = (row.factor for number, row in enumerate(self._rows) if rows >> number & 1)
            self._products[rows] = math.prod(chosen)
        return self._products[rows]

    def candidates(self, position: int, known: Iterable[str]) -> list[str]:
        """Return the members of an index that some row selects."""
        return [key for key in known if self._open[position] or key in self._named[position]]
