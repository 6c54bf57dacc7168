"""The problems of the table, and the targets of each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.coupling import problems
from benchmarks.coupling.energy import ramp_prices, step_prices
from benchmarks.coupling.maps import KINDS, random_map, tempting_maps
from benchmarks.coupling.problems import Problem


@dataclass(frozen=True)
class Row:
    """A row of the table: its problems, and how many evaluations they may take.

    Args:
        name: what the problems are.
        problems: all of them; the row's number is the worst or the median over them.
        must, good: targets in evaluations to a true residual of 1e-6.
        median: whether the median counts, not the worst.
    """

    name: str
    problems: list[Problem]
    must: float
    good: float
    median: bool = False


def smooth_rows() -> list[Row]:
    """Return the rows whose problems have a solution that can be met to any accuracy."""
    linear = [
        Row(
            f"linear map, {count} distinct eigenvalues (n = {size})",
            [problems.linear_with_eigenvalues(count, size, seed) for seed in range(5)],
            count + 4,
            count + 2,
        )
        for count, size in ((1, 5), (2, 8), (4, 8), (6, 30), (8, 8))
    ]
    generations = [
        problems.overlapping_generations(40, ages, rise, curvature)
        for ages, rise, curvature in ((10, 0.1, 2.0), (30, 0.1, 2.0), (55, 0.1, 2.0), (55, -0.1, 1.0))
    ]
    ramps = [ramp_prices(years, elasticity, 1) for years, elasticity in ((5, 0.3), (10, 0.5), (20, 0.8), (27, 0.5))]
    limits = {"contractive": (16, 14), "oscillating": (13, 11), "diverging": (15, 13), "mixed": (18, 15)}
    return [
        *linear,
        Row("Sellar", [problems.sellar(5, 2, 1), problems.sellar(1.9776, 0, 0)], 7, 5),
        Row(
            "added-mass fluid-structure chain, n = 64",
            [problems.added_mass_chain(64, ratio) for ratio in (0.02, 0.05)],
            9,
            6,
        ),
        Row("Bratu, n = 100", [problems.bratu(100, strength) for strength in (1.0, 3.0, 3.5)], 16, 12),
        Row("overlapping-generations path, n = 40", generations, 12, 9),
        Row("energy LP with ramp prices", ramps, 12, 9),
        *(_random_row(kind, *limits[kind]) for kind in KINDS),
    ]


def _random_row(kind: str, must: float, good: float) -> Row:
    maps = [random_map(kind, 10, seed) for seed in range(21)]
    return Row(f"random {kind} maps, n = 10 (median of {len(maps)})", maps, must, good, median=True)


def step_problems() -> list[Problem]:
    """Return the problems whose answer jumps: most have no solution, only an enclosure of one."""
    return [
        step_prices(years, elasticity, seed)
        for years in (1, 2, 4, 8)
        for elasticity in (0.3, 0.8)
        for seed in range(15)
    ]


def other_rows() -> list[Row]:
    """Return the same kinds of problems with other sizes, strengths and seeds, for which there are no targets."""
    families = {
        "linear maps, 2 to 8 distinct eigenvalues": [
            problems.linear_with_eigenvalues(count, size, seed)
            for count, size in ((2, 8), (3, 9), (4, 8), (5, 20), (8, 8))
            for seed in range(5, 25)
        ],
        "added-mass chains, n = 16 to 100": [
            problems.added_mass_chain(size, ratio) for size in (16, 40, 100) for ratio in (0.01, 0.03, 0.08, 0.2, 0.6)
        ],
        "Bratu, n = 30 and 60": [problems.bratu(n, strength) for n in (30, 60) for strength in (0.5, 2, 3.3, 3.5)],
        "overlapping-generations paths, n = 30 to 50": [
            problems.overlapping_generations(*of)
            for of in ((30, 20, 0.05, 1.5), (40, 40, 0.2, 3.0), (50, 30, -0.1, 2.0), (30, 12, 0.15, 1.0))
        ],
        "energy LPs with ramp prices": [
            ramp_prices(years, elasticity, seed)
            for years, elasticity in ((3, 0.3), (8, 0.5), (15, 0.8), (27, 0.8))
            for seed in range(2, 6)
        ],
        **{
            f"random {kind} maps, n = 4 and 10": [random_map(kind, n, seed) for n in (4, 10) for seed in range(21, 41)]
            for kind in KINDS
        },
    }
    return [Row(name, family, 0, 0) for name, family in families.items()]


def other_step_problems() -> list[Problem]:
    """Return step prices of other years, elasticities and seeds."""
    return [
        step_prices(years, elasticity, seed)
        for years in (1, 2, 3, 5, 8, 12)
        for elasticity in (0.2, 0.5, 1.0)
        for seed in range(15, 25)
    ]


def claim_problems() -> list[Problem]:
    """Return problems that exist to provoke a false claim: tempting maps, and noisy ones."""
    noisy: list[Callable[[int], Problem]] = [
        lambda seed: random_map("contractive", 4, seed, noise=1e-4),
        lambda seed: random_map("oscillating", 4, seed, noise=1e-5),
        lambda seed: random_map("mixed", 4, seed, noise=1e-3, declared=False),
        lambda seed: random_map("contractive", 1, seed, noise=1e-2, declared=False),
    ]
    return [*tempting_maps(), *(make(seed) for make in noisy for seed in range(10))]
