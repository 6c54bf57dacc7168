"""Matter between two densities, as closed forms of the pseudo-enthalpy h, dh = dp / (energy density + p).

Each piece is told by its lower end: baryon density n, energy density e, pressure p there, and h. All forms follow from
the first law at zero temperature, d(e/n) = p dn / n2, so that they hold to rounding. Energy density and pressure have
one unit, whichever it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Row(NamedTuple):
    """Matter at one density: baryon density, energy density, pressure."""

    density: float
    energy_density: float
    pressure: float


class State(NamedTuple):
    """Matter at one pseudo-enthalpy: pressure, energy density, and its derivative by the pseudo-enthalpy."""

    pressure: float
    energy_density: float
    slope: float


class Piece(Protocol):
    """What a star is integrated through."""

    @property
    def start(self) -> float:
        """Pseudo-enthalpy of the lower end [-]."""

    @property
    def lower(self) -> Row:
        """Matter at the lower end."""

    def state(self, enthalpy: float) -> State:
        """Return the matter at a pseudo-enthalpy [-], within the piece or beyond its upper end."""

    def row(self, enthalpy: float) -> Row:
        """Return density, energy density and pressure at a pseudo-enthalpy [-]."""

    def enthalpy(self, pressure: float) -> float:
        """Return the pseudo-enthalpy [-] at a pressure."""


@dataclass(frozen=True)
class Polytrope:
    """p = K n^gamma, with the energy per baryon that the first law then gives; gamma may be anything above 0.

    With g = gamma - 1 and L = ln(n / n0):  p = p0 exp(gamma L),  e = (n / n0) (e0 + p0 expm1(g L) / g), and
    expm1(h - h0) (e0 + p0) / p0 = (1 + 1/g) expm1(g L).
    """

    start: float
    lower: Row
    gamma: float

    def state(self, enthalpy: float) -> State:
        """Return the matter at a pseudo-enthalpy [-]."""
        _, energy_density, pressure = self.row(enthalpy)
        total = energy_density + pressure
        return State(pressure, energy_density, total * total / (self.gamma * pressure) if pressure else 0.0)

    def row(self, enthalpy: float) -> Row:
        """Return density, energy density and pressure at a pseudo-enthalpy [-]."""
        n, e, p = self.lower
        g = self.gamma - 1
        total = (e + p) / p * math.expm1(enthalpy - self.start)
        growth = total * g / self.gamma
        if growth <= -1:  # at or below zero pressure
            return Row(0.0, 0.0, 0.0)
        log_ratio = math.log1p(growth) / g if abs(g) > 1e-12 else total
        ratio = math.exp(log_ratio)
        return Row(n * ratio, ratio * (e + p * total / self.gamma), p * math.exp(self.gamma * log_ratio))

    def enthalpy(self, pressure: float) -> float:
        """Return the pseudo-enthalpy [-] at a pressure."""
        _, e, p = self.lower
        log_ratio = math.log(pressure / p) / self.gamma if pressure > 0 else -math.inf
        return self.start + math.log1p(p / (e + p) * self.gamma * _relative_power(self.gamma - 1, log_ratio))


@dataclass(frozen=True)
class ConstantSoundSpeed:
    """e - e0 = (p - p0) / s, with s the sound speed squared; ``inverse`` is 1/s, 0 for incompressible matter."""

    start: float
    lower: Row
    inverse: float

    def state(self, enthalpy: float) -> State:
        """Return the matter at a pseudo-enthalpy [-]."""
        _, energy_density, pressure = self.row(enthalpy)
        return State(pressure, energy_density, self.inverse * (energy_density + pressure))

    def row(self, enthalpy: float) -> Row:
        """Return density, energy density and pressure at a pseudo-enthalpy [-]."""
        n, e, p = self.lower
        step = enthalpy - self.start
        rise = (e + p) * math.expm1((1 + self.inverse) * step) / (1 + self.inverse)
        return Row(n * math.exp(self.inverse * step), e + self.inverse * rise, p + rise)

    def enthalpy(self, pressure: float) -> float:
        """Return the pseudo-enthalpy [-] at a pressure."""
        _, e, p = self.lower
        rise = (1 + self.inverse) * (pressure - p) / (e + p)
        return self.start + math.log1p(rise) / (1 + self.inverse)


def _relative_power(exponent: float, log_ratio: float) -> float:
    """Return (x^a - 1) / a for x = exp(log_ratio); its limit ln x at a = 0."""
    return math.expm1(exponent * log_ratio) / exponent if abs(exponent) > 1e-12 else log_ratio
