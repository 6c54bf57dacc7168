"""Energy systems in merit order, against demand that answers to prices: ramp prices, step prices.

Each year has supply options, cheapest first. What the last unit costs is the price: a step function of demand, as an
LP's dual is. With ramps, each option becomes dearer as it is used up, so that the price is continuous.
"""

from __future__ import annotations

import numpy as np

from benchmarks.coupling.problems import Map, Problem, Vector


def ramp_prices(years: int, elasticity: float, seed: int) -> Problem:
    """Price per year, piecewise linear in demand; demand also remembers the year before (stock of appliances)."""
    price_of, demand_of, start = _system(years, elasticity, seed, steps=False)
    return Problem(
        f"energy, ramp prices, {years} years, elasticity {elasticity:g}, seed {seed}",
        "energy LP with ramp prices",
        lambda x: price_of(demand_of(x)),
        start,
    )


def step_prices(years: int, elasticity: float, seed: int) -> Problem:
    """Price per year, a step function of demand: there is no price with g(x) = x."""
    price_of, demand_of, start = _system(years, elasticity, seed, steps=True)
    return Problem(
        f"energy, step prices, {years} years, elasticity {elasticity:g}, seed {seed}",
        "step prices (no fixed point)",
        lambda x: price_of(demand_of(x)),
        start,
    )


def _system(years: int, elasticity: float, seed: int, steps: bool) -> tuple[Map, Map, Vector]:
    """Return price of demand, demand of price, and a start within a third of the equilibrium.

    With steps the equilibrium lies between the costs of two options in at least one year, and there demand is just
    what the cheaper ones can supply: the price jumps in it.
    """
    rng = np.random.default_rng([seed, years])
    options = 6
    costs = np.cumsum(rng.uniform(10, 25, (years, options)), axis=1)
    capacities = rng.uniform(10, 30, (years, options))
    ends = np.cumsum(capacities, axis=1)
    each = np.arange(years)
    option = rng.integers(1, options - 2, years)
    jumps = rng.uniform(size=years) < 0.6
    jumps[rng.integers(years)] = True
    between = costs[each, option] + rng.uniform(0.1, 0.9, years) * (costs[each, option + 1] - costs[each, option])
    equilibrium = np.where(jumps, between, costs[each, option])
    reference = np.where(jumps, ends[each, option], ends[each, option] - 0.5 * capacities[each, option])

    def demand_of(price: Vector) -> Vector:
        answer = (price / equilibrium) ** -elasticity
        before = np.concatenate([[1.0], answer[:-1]])
        return np.asarray(reference * answer**0.8 * before**0.2)

    def step_price(demand: Vector) -> Vector:
        place = [min(int(np.searchsorted(ends[t], demand[t])), options - 1) for t in each]
        return costs[each, place]

    def ramp_price(demand: Vector) -> Vector:
        middles = ends - 0.5 * capacities
        return np.array([np.interp(demand[t], middles[t], costs[t]) for t in each])

    return step_price if steps else ramp_price, demand_of, equilibrium * np.exp(rng.uniform(-0.3, 0.3, years))
