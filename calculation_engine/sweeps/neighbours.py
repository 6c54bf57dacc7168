"""Which row of a sweep starts from which: fixed by the design, so that it never depends on what ends first."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calculation_engine.sweeps.design import DesignColumn, DesignTable

#: Rows of one tree; a larger design is cut into as many trees as it needs.
_ROWS_OF_A_TREE = 4000
#: Multiples of the way between known rows that a row's start is carried beyond them.
_FURTHEST = 2.0


@dataclass(frozen=True)
class Neighbours:
    """An order of all rows (from 1), and the earlier one that each starts from; 0: none.

    ``points`` are the rows as points, shape (rows, dimensions) [-]; ``words`` what of each row is no number.
    """

    order: list[int]
    parent: dict[int, int]
    points: NDArray[np.float64]
    words: list[str]

    @property
    def dimensions(self) -> int:
        """How many columns of numbers differ from row to row."""
        same = [number for number, words in enumerate(self.words) if words == self.words[0]]
        return int(np.count_nonzero(np.ptp(self.points[same], axis=0)))

    def ancestors(self, row: int) -> list[int]:
        """Return the rows from which this one's start follows, its parent first: all have ended when it begins.

        They differ from the parent in numbers alone.
        """
        parent = self.parent[row]
        found, row = list[int](), parent
        while row:
            if self.words[row - 1] == self.words[parent - 1]:
                found.append(row)
            row = self.parent[row]
        return found

    def weights(self, row: int, known: Sequence[int]) -> list[float]:
        """Return how a row's solution follows from those of rows that are known: the weights add up to 1.

        Linear between and beyond them: the move from the first of ``known`` is the shortest sum of the moves to the
        others that comes nearest to it. It goes no further than twice the way to the others.
        """
        first, *others = (self.points[number - 1] for number in known)
        if not others:
            return [1.0]
        moves = np.array(others) - first
        share = np.linalg.lstsq(moves.T, self.points[row - 1] - first)[0]
        share /= max(1.0, float(np.abs(share).sum()) / _FURTHEST)
        return [float(1 - share.sum()), *map(float, share)]


def neighbours(design: DesignTable) -> Neighbours:
    """Return the order in which rows begin, and which earlier row each starts from.

    The row in the middle is first. Then come a few that lie far apart, so that others can start from them side by side;
    the rest grows from all of these as a minimum spanning tree does: next is always the row nearest to one that is in
    the tree (Prim's algorithm), and it starts from that one. Ties go to the lower row.
    """
    points = scaled(design)
    order, parent = list[int](), dict[int, int]()
    for first in range(0, len(points), _ROWS_OF_A_TREE):
        part = _tree(points[first : first + _ROWS_OF_A_TREE])
        order += [first + row + 1 for row, _ in part]
        parent |= {first + row + 1: 0 if start is None else first + start + 1 for row, start in part}
    numbers = [_is_numbers(column, cells) for column, cells in _columns(design)]
    words = [
        json.dumps([cell for cell, number in zip(row, numbers, strict=True) if not number], sort_keys=True, default=str)
        for row in design.rows
    ]
    return Neighbours(order, parent, points, words)


def scaled(design: DesignTable) -> NDArray[np.float64]:
    """Return the rows as points, shape (rows, dimensions) [-].

    A column of numbers is one dimension from 0 to 1, of their logarithms where its scale says so. Any other column has
    a dimension for each of its values, so that two rows that differ in it are a distance of 1 apart.
    """
    parts = [np.zeros((len(design.rows), 1))]
    for column, cells in _columns(design):
        if _is_numbers(column, cells):
            parts.append(_from_0_to_1(np.array(cells, float), column.scale)[:, None])
        else:
            words = [json.dumps(cell, sort_keys=True, default=str) for cell in cells]
            known = sorted(set(words))
            parts.append(np.array([[word == name for name in known] for word in words], float) / math.sqrt(2))
    return np.hstack(parts)


def _tree(points: NDArray[np.float64]) -> list[tuple[int, int | None]]:
    count = len(points)
    middle = int(np.argmin(np.linalg.norm(points - points.mean(axis=0), axis=1)))
    nearest = np.full(count, middle)
    distance = np.linalg.norm(points - points[middle], axis=1)
    placed = np.zeros(count, bool)
    tree: list[tuple[int, int | None]] = [(middle, None)]
    placed[middle] = True
    seeds = math.isqrt(count)
    while len(tree) < count:
        far = len(tree) < seeds
        open_ = np.where(placed, -math.inf if far else math.inf, distance)
        row = int(np.argmax(open_) if far else np.argmin(open_))
        tree.append((row, int(nearest[row])))
        placed[row] = True
        reach = np.linalg.norm(points - points[row], axis=1)
        closer = ~placed & (reach < distance)
        distance[closer], nearest[closer] = reach[closer], row
    return tree


def _from_0_to_1(values: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    if scale == "log" and (values > 0).all():
        values = np.log(values)
    width = float(np.ptp(values))
    return (values - values.min()) / width if width > 0 else np.zeros_like(values)


def _columns(design: DesignTable) -> Iterator[tuple[DesignColumn, list[Any]]]:
    for index, column in enumerate(design.columns):
        yield column, [row[index] for row in design.rows]


def _is_numbers(column: DesignColumn, cells: list[Any]) -> bool:
    return column.levels is None and all(map(_is_number, cells))


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)
