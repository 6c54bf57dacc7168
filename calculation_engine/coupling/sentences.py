"""Sentences about a coupling, for people who know their models and not the numerics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calculation_engine.coupling.options import Options
from calculation_engine.coupling.words import Caution, Word

if TYPE_CHECKING:
    from calculation_engine.coupling.report import Report

#: Feedback below which damping is needed for the models to settle [-].
OSCILLATING = -0.8
#: Expected evaluations beyond which their number says nothing.
MANY = 100


def feedback_sentence(feedback: tuple[float, float] | None) -> str:
    """Return what the range of the feedback [-] says of the coupled models."""
    if feedback is None:
        return "nothing is known yet of how the models answer to a change"
    low, high = feedback
    if high >= 1 and low <= OSCILLATING:
        return "the models overshoot in one direction and reinforce a change in another: no damping settles them"
    if high >= 1:
        return "the models reinforce a change: each round drives them further away, and no damping settles them"
    if low <= OSCILLATING:
        return "the models overshoot: an answer taken over in full swings about the equilibrium"
    if max(high, -low) <= 0.3:
        return "the models hardly answer to each other: they settle by themselves"
    return "the models answer to each other moderately: they settle, with or without damping"


def sentence_of(report: Report, history: Sequence[float], options: Options) -> str:
    """Return the state of the coupling in a sentence or two; ``history`` holds the residuals in tolerances."""
    ending = _ENDINGS[report.word](report, history, options) if report.word else _running(report)
    if Caution.UNSTABLE_EQUILIBRIUM in report.cautions:
        ending += (
            "; this equilibrium is unstable: the models reinforce any departure from it, so check that it is the"
            " one you mean"
        )
    return f"evaluation {report.evaluation}: {ending}"


def _running(report: Report) -> str:
    if report.failure is not None:
        return f"failed ({report.failure}); the next one is nearer to where the models could be solved"
    ahead = ""
    if report.expected is not None:
        middle, low, high = report.expected
        range_ = f"{low:.0f} to {high:.0f}" if high < 1000 else f"{low:.0f} or more"
        few = middle <= MANY
        ahead = f"; about {middle:.0f} more expected ({range_})" if few else "; they hardly come nearer to each other"
    return f"{_distance(report)}{ahead}"


def _distance(report: Report) -> str:
    worst = report.worst
    if worst is None:
        return "no evaluation succeeded"
    unit = "" if worst.unit == "1" else worst.unit
    return (
        f"{worst.name} is farthest from agreement: {worst.x:.6g} went in and {worst.g:.6g} came out {unit}".rstrip()
        + f", {worst.residual:.2g} apart (tolerance {worst.tolerance:.2g})"
    )


def _converged(report: Report, history: Sequence[float], options: Options) -> str:
    worst = report.worst
    assert worst is not None
    return f"the models agree: at most {worst.residual:.2g} apart, at {worst.name} (tolerance {worst.tolerance:.2g})"


def _converged_set(report: Report, history: Sequence[float], options: Options) -> str:
    first = report.jumps[0]
    others = f", and {len(report.jumps) - 1} more variables" if len(report.jumps) > 1 else ""
    return (
        f"the equilibrium lies inside a jump: {first.name} between {first.low:.6g} and {first.high:.6g} {first.unit}"
        f"{others}; there the answer jumps from {first.answer_below:.6g} to {first.answer_above:.6g}, and no value in"
        " between agrees better"
    )


def _noise_floor(report: Report, history: Sequence[float], options: Options) -> str:
    worst = report.worst
    if worst is not None and Caution.TOLERANCE_BELOW_NOISE in report.cautions:
        return (
            f"what is left is noise of the models: at most {worst.residual:.2g} apart, at {worst.name}, and their"
            f" solvers cannot tell whether that is within {worst.tolerance:.2g}; solve the models more precisely or ask"
            " for a wider tolerance"
        )
    return (
        f"what is left is noise of the models: the residual came down to {_times(min(history))} and moves at random;"
        " solve the models more precisely or ask for a wider tolerance"
    )


def _stalled(report: Report, history: Sequence[float], options: Options) -> str:
    best, worst = min(history), report.worst
    method = "" if options.method == "multisecant" else f", or use multisecant in place of {options.method!r}"
    if worst is not None and worst.bound is not None:
        return (
            f"{worst.name} stands at a bound: {worst.x:.6g} went in and {worst.g:.6g} came out. Widen the bound if"
            " values beyond it make sense; else the models drive each other away: try a milder scenario, or let one"
            f" answer the other less strongly{method}"
        )
    if history[-1] > 2 * best and method:
        return (
            f"the models drive each other apart under method {options.method!r}: the residual came to {_times(best)}"
            f" at best and is {_times(history[-1])} now; use multisecant, or a smaller relaxation"
        )
    if report.feedback is not None and report.feedback[1] >= 1:
        return (
            "no values were found at which the models agree, and there may be none: they reinforce a change, and the"
            f" residual came to {_times(best)} at best, in evaluation {report.solution}; try a milder scenario, or let"
            f" one answer the other less strongly{method}"
        )
    return (
        f"the residual falls no more: {_times(best)} at best, and {_distance(report)}; look at that variable: have the"
        " models no common solution there?"
    )


def _failed(report: Report, history: Sequence[float], options: Options) -> str:
    if options.one_way:
        return f"the one pass failed: {report.failure}. Look at that model's log"
    if not history:
        return (
            f"the models could be solved neither at the start nor near it, in {options.max_failures} evaluations; the"
            f" last: {report.failure}. Make the scenario of that model one that it can solve alone"
        )
    return (
        f"{options.max_failures} evaluations in a row failed, ever nearer to the point reached; the last:"
        f" {report.failure}. Look at that model's log"
    )


def _one_way(report: Report, history: Sequence[float], options: Options) -> str:
    return (
        f"one pass, nothing was iterated: {_distance(report)}; whether the models agree is not claimed, a loop without"
        " one_way finds out"
    )


def _max_evaluations(report: Report, history: Sequence[float], options: Options) -> str:
    first = f"the limit of {options.max_evaluations} evaluations came first"
    if not history:
        return f"{first}; none succeeded; raise max_evaluations to go on"
    lately = history[: -options.stall_evaluations]
    if lately and min(history) > 0.9 * min(lately):
        return (
            f"{first}; the residual came down to {_times(min(history))} and has hardly fallen in the last"
            f" {options.stall_evaluations}: more of them will hardly help"
        )
    return f"{first}; the residual came down to {_times(min(history))}; raise max_evaluations to go on"


def _times(tolerances: float) -> str:
    return f"{tolerances:,.0f} times the tolerance" if tolerances >= 10 else f"{tolerances:.2g} times the tolerance"


_ENDINGS = {
    Word.CONVERGED: _converged,
    Word.CONVERGED_SET: _converged_set,
    Word.NOISE_FLOOR: _noise_floor,
    Word.STALLED: _stalled,
    Word.FAILED: _failed,
    Word.MAX_EVALUATIONS: _max_evaluations,
    Word.ONE_WAY: _one_way,
}
