"""Secants of the map: what past evaluations say of its slope.

Two evaluations give the secant ``v = df``, ``w = d(z + f)``: where z moved by ``w - v``, the answer moved by ``w``.

Sources: Degroote, Bathe & Vierendeels 2009 (IQN-ILS); Haelterman et al. 2016 (QR filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calculation_engine.coupling.linear import norm, solve_upper, split
from calculation_engine.coupling.points import Point
from calculation_engine.coupling.variables import Vector


@dataclass(frozen=True)
class Secants:
    """Filtered secants, newest first, and the orthogonal factors of V.

    Args:
        v: changes of the residual, shape (k, n) [-].
        w: changes of the answer ``z + f``, shape (k, n) [-].
        q: orthonormal rows that span the rows of ``v``, shape (k, n) [-].
        r: ``v = r^T q`` with upper triangular ``r``, shape (k, k) [-].
    """

    v: Vector
    w: Vector
    q: Vector
    r: Vector

    @property
    def count(self) -> int:
        """Number of secants kept."""
        return len(self.v)

    def explain(self, f: Vector) -> tuple[Vector, Vector]:
        """Return the move that the secants propose against residual ``f``, and what they leave of it.

        With ``c = argmin |V c + f|`` these are ``(W - V) c`` and ``rho = f + V c``, both of shape (n,) [-].
        """
        if not self.count:
            return np.zeros_like(f), f.copy()
        projection, rho = split(self.q, f)
        c = -solve_upper(self.r, projection)
        return np.sum(c[:, None] * (self.w - self.v), axis=0), rho

    def ritz_values(self) -> Vector:
        """Return the Ritz values of the map's slope on the moves made, complex, shape (k,) or fewer [-].

        They approximate eigenvalues of dg/dz. Only reported, never used for a step.
        """
        if not self.count:
            return np.zeros(0, complex)
        moves = (self.w - self.v).T
        sizes = np.linalg.norm(moves, axis=0)
        keep = sizes > 0
        basis, sigma, rotation = np.linalg.svd(moves[:, keep] / sizes[keep], full_matrices=False)
        rank = int(np.sum(sigma > 1e-6 * sigma[0])) if sigma.size else 0
        answers = self.w.T[:, keep] / sizes[keep]
        slope = basis[:, :rank].T @ answers @ rotation[:rank].T / sigma[:rank]
        return np.asarray(np.linalg.eigvals(slope), complex) if rank else np.zeros(0, complex)


def collect_secants(points: Sequence[Point], limit: int, share: float, noise: Vector) -> Secants:
    """Return the secants of consecutive points, newest first, without those that add nothing.

    Args:
        points: evaluations in their order; all have n variables.
        limit: largest number of secants.
        share: a secant that is k evaluations old is dropped if the part of v that newer ones do not span is below k
            times this share of it: the older it is, the farther away it was measured [-].
        noise: noise of each variable, shape (n,) [-]; a new part below four times its norm is dropped as well.
    """
    size = len(noise)
    floor = 4 * norm(noise)
    v, w, q, columns = list[Vector](), list[Vector](), np.zeros((0, size)), list[Vector]()
    for age, (new, old) in enumerate(zip(reversed(points), reversed(points[:-1]), strict=False)):
        if len(v) >= min(limit, size):
            break
        df, dz = new.f - old.f, new.z - old.z
        length = norm(df)
        of_two_runs = (new.number == 0) != (old.number == 0)
        if of_two_runs or length == 0 or not np.any(dz):
            continue
        projection, rest = split(q, df)
        height = norm(rest)
        if height < max(age * share * length, floor):
            continue
        v.append(df)
        w.append(dz + df)
        q = np.vstack([q, rest / height])
        columns.append(np.append(projection, height))
    r = np.zeros((len(v), len(v)))
    for k, column in enumerate(columns):
        r[: k + 1, k] = column
    return Secants(np.reshape(v, (-1, size)), np.reshape(w, (-1, size)), q, r)
