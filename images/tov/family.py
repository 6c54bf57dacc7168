"""The stars of one matter: along the central pressure, at the maximum mass, and of a given mass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.optimize import brentq, minimize_scalar

from _stars.constants import SOLAR_MASS_KM
from _stars.matter import Matter
from tov.star import Star, solve_star

Solve = Callable[[float], Star]  #: the star with a central pressure [MeV/fm3]
#: Of the logarithm of the central pressure. The mass is flat at its maximum, so that more would be noise.
_MAXIMUM_TOLERANCE = 1e-6
_MASS_TOLERANCE = 1e-13


@dataclass(frozen=True)
class Family:
    """Stars by rising central pressure, and the heaviest of them."""

    pressures: list[float]  #: central pressures [MeV/fm3]
    stars: list[Star]
    maximum: Star | None  #: one of the stars; none where the mass still rises at the end

    def rises(self, index: int) -> bool:
        """Return whether the mass rises with the central pressure at a star: what is not so is unstable."""
        if self.stars[index] is self.maximum:
            return True
        low = index if index < len(self.stars) - 1 else index - 1
        return self.stars[low + 1].mass > self.stars[low].mass


def solver(matter: Matter, relative: float) -> Solve:
    """Return what solves a star by its central pressure, at a tolerance."""
    return lambda pressure: solve_star(matter, matter.enthalpy(pressure), relative)


def make_family(pressures: Sequence[float], solve: Solve, told: Callable[[int, Star], None]) -> Family:
    """Solve the stars of rising central pressures [MeV/fm3] and find the one of maximum mass between them.

    Args:
        pressures: where to look.
        solve: see ``solver``.
        told: is called with the number of each star that was solved.
    """
    stars = []
    for number, pressure in enumerate(pressures):
        stars.append(solve(pressure))
        told(number, stars[-1])
    top = max(range(len(stars)), key=lambda index: stars[index].mass)
    if top == len(stars) - 1 or top == 0:
        return Family(list(pressures), stars, None)
    found = minimize_scalar(
        lambda log: -solve(math.exp(log)).mass,
        bounds=(math.log(pressures[top - 1]), math.log(pressures[top + 1])),
        method="bounded",
        options={"xatol": _MAXIMUM_TOLERANCE},
    )
    pressure = math.exp(float(found.x))
    maximum = solve(pressure)
    together = sorted([*zip(pressures, stars, strict=True), (pressure, maximum)], key=lambda pair: pair[0])
    return Family([each for each, _ in together], [star for _, star in together], maximum)


def find_mass(family: Family, mass: float, solve: Solve) -> Star | None:
    """Return the star of a mass [solar masses], of several the one of lowest central pressure; None: none has it."""
    wanted = mass * SOLAR_MASS_KM
    for index, (lower, upper) in enumerate(pairwise(family.stars)):
        if lower.mass <= wanted <= upper.mass and lower.mass < upper.mass:
            ends = (math.log(pressure) for pressure in family.pressures[index : index + 2])
            root = brentq(lambda log: solve(math.exp(log)).mass - wanted, *ends, xtol=_MASS_TOLERANCE)
            return solve(math.exp(float(root)))
    return None
