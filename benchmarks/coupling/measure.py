"""Runs one method on one problem, and judges what it claims against the exact map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.coupling.problems import Map, Problem, Vector
from calculation_engine.coupling import Group, Options, Report, Scheme, Word

#: Residual that counts as solved, relative to the larger of x and g(x), or to the problem's scale.
TARGET = 1e-6


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Args:
        solved: evaluations until the true residual was at most 1e-6; none: never.
        evaluations, word: when and how the run ended.
        false_claim: whether it claimed success where the exact map denies it.
        slipped: whether it claimed success farther than ten tolerances from the nearest solution.
    """

    solved: int | None
    evaluations: int
    word: Word
    false_claim: bool
    slipped: bool


def run(problem: Problem, tolerance: float, limit: int = 200, **options: Any) -> Outcome:
    """Run a scheme with ``options`` on ``problem`` until it ends."""
    group = Group(
        "x",
        tuple(map(str, range(problem.size))),
        positive=problem.positive,
        relative=tolerance if problem.positive else 0.0,
        absolute=0.0 if problem.positive else tolerance * problem.scale,
        scale=None if problem.positive else problem.scale,
        noise=problem.noise,
    )
    chosen = Options(max_step=problem.max_step, max_evaluations=limit, **options)
    scheme = Scheme([group], problem.start, chosen)
    # noise that nobody declared is part of the models: a claim is about the models as they answer
    exact = problem.g if problem.hidden_noise or problem.exact is None else problem.exact
    solved = report = None
    with np.errstate(all="ignore"):
        while scheme.word is None:
            x = scheme.ask()
            if solved is None and np.max(relative(problem, exact(x) - x, x)) <= TARGET:
                solved = len(scheme.log) + 1
            report = scheme.tell(problem.g(x))
        assert report is not None
        false_claim, slipped = _judge(problem, exact, scheme, report, tolerance)
    return Outcome(solved, len(scheme.log), report.word or Word.FAILED, false_claim, slipped)


def claims_falsely_on_damped_steps(problem: Problem, factor: float, tolerance: float, limit: int = 200) -> bool | None:
    """Return whether the claim of a rule that stops at a small damped step is false; none: it never claims."""
    x = problem.start.copy()
    with np.errstate(all="ignore"):
        for _ in range(limit):
            step = factor * (problem.g(x) - x)
            if not np.all(np.isfinite(step)) or (problem.positive and np.any(x + step <= 0)):
                return None
            x = x + step
            if np.max(relative(problem, step, x)) <= tolerance:
                return bool(np.max(relative(problem, problem.g(x) - x, x)) > tolerance)
    return None


def relative(problem: Problem, distance: Vector, x: Vector) -> Vector:
    """Return the size of ``distance`` relative to ``x`` or ``x + distance``, or to the problem's scale, shape (n,)."""
    if not problem.positive:
        return np.abs(distance) / problem.scale
    return np.asarray(np.abs(distance) / np.maximum(np.abs(x), np.abs(x + distance)))


def _judge(problem: Problem, exact: Map, scheme: Scheme, report: Report, tolerance: float) -> tuple[bool, bool]:
    if scheme.solution is None:
        return False, False
    x = np.array(scheme.log[scheme.solution - 1].x)
    if report.word is Word.CONVERGED:
        false_claim = bool(np.max(relative(problem, exact(x) - x, x)) > tolerance * (1 + 1e-9))
        away = 0.0 if problem.hidden_noise else np.max(relative(problem, _to_solution(exact, x), x))
        return false_claim, bool(away > 10 * tolerance)
    if report.word is Word.CONVERGED_SET:
        return not _jumps_there(exact, report, x), False
    return False, False


def _to_solution(exact: Map, x: Vector) -> Vector:
    """Return the Newton step from ``x`` to the nearest solution, by central differences."""
    steps = 1e-6 * np.maximum(np.abs(x), 1e-3)
    moves = np.diag(steps)
    slope = np.array([(exact(x + move) - exact(x - move)) / (2 * np.max(move)) for move in moves]).T
    return np.asarray(np.linalg.lstsq(np.eye(len(x)) - slope, exact(x) - x, rcond=None)[0])


def _jumps_there(exact: Map, report: Report, x: Vector) -> bool:
    """Return whether every variable agrees to 0.2 % or has, within 0.2 %, answers on both sides of itself."""
    rng = np.random.default_rng(0)
    near = [x * np.exp(0.002 * rng.uniform(-1, 1, len(x))) for _ in range(400)]
    apart = np.array([np.log(exact(point) / point) for point in near])
    enclosed = (apart.max(axis=0) > 0) & (apart.min(axis=0) < 0)
    return bool(np.all(enclosed | (np.abs(apart).min(axis=0) <= 0.002)))
