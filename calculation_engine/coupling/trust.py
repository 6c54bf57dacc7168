"""Which evaluation the next step starts from, and how far it may go."""

from __future__ import annotations

from collections import deque

import numpy as np

from calculation_engine.coupling.points import Point
from calculation_engine.coupling.variables import Vector

#: A point is accepted if its residual is at most this many times the largest of the last accepted ones.
GROWTH = 2.0
#: Number of accepted points that are looked back on.
MEMORY = 4


class Trust:
    """The base of the next step and the radius around it.

    Args:
        max_step: largest radius, in the scaled space [-].
        guarded: whether points that make it worse are refused; else every point becomes the base.
    """

    def __init__(self, max_step: float, guarded: bool) -> None:
        self.max_step = max_step
        self.guarded = guarded
        self.radius = max_step
        self.base: Point | None = None
        self.best: Point | None = None
        self._accepted: deque[float] = deque(maxlen=MEMORY)

    def add(self, point: Point) -> bool:
        """Take in a point; return whether it became the base. A refused one sends the base back to the best."""
        before, self.best = self.base, self._better(point)
        if before is None or not self.guarded or point.size <= GROWTH * max(self._accepted):
            if before is not None and point.size <= 0.5 * before.size:
                self.radius = min(2 * self.radius, self.max_step)
            self.base = point
            self._accepted.append(point.size)
            return True
        step = float(np.max(np.abs(point.z - before.z)))
        self.base = self.best
        self.radius = min(max(0.5 * step, 0.25 * float(np.max(np.abs(self.best.f)))), self.max_step)
        return False

    def shrink(self, step: float) -> None:
        """Halve the radius after a failed step of that length [-]."""
        self.radius = min(self.radius, max(0.5 * step, 1e-12))

    def restart(self) -> None:
        """Go back to the best point with the full radius."""
        self.base, self.radius = self.best, self.max_step
        self._accepted.clear()
        if self.best is not None:
            self._accepted.append(self.best.size)

    def limit(self, move: Vector) -> tuple[Vector, bool]:
        """Return ``move`` scaled to the radius, and whether it had to be."""
        length = float(np.max(np.abs(move)))
        if length <= self.radius:
            return move, False
        return move / length * self.radius, True

    def _better(self, point: Point) -> Point:
        return point if self.best is None or point.size < self.best.size else self.best
