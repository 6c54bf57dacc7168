"""The tidal Love number from the perturbation at a star's surface.

Source: Hinderer, ApJ 677, 1216 (2008), equation 23, with the erratum ApJ 697, 964 (2009).
"""

from __future__ import annotations

import math

#: Below this compactness the closed form loses digits, as its terms to the fourth order cancel; the series does not.
_SERIES_BELOW = 0.1
_TERMS = 40


def love_number(compactness: float, y: float) -> float:
    """Return k2 [-].

    Args:
        compactness: C = G M / (R c2) [-], between 0 and 1/2.
        y: r H'/H just outside the surface [-].
    """
    c = compactness
    denominator = _series(c, y) if c < _SERIES_BELOW else _closed(c, y) / c**5
    return 8 / 5 * (1 - 2 * c) ** 2 * (2 + 2 * c * (y - 1) - y) / denominator


def deformability(compactness: float, y: float) -> float:
    """Return Lambda = 2/3 k2 / C^5 [-]; the same arguments."""
    return 2 / 3 * love_number(compactness, y) / compactness**5


def _closed(c: float, y: float) -> float:
    """Return the denominator of the published form."""
    return (
        2 * c * (6 - 3 * y + 3 * c * (5 * y - 8))
        + 4 * c**3 * (13 - 11 * y + c * (3 * y - 2) + 2 * c * c * (1 + y))
        + 3 * (1 - 2 * c) ** 2 * (2 - y + 2 * c * (y - 1)) * math.log1p(-2 * c)
    )


def _series(c: float, y: float) -> float:
    """Return the denominator by C^5: its powers from the fifth on, as those below cancel exactly.

    With (1 - 2C)^2 (2 - y + 2C (y - 1)) = sum of a_i C^i, i = 0 to 3, and ln(1 - 2C) = -sum of (2C)^j / j.
    """
    zeroth, first = 2 - y, 2 * (y - 1)
    factors = (zeroth, first - 4 * zeroth, 4 * zeroth - 4 * first, 4 * first)
    total = 8 * (1 + y)
    for power in range(5, 5 + _TERMS):
        term = sum(factor * 2.0 ** (power - i) / (power - i) for i, factor in enumerate(factors))
        total -= 3 * term * c ** (power - 5)
    return total
