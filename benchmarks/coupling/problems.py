"""Test problems of the coupling: maps x -> g(x) written from their published definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Vector = NDArray[np.float64]
type Map = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Problem:
    """A map with its start.

    Args:
        name, family: the problem, and the row of the table that it counts in.
        g: the map, (n,) -> (n,).
        start: first x, shape (n,).
        positive: whether it is iterated in logarithms; residuals are then relative to each value.
        scale: size of the solution, which residuals are relative to, if it is not positive.
        max_step: largest step in the scaled space; finite where a model is only valid near what it was built for.
        noise: amplitude of noise that ``g`` carries, declared to the coupling [-].
        hidden_noise: amplitude of noise that ``g`` carries and the coupling is not told [-].
        exact: the map without noise; none: ``g`` itself.
    """

    name: str
    family: str
    g: Map
    start: Vector
    positive: bool = True
    scale: float = 1.0
    max_step: float = 0.3
    noise: float = 0.0
    hidden_noise: float = 0.0
    exact: Map | None = None

    @property
    def size(self) -> int:
        """Number of exchange variables."""
        return len(self.start)


def linear_with_eigenvalues(count: int, size: int, seed: int) -> Problem:
    """Symmetric linear map with ``count`` distinct eigenvalues in -2 .. 0.8, each ``size / count`` fold."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values = np.repeat(np.linspace(-2.0, 0.8, count), -(-size // count))[:size]
    matrix = basis @ np.diag(values) @ basis.T
    fixed = rng.normal(size=size)
    return Problem(
        f"linear, {count} eigenvalues, n = {size}, seed {seed}",
        f"linear map, {count} distinct eigenvalues",
        lambda x: fixed + matrix @ (x - fixed),
        fixed + rng.normal(size=size),
        positive=False,
        max_step=np.inf,
    )


def sellar(z1: float, z2: float, x1: float) -> Problem:
    """Two coupled disciplines, serial: x is y2. Source: Sellar, Batill & Renaud 1996, AIAA 96-0714."""

    def g(y: Vector) -> Vector:
        y1 = z1**2 + z2 + x1 - 0.2 * y
        return np.asarray(np.sqrt(np.maximum(y1, 1e-12)) + z1 + z2)

    name = f"Sellar at z = ({z1:g}, {z2:g}), x = {x1:g}"
    return Problem(name, "Sellar", g, np.array([1.0]), positive=False, scale=10.0, max_step=np.inf)


def added_mass_chain(size: int, density_ratio: float) -> Problem:
    """Elastic wall on an incompressible fluid, one implicit time step; x is the wall's displacement.

    The fluid answers to an acceleration of the wall with the added mass ``M_A`` of a channel of length L and height R,
    whose eigenvalues are ``L / (k pi tanh(k pi R / L))``; the wall is a string with spring. Dirichlet-Neumann coupling
    iterates ``d <- (M + dt^2 K)^-1 (M d_free - M_A d)``. Source: Causin, Gerbeau & Nobile 2005, CMAME 194,
    section 3; wall 0.1 cm thick, channel 6 cm by 0.5 cm, E = 0.75e6 dyn/cm2, time step 1e-4 s as there.
    """
    length, height, thickness, time_step = 6.0, 0.5, 0.1, 1e-4
    young, poisson = 0.75e6, 0.5
    wall_density, fluid_density = 1.1, 1.1 * density_ratio
    nodes = np.arange(1, size + 1)
    modes = np.sin(np.pi * np.outer(nodes, nodes) / (size + 1)) * np.sqrt(2 / (size + 1))
    wave = nodes * np.pi / length
    spring = young * thickness / ((1 - poisson**2) * height**2)
    tension = young * thickness / (2 * (1 + poisson))
    solid = wall_density * thickness + time_step**2 * (spring + tension * wave**2)
    added = fluid_density * length / (nodes * np.pi * np.tanh(nodes * np.pi * height / length))
    matrix = -modes @ np.diag(added / solid) @ modes.T
    place = nodes / (size + 1)
    push = np.exp(-(((place - 0.3) / 0.1) ** 2)) + 0.3 * place
    return Problem(
        f"added-mass chain, n = {size}, density ratio {density_ratio:g}",
        "added-mass fluid-structure chain, n = 64",
        lambda d: push + matrix @ d,
        np.zeros(size),
        positive=False,
        scale=float(np.max(np.abs(np.linalg.solve(np.eye(size) - matrix, push)))),
        max_step=np.inf,
    )


