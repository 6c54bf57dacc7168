"""Whether a table is matter: rises, keeps the first law, is causal, and is in the units that it claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from _stars.faults import Fault, refuse
from _stars.matter import Matter, between, is_transition
from _stars.pieces import Row

#: Energy per baryon at the lowest density that matter can have [MeV]: iron 930, neutrons 940, quark matter below that.
ENERGY_PER_BARYON_MEV = (500.0, 1500.0)
#: Largest relative error in energy that a coarse or rounded table may have between two rows; wrong units have far more.
FIRST_LAW = 1e-2


@dataclass(frozen=True)
class Consistency:
    """How well a table keeps the first law, d(e/n) = p dn / n2."""

    residual: float  #: largest relative difference of energy densities, row to row [-]
    density: float  #: where [1/fm3]


def refuse_rows(rows: Sequence[Row], names: Sequence[str], where: str) -> None:
    """Raise a Fault that names every row which matter cannot have.

    Args:
        rows: the table.
        names: what each row is called in a message, as ``line 7``.
        where: the table's name.
    """
    if len(rows) < 2:
        raise Fault(f"{where}: too short a table: expected at least 2 rows, got {len(rows)}")
    refuse([fault for row, name in zip(rows, names, strict=True) for fault in _value_faults(row, f"{where}, {name}")])
    steps = zip(rows, rows[1:], names[1:], strict=False)
    refuse([fault for one, other, name in steps for fault in _order_faults(one, other, f"{where}, {name}")])
    per_baryon = rows[0].energy_density / rows[0].density
    low, high = ENERGY_PER_BARYON_MEV
    if not low < per_baryon < high:
        raise Fault(
            f"{where}, {names[0]}: {per_baryon:.4g} MeV for each baryon, expected {low:g} to {high:g}: densities are "
            "in 1/fm3, energy densities in MeV/fm3 with the rest mass in them"
        )
    worst = first_law(rows)
    if worst.residual > FIRST_LAW:
        raise Fault(
            f"{where}: breaks the first law, d(e/n) = p dn/n2, by {worst.residual:.3g} of the energy density at "
            f"{worst.density:.4g} per fm3, expected at most {FIRST_LAW:g}: are pressures in MeV/fm3, and is each that "
            "of its row's density?"
        )


def _value_faults(row: Row, where: str) -> list[str]:
    named = row._asdict().items()
    faults = [
        f"{where}: {name}: expected a finite number, got {value}" for name, value in named if not math.isfinite(value)
    ]
    if not faults and min(row.density, row.energy_density) <= 0:
        faults.append(
            f"{where}: expected densities above 0, got {row.density:g} per fm3 and {row.energy_density:g} MeV/fm3"
        )
    if not faults and row.pressure < 0:
        faults.append(f"{where}: expected a pressure of at least 0, got {row.pressure:g} MeV/fm3")
    return faults


def _order_faults(one: Row, other: Row, where: str) -> list[str]:
    """Return what does not rise; incompressible matter may have equal densities, two phases equal pressures."""
    faults = []
    if other.pressure < one.pressure:
        faults.append(f"{where}: the pressure falls, from {one.pressure:.9g} to {other.pressure:.9g} MeV/fm3")
    if other.density < one.density:
        faults.append(f"{where}: the baryon density falls, from {one.density:.9g} to {other.density:.9g} per fm3")
    if other.energy_density < one.energy_density:
        faults.append(
            f"{where}: the energy density falls, from {one.energy_density:.9g} to {other.energy_density:.9g} MeV/fm3"
        )
    if other == one:
        faults.append(f"{where}: the row before it again")
    elif not faults and is_transition(one, other) and other.density == one.density:
        faults.append(f"{where}: neither density nor pressure rises, from {one.density:.9g} per fm3")
    return faults


def first_law(rows: Sequence[Row]) -> Consistency:
    """Return the largest difference between a row's energy density and what leads to it from the row before."""
    worst = Consistency(0.0, rows[0].density)
    bound = rows[0].pressure == 0
    for one, other in pairwise(rows):
        if is_transition(one, other):
            led_to = (one.energy_density + one.pressure) / one.density * other.density - other.pressure
        else:
            piece = between(one, other, 0.0, bound=bound)
            led_to = piece.row(piece.enthalpy(other.pressure)).energy_density
        residual = abs(led_to / other.energy_density - 1)
        if not residual <= worst.residual:
            worst = Consistency(residual, other.density)
    return worst


def causal_end(matter: Matter) -> float | None:
    """Return the lowest pseudo-enthalpy [-] at which sound is as fast as light, None where it nowhere is."""
    ends = [*matter.starts[1:], matter.end]
    for index, (piece, end) in enumerate(zip(matter.pieces, ends, strict=True)):
        pressure, energy_density, slope = piece.state(end)
        if slope * (1 + 1e-12) < energy_density + pressure:
            return _crossing(matter, index, end)
    return None


def _crossing(matter: Matter, index: int, end: float) -> float:
    """Return where in a piece the sound speed, which changes in one direction within it, passes that of light."""
    piece = matter.pieces[index]

    def acausal(enthalpy: float) -> bool:
        pressure, energy_density, slope = piece.state(enthalpy)
        return slope < energy_density + pressure

    low, high = piece.start if index or piece.lower.pressure == 0 else 0.0, end
    if acausal(low):
        return low
    while high - low > 1e-15 * high and low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if acausal(middle) else (middle, high)
    return high
