"""The time path: OG-Core's iteration, and what is tried when it does not settle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ogcore import TPI, fiscal
from ogcore_module.attempts import UNSOLVED, Attempt, timed, using
from ogcore_module.faults import Fault
from ogcore_module.guess import Arrays
from ogcore_module.hooks import path_start
from ogcore_module.listener import Listener

COLD, WARM = "OG-Core's first guess", "the previous path"


def solve_time_path(
    specifications: Any, previous: Arrays | None, listener: Listener, attempts: list[Attempt], *, enforce: bool
) -> dict[str, Any]:
    """Return OG-Core's time path, its arrays by name, time on their first axis.

    Args:
        specifications: the parameters; the steady state lies in their output folder.
        previous: a neighbour's path, where the first attempt starts.
        listener: hears OG-Core's log.
        attempts: gets a record of each attempt.
        enforce: whether a path that OG-Core's checks refuse is none.

    Raises:
        Fault: no attempt settled (422).
    """
    for settings, start in _ways(specifications, previous):
        attempt = Attempt(settings, COLD if start is None else WARM)
        attempts.append(attempt)
        listener.forget()
        with timed(attempt), using(specifications, settings), path_start(start):
            try:
                solution: dict[str, Any] = TPI.run_TPI(specifications, client=None)
                solution["r_gov"] = _government_rate(solution, specifications)
                attempt.outcome = _objection(solution) if enforce else "solved"
            except UNSOLVED as error:
                solution, attempt.outcome = {}, str(error) or type(error).__name__
        attempt.count = len(listener.distances)
        attempt.error = listener.distances[-1] if listener.distances else None
        print(f"time path: {attempt.sentence()}", flush=True)
        if attempt.outcome == "solved":
            return solution
    raise Fault(_message(attempts[-1]), 422, {"status": "not_converged", "stage": "time_path"})


def _ways(specifications: Any, previous: Arrays | None) -> Iterator[tuple[dict[str, str], Arrays | None]]:
    """Yield what is tried, in order: the methods asked for, from both starts, then others in their place."""
    outer, household = specifications.TPI_outer_method, specifications.FOC_root_method
    if previous:
        yield _settings(outer, household), previous
    pairs = [(outer, household), (outer, "lm"), ("anderson", household), ("picard", household)]
    for pair in dict.fromkeys(pairs):
        yield _settings(*pair), None


def _settings(outer: str, household: str) -> dict[str, str]:
    return {"TPI_outer_method": outer, "FOC_root_method": household}


def _government_rate(solution: dict[str, Any], specifications: Any) -> Any:
    """Return the interest rate that follows from the solved rate and debt.

    The one that ``run_TPI`` returns is damped from iteration to iteration and stays behind by the start's distance
    times ``(1 - nu) ** iterations``; nothing else in the model reads it.
    """
    debt_ratio = solution["D"] / solution["Y"]
    return np.asarray(fiscal.get_r_gov(solution["r"], debt_ratio, specifications, "TPI"))


def _objection(solution: dict[str, Any]) -> str:
    wrong = [name for name, value in solution.items() if not np.isfinite(np.asarray(value, dtype=float)).all()]
    return f"not finite: {', '.join(wrong[:5])}" if wrong else "solved"


def _message(attempt: Attempt) -> str:
    return (
        f"no time path was found; the last attempt ended after {attempt.count} iterations: {attempt.outcome}. Try a"
        " smaller nu, a longer T, or a smaller change of the parameters; solution.json lists the attempts"
    )