def bratu(size: int, strength: float) -> Problem:
    """``u'' + strength e^u = 0`` on 0 .. 1, u = 0 at the ends, by Picard's map ``u <- (-D2)^-1 strength e^u``.

    Source: Walker & Ni 2011, SIAM J. Numer. Anal. 49 (there in two dimensions); the fold is at 3.5138.
    """
    spacing = 1 / (size + 1)
    laplacian = (2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)) / spacing**2
    inverse = np.linalg.inv(laplacian)
    return Problem(
        f"Bratu, n = {size}, lambda = {strength:g}",
        "Bratu, n = 100",
        lambda u: np.asarray(strength * (inverse @ np.exp(np.minimum(u, 50.0)))),
        np.zeros(size),
        positive=False,
        max_step=np.inf,
    )


def overlapping_generations(periods: int, ages: int, productivity: float, elasticity: float) -> Problem:
    """Transition of an economy of ``ages`` generations after productivity rises for good; x is capital per period.

    Households with perfect foresight and CRRA utility live ``ages`` periods and work the first three quarters; firms
    are Cobb-Douglas. Given a path of capital, prices follow, then savings, then the capital they supply. It starts
    from the steady state before. Source: Auerbach & Kotlikoff 1987, Dynamic Fiscal Policy.
    """
    share, discount, depreciation = 0.35, 0.96 ** (60 / ages), 1 - 0.93 ** (60 / ages)
    working = (3 * ages) // 4
    labour = float(working)

    def prices(capital: Vector, level: Vector) -> tuple[Vector, Vector]:
        ratio = capital / labour
        return share * level * ratio ** (share - 1) - depreciation, (1 - share) * level * ratio**share

    def supply(path: Vector, level: Vector, wealth: Vector) -> Vector:
        """Return capital supplied at the start of periods 1 .. periods, given ``path`` of them after period 0's."""
        capital = np.concatenate([[wealth.sum()], path, np.full(ages, path[-1])])
        levels = np.concatenate([level, np.full(len(capital) - len(level), level[-1])])
        rate, wage = prices(capital, levels)
        supplied = np.zeros(len(capital) + ages)
        for born in range(-ages + 1, periods):
            first = max(born, 0)
            held = wealth[-born] if born < 0 else 0.0
            times = np.arange(first, born + ages)
            age = times - born
            growth = (discount * (1 + rate[times[1:]])) ** (1 / elasticity)
            plan = np.concatenate([[1.0], np.cumprod(growth)])
            factor = np.concatenate([[1.0], np.cumprod(1 / (1 + rate[times[1:]]))])
            income = np.where(age < working, wage[times], 0.0)
            consumption = plan * ((1 + rate[first]) * held + np.sum(factor * income)) / np.sum(factor * plan)
            assets = held
            for k, t in enumerate(times[:-1]):
                assets = (1 + rate[t]) * assets + income[k] - consumption[k]
                supplied[t + 1] += assets
        return supplied[1 : periods + 1]

    def steady_wealth(capital: float) -> Vector:
        rate, wage = (float(v[0]) for v in prices(np.array([capital]), np.ones(1)))
        growth = (discount * (1 + rate)) ** (1 / elasticity)
        age = np.arange(ages)
        income = np.where(age < working, wage, 0.0)
        plan = growth**age
        factor = (1 + rate) ** -age.astype(float)
        consumption = plan * np.sum(factor * income) / np.sum(factor * plan)
        wealth = np.zeros(ages)
        for k in range(ages - 1):
            wealth[k + 1] = (1 + rate) * wealth[k] + income[k] - consumption[k]
        return wealth

    low, high = 1e-3 * labour, 10.0 * labour
    for _ in range(200):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if steady_wealth(middle).sum() > middle else (low, middle)
    before = steady_wealth(low)
    level = np.full(periods + 1, 1 + productivity)
    return Problem(
        f"overlapping generations, {periods} periods, {ages} ages, +{productivity:.0%}, 1/{elasticity:g}",
        "overlapping-generations path, n = 40",
        lambda path: np.maximum(supply(path, level, before), 1e-9),
        np.full(periods, before.sum()),
    )
