"""What is told to the user after every evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calculation_engine.coupling.convergence import Measures
from calculation_engine.coupling.points import Evaluation, Point
from calculation_engine.coupling.search import Search
from calculation_engine.coupling.sentences import feedback_sentence, sentence_of
from calculation_engine.coupling.variables import Variables
from calculation_engine.coupling.words import Caution, Word


@dataclass(frozen=True)
class Jump:
    """A variable whose equilibrium lies inside a jump.

    Args:
        name, unit: the variable, and the unit of all numbers here.
        low, high: between which x the answer jumps.
        answer_below, answer_above: the answers g just below and just above it.
    """

    name: str
    unit: str
    low: float
    high: float
    answer_below: float
    answer_above: float


@dataclass(frozen=True)
class Worst:
    """The variable that is farthest from agreement.

    Args:
        name, unit: the variable.
        x, g: value asked and value answered, in its unit.
        residual: ``|g - x|`` relative to the larger of both [-].
        tolerance: what ``residual`` must come down to [-].
        bound: the bound that ``x`` stands at while ``g`` lies beyond it; none elsewhere.
    """

    name: str
    unit: str
    x: float
    g: float
    residual: float
    tolerance: float
    bound: float | None


@dataclass(frozen=True)
class Report:
    """The state of a coupling after an evaluation.

    Args:
        evaluation: number of evaluations so far, failed ones included.
        word: the final word; none while it runs.
        failure: why this evaluation failed; none if it did not.
        residual: largest undamped residual of each group, in tolerances [-]; empty after a failure, as is all below.
        relative_residual: largest ``|g - x|`` of each group relative to the larger of both [-].
        worst: the variable with the largest residual.
        error: largest estimated distance from the solution, in tolerances [-].
        step: largest change of a variable that led here, in the scaled space [-].
        contraction: factor by which the residual changed per evaluation, over the last four [-].
        feedback: smallest and largest real part of the Ritz values: how strongly the models answer to a change [-].
        feedback_meaning: what that range says, a sentence.
        expected: evaluations still expected, and the interval they likely lie in.
        cautions: what is worth knowing beside the word.
        jumps: of ``converged_set``, the variables whose equilibrium lies inside a jump.
        solution: number of the evaluation that stands for the result so far.
        sentence: all of it for a modeller, in a sentence or two.
    """

    evaluation: int
    word: Word | None
    failure: str | None
    residual: dict[str, float]
    relative_residual: dict[str, float]
    worst: Worst | None
    error: float | None
    step: float | None
    contraction: float | None
    feedback: tuple[float, float] | None
    feedback_meaning: str
    expected: tuple[float, float, float] | None
    cautions: tuple[Caution, ...]
    jumps: tuple[Jump, ...]
    solution: int | None
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON holds it; what is not finite becomes ``null``."""
        finite: dict[str, Any] = _finite(asdict(self))
        return finite


def make_report(search: Search, log: Sequence[Evaluation]) -> Report:
    """Return the report on the evaluation that ``log`` ends with and ``search`` has taken in."""
    failure = log[-1].failure
    point = search.points[-1] if search.points and failure is None else None
    measures = search.measures[-1] if point is not None else None
    feedback = _feedback(search) if point is not None else None
    solution = search.solution
    history = [entry.largest for entry in search.measures]
    parts: dict[str, Any] = {
        "evaluation": len(log),
        "word": search.word,
        "failure": failure,
        "residual": {} if measures is None else _by_group(search.variables, measures.residual),
        "relative_residual": {} if point is None else _by_group(search.variables, _relative(point)),
        "worst": None if point is None or measures is None else _worst(search.variables, point, measures),
        "error": None if measures is None else float(np.max(measures.error)),
        "step": None if point is None else _step(search, point),
        "contraction": _contraction(history) if point is not None else None,
        "feedback": feedback,
        "feedback_meaning": feedback_sentence(feedback),
        "expected": _expected(history) if point is not None and search.word is None else None,
        "cautions": _cautions(search, feedback),
        "jumps": _jumps(search),
        "solution": None if solution is None else solution.number,
    }
    return Report(**parts, sentence=sentence_of(Report(**parts, sentence=""), history, search.options))


