"""Linear algebra with a fixed order of summation.

BLAS sums in an order that depends on threads and processor. A replay must give the same bits, so what decides a
step is summed here by numpy alone.
"""

from __future__ import annotations

import numpy as np

from calculation_engine.coupling.variables import Vector


def dot(a: Vector, b: Vector) -> float:
    """Return the scalar product of two vectors of shape (n,)."""
    return float(np.sum(a * b))


def norm(a: Vector) -> float:
    """Return the 2-norm of a vector of shape (n,), without overflow on the way."""
    largest = float(np.max(np.abs(a), initial=0.0))
    return largest * float(np.sqrt(np.sum((a / largest) ** 2))) if largest > 0 else 0.0


def split(q: Vector, f: Vector) -> tuple[Vector, Vector]:
    """Return the coordinates of ``f`` in the orthonormal rows of ``q``, shape (k,), and its part outside, shape (n,).

    Gram-Schmidt, done twice so that the parts are orthogonal to rounding.
    """
    total, rest = np.zeros(len(q)), f.copy()
    for _ in range(2):
        part = np.sum(q * rest, axis=1)
        rest = rest - np.sum(part[:, None] * q, axis=0)
        total = total + part
    return total, rest


def solve_upper(r: Vector, right: Vector) -> Vector:
    """Return ``c`` with ``r c = right`` for an upper triangular ``r`` of shape (k, k)."""
    c = np.zeros(len(right))
    for k in range(len(right) - 1, -1, -1):
        c[k] = (right[k] - dot(r[k, k + 1 :], c[k + 1 :])) / r[k, k]
    return c
