"""Jumps of the map: a linear program changes its basis, and the equilibrium lies where the answer leaps.

There is then no x with g(x) = x. What can be found is where the residual changes its sign: each variable steps by
the sign of its residual, and its bracket is halved, until all brackets are narrow at once. Sources: the sign steps
are Rprop's (Riedmiller & Braun 1993); the enclosed set is the fixed point of the map closed to a set (Kakutani).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from calculation_engine.coupling.points import Point
from calculation_engine.coupling.variables import Variables, Vector

#: Slope of the residual that is taken for a jump where one is enclosed [-].
STEEP = 30.0
#: Slope between near points of opposite residuals that makes a jump worth looking for [-].
SUSPECT = 5.0
#: Share of pairs in which the point with the positive residual lies lower that still counts as order [-].
ORDERED = 0.85
#: Share of a jump's height within which the answers on one side of it must agree [-].
SIMILAR = 0.1


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Where a jump was enclosed.

    Args:
        jumps: which variables jump, shape (n,).
        points: the evaluations that enclose it, all within the resolution of each other.
    """

    jumps: np.ndarray
    points: tuple[Point, ...]


def find_other_side(variables: Variables, new: Point, points: Sequence[Point], near: float) -> Point | None:
    """Return the newest earlier point within ``near`` that lies across a jump of some variable, or None."""
    size = np.where(variables.positive, 1.0, variables.scale)
    at_x = np.where(variables.positive, np.abs(new.x), 1.0)
    floor = np.maximum(variables.tolerance(new.x, new.g) / (size * at_x), 5 * variables.noise)
    for old in reversed(points):
        distance = float(np.max(np.abs(new.z - old.z)))
        if 0 < distance < near:
            opposite = (new.f * old.f < 0) & (np.minimum(np.abs(new.f), np.abs(old.f)) > floor)
            if bool(np.any(opposite & (np.abs(new.f - old.f) > SUSPECT * distance))):
                return old
    return None


def is_disordered(points: Sequence[Point], near: float) -> bool:
    """Return whether the residuals' signs have no order along their variables among the newest points: noise.

    A residual falls through zero as its variable rises, smoothly or in a jump: positive ones lie below negative ones.

    Args:
        points: evaluations in their order, not empty.
        near: largest distance from the best of them that counts, in the scaled space [-].
    """
    recent = points[-12:]
    best = min(recent, key=lambda point: point.size)
    recent = [point for point in recent if np.max(np.abs(point.z - best.z)) <= near]
    shares = []
    for i in range(len(best.z)):
        ups = [point.z[i] for point in recent if point.f[i] > 0]
        downs = [point.z[i] for point in recent if point.f[i] < 0]
        if len(ups) > 1 and len(downs) > 1:
            shares.append(np.mean([a < b for a in ups for b in downs]))
    return bool(shares) and float(np.mean(shares)) < ORDERED


@dataclass(frozen=True, eq=False)
class Confirmation:
    """A point just outside an enclosure, where a jump answers as it did on that side, and noise does not.

    Args:
        z: the point, shape (n,) [-].
        least, most: range in which its residuals must lie, shape (n,) [-].
    """

    z: Vector
    least: Vector
    most: Vector


