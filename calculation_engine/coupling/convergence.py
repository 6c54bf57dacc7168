"""Measures of convergence: how far from a solution, by the undamped residual and by the estimated error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calculation_engine.coupling.linear import norm
from calculation_engine.coupling.options import Options
from calculation_engine.coupling.points import Point
from calculation_engine.coupling.secants import Secants
from calculation_engine.coupling.variables import Variables, Vector


@dataclass(frozen=True, eq=False)
class Measures:
    """How far one evaluation is from a solution.

    Args:
        residual: ``|g - x|`` of each variable in tolerances, shape (n,) [-]; the solution needs all <= 1.
        certain: the same with the declared noise added, shape (n,) [-]: what is compared with 1.
        error: estimated distance of x from the solution in tolerances, shape (n,) [-].
        within_noise: whether every residual is within the declared noise, and a noise exceeds its tolerance: no further
            evaluation could tell that the tolerance holds.
    """

    residual: Vector
    certain: Vector
    error: Vector
    within_noise: bool

    @property
    def worst(self) -> int:
        """Index of the variable with the largest residual."""
        return int(np.argmax(self.residual))

    @property
    def largest(self) -> float:
        """Largest residual in tolerances [-]."""
        return float(np.max(self.residual))


def measure(variables: Variables, points: Sequence[Point], secants: Secants) -> Measures:
    """Return the measures of the newest of ``points``, given the secants of all evaluations up to it.

    The residual is that of the answer itself, never of a damped step: a small step is no solution. The error is
    where the secants put the solution, and what they do not explain moved as far as any residual did so far: close
    to a slope of 1 a small residual is far from the solution.
    """
    point = points[-1]
    tolerance = variables.tolerance(point.x, point.g)
    distance = np.abs(point.g - point.x)
    move, rest = secants.explain(point.f)
    away = np.abs(variables.to_x(point.z + move + _reach(points, secants, variables.noise) * rest) - point.x)
    noise = np.where(variables.noise > 1e-14, variables.noise_in_x(point.x), 0.0)
    return Measures(
        _ratio(distance, tolerance),
        _ratio(distance + noise, tolerance),
        _ratio(away, tolerance),
        bool(np.all(distance <= noise) and np.any(noise > tolerance)),
    )


def _reach(points: Sequence[Point], secants: Secants, noise: Vector) -> float:
    """Return the largest move per change of the residual on the secants and the last step, at least 1 [-]."""
    floor = norm(noise)
    pairs = [(w - v, v) for v, w in zip(secants.v, secants.w, strict=True)]
    if len(points) > 1:
        pairs.append((points[-1].z - points[-2].z, points[-1].f - points[-2].f))
    return max([1.0, *(norm(move) / max(norm(change), floor) for move, change in pairs)])


def is_converged(measures: Measures, options: Options, evaluations: int) -> bool:
    """Return whether residual and error both are small enough, after at least two evaluations."""
    return (
        evaluations >= 2
        and bool(np.all(measures.certain <= 1))
        and bool(np.all(measures.error <= options.error_tolerances))
    )


def has_stalled(best: Sequence[float], evaluations: int) -> bool:
    """Return whether the best residual has not fallen by 10 % within the last ``evaluations``.

    Args:
        best: best residual so far, one for each evaluation.
        evaluations: length of the window.
    """
    return len(best) > evaluations and best[-1] > 0.9 * best[-1 - evaluations]


def is_noise(variables: Variables, point: Point) -> bool:
    """Return whether the residual of every variable is within five times its declared noise."""
    return bool(np.all(np.abs(point.f) <= 5 * variables.noise))


def _ratio(distance: Vector, tolerance: Vector) -> Vector:
    """Return ``distance / tolerance``; 0 where both are 0."""
    ratio = np.full(len(distance), np.inf)
    np.divide(distance, tolerance, out=ratio, where=tolerance > 0)
    ratio[(tolerance == 0) & (distance == 0)] = 0.0
    return np.where(np.isnan(ratio), np.inf, ratio)
