"""Cold matter from zero pressure to the end of a table: pieces in closed form, and the joints between them.

Between two rows the pressure is a power of the density, and the energy follows from the first law; rows that one
polytrope passes through are one piece, so that a piecewise polytrope is found again exactly. A table that begins at
zero pressure with an energy density above zero is self-bound matter: between its rows the sound speed is constant,
which is exact for bag models and incompressible matter. Rows of equal pressure are a phase transition.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from _stars.faults import Fault
from _stars.pieces import ConstantSoundSpeed, Piece, Polytrope, Row

#: Pressures nearer than this are one [-]: a phase transition, or one piece that passes through a row.
SAME = 1e-10


@dataclass(frozen=True)
class Matter:
    """Matter at every pseudo-enthalpy from 0, where the pressure is 0, to ``end``."""

    pieces: tuple[Piece, ...]  #: from the surface inwards
    end: float  #: pseudo-enthalpy of the table's last row [-]
    first: float  #: pseudo-enthalpy of the table's first row [-]; below it the lowest piece is continued

    @cached_property
    def starts(self) -> list[float]:
        """Pseudo-enthalpies [-] of the pieces' lower ends."""
        return [piece.start for piece in self.pieces]

    def index_at(self, enthalpy: float) -> int:
        """Return which piece a pseudo-enthalpy belongs to; at a joint, the one below it."""
        return max(bisect.bisect_left(self.starts, enthalpy) - 1, 0)

    def at(self, enthalpy: float) -> Row:
        """Return density, energy density and pressure at a pseudo-enthalpy [-]."""
        return self.pieces[self.index_at(enthalpy)].row(enthalpy)

    def sound_speed_squared(self, enthalpy: float) -> float:
        """Return dp/de [c2] at a pseudo-enthalpy [-]; infinite in incompressible matter."""
        pressure, energy_density, slope = self.pieces[self.index_at(enthalpy)].state(enthalpy)
        return (energy_density + pressure) / slope if slope else math.inf

    def enthalpy(self, pressure: float) -> float:
        """Return the pseudo-enthalpy [-] at a pressure."""
        index = bisect.bisect_left([piece.lower.pressure for piece in self.pieces], pressure) - 1
        return self.pieces[max(index, 0)].enthalpy(pressure)


def make_matter(rows: Sequence[Row]) -> Matter:
    """Return the matter that passes through a table's rows, which have been checked.

    Raises:
        Fault: it cannot be continued to zero pressure.
    """
    bound = rows[0].pressure == 0
    pieces: list[Piece] = []
    enthalpy = 0.0 if bound else _first_enthalpy(rows)
    first, index = enthalpy, 0
    while index < len(rows) - 1:
        if is_transition(rows[index], rows[index + 1]):
            index += 1
            continue
        piece, index = _longest(rows, index, enthalpy, bound=bound)
        pieces.append(piece)
        enthalpy = piece.enthalpy(rows[index].pressure)
    return Matter(tuple(pieces), enthalpy, first)


def is_transition(one: Row, other: Row) -> bool:
    """Return whether two rows are matter in two phases at one pressure."""
    return other.pressure - one.pressure <= SAME * other.pressure


def between(one: Row, other: Row, enthalpy: float, *, bound: bool) -> Piece:
    """Return the piece from one row to another of higher pressure.

    Args:
        one, other: its ends.
        enthalpy: of the lower end [-].
        bound: whether the sound speed is constant, not the exponent.
    """
    if bound or other.density == one.density:
        inverse = (other.energy_density - one.energy_density) / (other.pressure - one.pressure)
        return ConstantSoundSpeed(enthalpy, one, inverse)
    gamma = math.log(other.pressure / one.pressure) / math.log(other.density / one.density)
    return Polytrope(enthalpy, one, gamma)


def _longest(rows: Sequence[Row], index: int, enthalpy: float, *, bound: bool) -> tuple[Piece, int]:
    """Return the piece that begins at a row, and the last of the rows that it passes through."""
    last = index + 1
    piece = between(rows[index], rows[last], enthalpy, bound=bound)
    while last < len(rows) - 1 and not is_transition(rows[last], rows[last + 1]):
        longer = between(rows[index], rows[last + 1], enthalpy, bound=bound)
        if not all(_passes(longer, row) for row in (rows[last], rows[last + 1])):
            break
        piece, last = longer, last + 1
    return piece, last


def _passes(piece: Piece, row: Row) -> bool:
    found = piece.row(piece.enthalpy(row.pressure))
    return all(abs(one - other) <= SAME * other for one, other in zip(found, row, strict=True))


def _first_enthalpy(rows: Sequence[Row]) -> float:
    """Return the pseudo-enthalpy of the first row, above the zero pressure that its polytrope leads to."""
    piece = between(rows[0], rows[1], 0.0, bound=False)
    gamma = piece.gamma if isinstance(piece, Polytrope) else math.inf
    _, energy_density, pressure = rows[0]
    if gamma <= 1 or gamma * pressure >= (gamma - 1) * (energy_density + pressure):
        raise Fault(
            f"the table begins at {pressure:.3g} MeV/fm3 with an exponent of {gamma:.3g}, which leads to no surface: "
            "begin at a lower density, where it is above 1; or at zero pressure, if the matter is self-bound"
        )
    return -math.log1p(-gamma * pressure / ((gamma - 1) * (energy_density + pressure)))
