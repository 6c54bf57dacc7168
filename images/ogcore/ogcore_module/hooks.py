"""Everything that reaches into OG-Core; nothing else in the module depends on how it is built.

OG-Core takes no starting point from outside: ``SS.run_SS`` begins at multiples of fixed numbers and ``TPI.run_TPI`` at
a path between two steady states. What is replaced here, for the time of one solve, are names that these functions look
up when they run:

- ``SS.SS_initial_guesses(p, r_tr_scalars=v)``, called once for each ``v`` in ``SS.DEV_FACTOR_LIST`` until one is
  solved. Both are given, so that a start may be a previous solution, and one solve has one start.
- ``SS.opt``, from which ``run_SS`` takes ``root``: a point is solved when its equations hold to ``mindist_SS``.
  Started at a solution, MINPACK's methods end with "not making good progress", and OG-Core throws the point away.
- ``solvers.make_outer_updater(method, p)``, OG-Core's own place for another update rule of the path. It is called once,
  after all starting paths are made and before the loop reads them; they are arrays in its caller's frame and are
  filled in place.
- ``SS.ENFORCE_SOLUTION_CHECKS`` and ``TPI.ENFORCE_SOLUTION_CHECKS``.

All of it holds for the release named below and is to be looked at again for another one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import optimize

from ogcore import SS, TPI, solvers
from ogcore_module.guess import HOUSEHOLDS, PATH, Arrays

RELEASE = "0.21.2"
#: OG-Core's starting values as multiples of its first guess of the interest rate and of transfers.
FACTORS: tuple[tuple[float, float], ...] = tuple((float(rate), float(tr)) for rate, tr in SS.DEV_FACTOR_LIST)
#: ``SS.solve_for_j`` multiplies its starting point by this.
HOUSEHOLD_SHRINK = 0.9
#: Names in ``TPI.run_TPI`` of the households' starting paths.
HOUSEHOLD_NAMES = {"b_sp1": "guesses_b", "n": "guesses_n"}


class SteadyStateStart:
    """One starting point of the steady state.

    Args:
        previous: a solved steady state; none: multiples of OG-Core's first guess.
        factors: of the interest rate and of transfers.
    """

    def __init__(self, previous: Arrays | None = None, factors: tuple[float, float] = (1.0, 1.0)) -> None:
        self._previous = previous
        self._factors = factors
        self._original = SS.SS_initial_guesses
        self._taken = False

    @property
    def is_cold(self) -> bool:
        """Whether it is OG-Core's own."""
        return self._previous is None

    def __str__(self) -> str:
        if self._previous is not None:
            return "the previous steady state"
        return f"OG-Core's first guess, interest rate x {self._factors[0]:g}, transfers x {self._factors[1]:g}"

    def __call__(self, p: Any, b_val: Any = None, n_val: Any = None, r_tr_scalars: Any = None) -> Any:
        """Stand in for ``SS_initial_guesses``, once; being asked again means that the point led nowhere."""
        if self._taken:
            raise RuntimeError("Steady state equilibrium not found")
        self._taken = True
        if self._previous is not None:
            return _steady_state_guess(self._previous, p)
        return self._original(p, b_val, n_val, r_tr_scalars=self._factors)


@contextlib.contextmanager
def steady_state_start(start: SteadyStateStart) -> Iterator[None]:
    """Let ``SS.run_SS`` begin at this point; it does not begin at all with fewer than two factors."""
    with (
        _replaced(SS, "SS_initial_guesses", start),
        _replaced(SS, "DEV_FACTOR_LIST", [(1.0, 1.0)] * 2),
        _replaced(SS, "opt", _RootFinder()),
    ):
        yield


class _RootFinder:
    """Stands in for ``scipy.optimize`` in ``SS``, which uses ``root`` alone."""

    def root(self, fun: Any, x0: Any, **options: Any) -> Any:
        """Solve ``fun(x) = 0``; for the steady state, what counts is whether the equations hold."""
        found = optimize.root(fun, x0, **options)
        if fun is SS.SS_fsolve and not found.success:
            found.success = bool(np.abs(found.fun).max() <= options["tol"])
        return found


@contextlib.contextmanager
def path_start(previous: Arrays | None) -> Iterator[None]:
    """Let ``TPI.run_TPI`` begin at a path that was solved before; None: at its own."""
    original = solvers.make_outer_updater

    def make_outer_updater(method: str, p: Any) -> Any:
        _fill(sys._getframe(1).f_locals, previous or {}, int(p.T))  # noqa: SLF001 the one way to a function's arrays
        return original(method, p)

    with _replaced(solvers, "make_outer_updater", make_outer_updater if previous else original):
        yield


@contextlib.contextmanager
def solution_checks(enforced: bool) -> Iterator[None]:
    """Let OG-Core's own checks of its solutions end the run, or not."""
    with _replaced(SS, "ENFORCE_SOLUTION_CHECKS", enforced), _replaced(TPI, "ENFORCE_SOLUTION_CHECKS", enforced):
        yield


def _steady_state_guess(previous: Arrays, p: Any) -> tuple[list[float], Any, Any]:
    """Return the previous solution as ``SS_initial_guesses`` returns its guesses: prices, totals, savings, labour."""
    scalar = {name: float(previous[name]) for name in ("r_p", "r", "w", "Y", "TR", "factor")}
    prices = [scalar["r_p"], scalar["r"], scalar["w"], *map(float, previous["p_m"])]
    totals = [scalar["Y"], *map(float, np.atleast_1d(previous["BQ"])), scalar["TR"]]
    if p.baseline:  # a scenario has its baseline's
        totals.append(scalar["factor"])
    shape = (p.S, p.J)
    savings, labour = (previous[name].reshape(shape) / HOUSEHOLD_SHRINK for name in HOUSEHOLDS)
    return prices + totals, savings, labour


def _fill(names: Any, previous: Arrays, periods: int) -> None:
    """Write the previous path into the arrays of ``run_TPI``; beyond the path they stay at the new steady state.

    Wealth at the outset is no guess but a condition, and the loop never writes it: it stays as it is.
    """
    for name in (*PATH, *HOUSEHOLDS):
        target = names[HOUSEHOLD_NAMES.get(name, name)]
        first = 1 if name == "B" else 0
        target[first:periods] = previous[name][first:].reshape(target[first:periods].shape)


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)