@dataclass
class SignSearch:
    """Encloses a jump by steps that follow the sign of each residual.

    Args:
        resolution: width of the brackets that is narrow enough, in the scaled space [-].
        max_step: largest step, in the scaled space [-].
        noise: noise of each variable, shape (n,) [-].
    """

    resolution: float
    max_step: float
    noise: Vector
    points: list[Point] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    enclosure: Enclosure | None = None
    confirmed: bool = False
    refuted: int = 0

    def __post_init__(self) -> None:
        size = len(self.noise)
        self.low = np.full(size, np.nan)
        self.high = np.full(size, np.nan)
        self.step = np.full(size, 0.1 * min(self.max_step, 3.0))

    def add(self, point: Point) -> None:
        """Take in a point; ``confirmed`` or ``is_calm`` then tell whether the search is over."""
        self.points.append(point)
        if self.enclosure is not None and self._confirm(point):
            return
        self._bracket(point)
        if self.enclosure is None:
            self.enclosure = self._enclose()
            if self.enclosure is not None:
                self._plan_confirmations(self.enclosure)

    @property
    def is_calm(self) -> bool:
        """Whether every residual is small, so that there is no jump to enclose."""
        return bool(np.all(np.abs(self.points[-1].f) <= self.resolution))

    @property
    def is_one_sided(self) -> bool:
        """Whether no residual has changed its sign, so that nothing is enclosed yet."""
        return bool(np.all(np.isnan(self.low) | np.isnan(self.high)))

    def next(self) -> Vector:
        """Return the z to evaluate next, shape (n,) [-]."""
        point = self.points[-1]
        if self.enclosure is not None and self.confirmations:
            return np.where(self.enclosure.jumps, self.confirmations[0].z, point.z + self._calm_move(point))
        sign = np.sign(point.f)
        other = np.where(sign > 0, self.high, self.low)
        width = self.high - self.low
        narrow = width <= 0.4 * self.resolution
        beyond = other + sign * 0.1 * self.resolution
        inside = np.where(narrow, beyond, 0.5 * (self.low + self.high))
        free = point.z + sign * np.minimum(self.step, np.maximum(np.abs(point.f), 0.25 * self.resolution))
        target = np.where(np.isnan(width), free, inside)
        return np.where(np.abs(point.f) <= self.resolution, point.z + self._calm_move(point), target)

    def _calm_move(self, point: Point) -> Vector:
        small = np.abs(point.f) <= self.resolution
        return np.where(small, 0.5 * point.f, 0.0)

    def _bracket(self, point: Point) -> None:
        """Move the end of each bracket that has the point's sign; drop ends that the point contradicts."""
        up, down = point.f > 0, point.f < 0
        before = self.high - self.low
        self.low = np.where(up, point.z, self.low)
        self.high = np.where(down, point.z, self.high)
        wrong = ~(self.low < self.high) & ~np.isnan(self.low) & ~np.isnan(self.high)
        self.low = np.where(wrong & down, np.nan, self.low)
        self.high = np.where(wrong & up, np.nan, self.high)
        unknown = np.isnan(before)
        grown = np.minimum(2 * self.step, 0.1 * min(self.max_step, 3.0))
        self.step = np.where(wrong, np.maximum(2 * np.where(unknown, 0, before), self.resolution), self.step)
        self.step = np.where(unknown & ~wrong & (len(self.points) > 1), grown, self.step)

    def _enclose(self) -> Enclosure | None:
        """Return the newest evaluations within the resolution of each other, if their residuals enclose zero."""
        new = self.points[-1]
        near = [p for p in self.points if np.max(np.abs(p.z - new.z)) <= self.resolution]
        values = np.array([p.f for p in near])
        places = np.array([p.z for p in near])
        top, bottom = values.max(axis=0), values.min(axis=0)
        width = places.max(axis=0) - places.min(axis=0)
        both = (top > 0) & (bottom < 0)
        least = np.maximum(STEEP * np.maximum(width, 0.1 * self.resolution), 10 * self.noise)
        jumps = both & (top - bottom > least)
        if not np.any(jumps) or not np.all(both | (np.abs(new.f) <= self.resolution)):
            return None
        return Enclosure(jumps, tuple(near))

    def _plan_confirmations(self, enclosure: Enclosure) -> None:
        """Plan two points on each side of the enclosure, of a low jump three: noise may pass one by chance."""
        values = np.array([point.f for point in enclosure.points])
        places = np.array([point.z for point in enclosure.points])
        low = np.where(values > 0, places, -np.inf).max(axis=0)
        high = np.where(values < 0, places, np.inf).min(axis=0)
        away = np.maximum(np.abs(high - low), 0.1 * self.resolution)
        low, high = np.minimum(low, high), np.maximum(low, high)
        height = values.max(axis=0) - values.min(axis=0)
        slack = SIMILAR * height + self.resolution
        smallest = np.where(values > 0, values, np.inf).min(axis=0)
        largest = np.where(values < 0, values, -np.inf).max(axis=0)
        up = (np.maximum(smallest - slack, 0), values.max(axis=0) + slack)
        down = (values.min(axis=0) - slack, np.minimum(largest + slack, 0))
        low_ones = bool(np.any(height[enclosure.jumps] < 100 * self.resolution))
        for k in (1, 2, 3) if low_ones else (1, 2):
            self.confirmations += [Confirmation(low - k * away, *up), Confirmation(high + k * away, *down)]

    def _confirm(self, point: Point) -> bool:
        """Return whether the point answers as the plan expects; otherwise drop the enclosure."""
        assert self.enclosure is not None
        plan, jumps = self.confirmations.pop(0), self.enclosure.jumps
        if bool(np.all(((plan.least < point.f) & (point.f < plan.most))[jumps])):
            self.confirmed = not self.confirmations
            return True
        self.enclosure, self.confirmations = None, []
        self.refuted += 1
        return False