def _by_group(variables: Variables, values: Any) -> dict[str, float]:
    pairs = zip(variables.groups, variables.slices, strict=True)
    return {group.name: float(np.max(values[part], initial=0.0)) for group, part in pairs}


def _relative(point: Point) -> Any:
    larger = np.maximum(np.abs(point.x), np.abs(point.g))
    return np.abs(point.g - point.x) / np.where(larger > 0, larger, 1.0)


def _worst(variables: Variables, point: Point, measures: Measures) -> Worst:
    i = measures.worst
    larger = max(abs(float(point.x[i])), abs(float(point.g[i]))) or 1.0
    tolerance = float(variables.tolerance(point.x, point.g)[i]) / larger
    x, g = float(point.x[i]), float(point.g[i])
    low, high = float(variables.lower[i]), float(variables.upper[i])
    bound = low if g < x == low else high if g > x == high else None
    return Worst(variables.names[i], variables.units[i], x, g, float(_relative(point)[i]), tolerance, bound)


def _step(search: Search, point: Point) -> float | None:
    base = search.came_from
    return None if base is None else float(np.max(np.abs(point.z - base.z)))


def _decreases(history: Sequence[float]) -> Any:
    """Return the log-decrease of the residual at each of the last four evaluations."""
    recent = np.array(history[-5:])
    recent = recent[recent > 0]
    return -np.diff(np.log(recent)) if len(recent) > 1 else np.zeros(0)


def _contraction(history: Sequence[float]) -> float | None:
    decreases = _decreases(history)
    return float(np.exp(-np.mean(decreases))) if len(decreases) else None


def _expected(history: Sequence[float]) -> tuple[float, float, float] | None:
    """Return ln(residual / tolerance) / mean log-decrease, and the same one standard error to either side."""
    decreases = _decreases(history)
    if not len(decreases) or not np.isfinite(history[-1]):
        return None
    mean = float(np.mean(decreases))
    error = float(np.std(decreases)) / np.sqrt(len(decreases)) if len(decreases) > 1 else 0.5 * abs(mean)
    if mean <= 0:
        return None
    way = max(float(np.log(max(history[-1], 1.0))), 0.0)
    slow = way / (mean - error) if mean > error else np.inf
    return max(way / mean, 1.0), max(way / (mean + error), 1.0), max(slow, 1.0)


def _feedback(search: Search) -> tuple[float, float] | None:
    values = search.secants.ritz_values()
    values = values[np.isfinite(values)]
    return (float(values.real.min()), float(values.real.max())) if len(values) else None


def _cautions(search: Search, feedback: tuple[float, float] | None) -> tuple[Caution, ...]:
    found = []
    if search.word is Word.CONVERGED and feedback is not None and feedback[1] >= 1:
        found.append(Caution.UNSTABLE_EQUILIBRIUM)
    variables = search.variables
    if any(5 * group.noise > group.relative and not group.absolute for group in variables.groups):
        found.append(Caution.TOLERANCE_BELOW_NOISE)
    return tuple(found)


def _jumps(search: Search) -> tuple[Jump, ...]:
    if search.word is not Word.CONVERGED_SET or search.signs is None or search.signs.enclosure is None:
        return ()
    enclosure, variables = search.signs.enclosure, search.variables
    found = []
    for i in np.flatnonzero(enclosure.jumps):
        below = max((p for p in enclosure.points if p.f[i] > 0), key=lambda p: float(p.z[i]))
        above = min((p for p in enclosure.points if p.f[i] < 0), key=lambda p: float(p.z[i]))
        ends = sorted((float(below.x[i]), float(above.x[i])))
        found.append(
            Jump(variables.names[i], variables.units[i], ends[0], ends[1], float(below.g[i]), float(above.g[i]))
        )
    return tuple(found)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
