"""The steady state: OG-Core's solver, and what is tried when it finds none."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ogcore import SS
from ogcore_module.attempts import UNSOLVED, Attempt, timed, using
from ogcore_module.faults import Fault
from ogcore_module.guess import Arrays
from ogcore_module.hooks import FACTORS, SteadyStateStart, steady_state_start
from ogcore_module.listener import Listener

#: Starting points of the first round: a miss costs seconds each, and another root finder mends more than another start.
FEW = 5
#: A root finder's own word is not enough (``lm`` succeeds at any minimum): one more iteration moves it by less.
SETTLED = 1e-6


def solve_steady_state(
    specifications: Any, previous: Arrays | None, listener: Listener, attempts: list[Attempt], *, enforce: bool
) -> dict[str, Any]:
    """Return OG-Core's steady state, its arrays by name.

    Args:
        specifications: the parameters.
        previous: a neighbour's steady state, tried first.
        listener: hears OG-Core's log.
        attempts: gets a record of each attempt.
        enforce: whether a solution that OG-Core's checks refuse is none.

    Raises:
        Fault: no attempt found one (422), or OG-Core cannot even evaluate its equations (400).
    """
    for settings, start in _ways(specifications, previous):
        attempt = Attempt(settings, str(start))
        attempts.append(attempt)
        listener.forget()
        with timed(attempt), using(specifications, settings), steady_state_start(start):
            try:
                solution: dict[str, Any] = SS.run_SS(specifications, client=None)
                attempt.outcome = _objection(solution, listener) if enforce else "solved"
            except UNSOLVED as error:
                solution, attempt.outcome = {}, str(error) or type(error).__name__
                if not listener.errors and start.is_cold:
                    raise Fault(f"parameters: OG-Core refuses them: {attempt.outcome}") from error
        attempt.count = len(listener.errors)
        attempt.error = listener.settled if listener.settled is not None else min(listener.errors, default=None)
        print(f"steady state: {attempt.sentence()}", flush=True)
        if attempt.outcome == "solved":
            return solution
    raise Fault(_message(attempts), 422, {"status": "not_converged", "stage": "steady_state"})


def keep_for_path(solution: dict[str, Any], folder: Path) -> None:
    """Put the steady state where OG-Core's time path reads it; it knows no other way than a pickle."""
    path = folder / "SS" / "SS_vars.pkl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(solution))


def _ways(specifications: Any, previous: Arrays | None) -> Iterator[tuple[dict[str, str], SteadyStateStart]]:
    """Yield what is tried, in order.

    The methods asked for from the previous solution and OG-Core's first few starts; then Levenberg-Marquardt and
    Powell's method in their place, from the same; at last all of OG-Core's starts.
    """
    outer, household = specifications.SS_root_method, specifications.FOC_root_method
    starts: list[tuple[Arrays | None, tuple[float, float]]] = [(None, factors) for factors in FACTORS[:FEW]]
    starts = starts if previous is None else [(previous, FACTORS[0]), *starts]
    pairs = dict.fromkeys([(outer, household), ("lm", household), (outer, "lm"), ("hybr", "hybr"), ("lm", "lm")])
    for pair in pairs:
        for start in starts:
            yield _settings(*pair), SteadyStateStart(*start)
    for factors in FACTORS[FEW:]:
        yield _settings(outer, household), SteadyStateStart(factors=factors)


def _settings(outer: str, household: str) -> dict[str, str]:
    return {"SS_root_method": outer, "FOC_root_method": household}


def _objection(solution: dict[str, Any], listener: Listener) -> str:
    """Return why a steady state is none, or ``solved``."""
    wrong = [name for name, value in solution.items() if not np.isfinite(np.asarray(value, dtype=float)).all()]
    if wrong:
        return f"not finite: {', '.join(wrong[:5])}"
    if listener.settled is None or not listener.settled <= SETTLED:
        return f"one more iteration still moves it by {listener.settled}"
    return "solved"


def _message(attempts: Sequence[Attempt]) -> str:
    errors = [attempt.error for attempt in attempts if attempt.error is not None]
    nearest = f"; the nearest point leaves an error of {min(errors):.2g}" if errors else ""
    return (
        f"no steady state was found in {len(attempts)} attempts ({sum(attempt.count for attempt in attempts)}"
        f" evaluations){nearest}. Move the parameters towards a set that solves and give its `guess` as `previous`, or"
        " check that taxes, spending and debt_ratio_ss leave the budget room; solution.json lists the attempts"
    )
