"""What a loop tells of its course: the table ``convergence.csv``, and the part of the job's reply."""

from __future__ import annotations

import csv
import io
from typing import Any

from calculation_engine.coupling import Report, Scheme


def convergence_csv(scheme: Scheme) -> str:
    """Return one row an evaluation.

    Columns: ``evaluation``; ``verdict`` (empty until the last); ``residual <group>``: largest undamped change relative
    to the larger of asked and answered [-]; ``tolerances <group>``: the same in tolerances [-]; ``worst`` variable with
    what was ``asked`` and ``answered``; ``step``: largest change that led here, in the scaled space [-];
    ``contraction`` per evaluation [-]; ``feedback_low`` and ``feedback_high``: range of Ritz values [-]; ``error``:
    estimated distance from the solution in tolerances [-]; ``expected``: evaluations still expected, with the interval
    ``expected_low`` to ``expected_high``; ``failure`` and ``sentence`` for people.
    """
    groups = [group.name for group in scheme.variables.groups]
    rows = [_row(report, groups) for report in scheme.reports]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(_row(scheme.reports[0], groups)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def loop_view(place: str, scheme: Scheme | None, prior: str | None = None) -> dict[str, Any]:
    """Return how a loop stands, for the job's reply; without a scheme it has not begun to iterate.

    Args:
        place: path of the loop in its job.
        scheme: its coupling.
        prior: path of the neighbour that it started from.
    """
    begun = {"component": place, "started_from": prior}
    if scheme is None:
        return begun | {"evaluations": 0, "verdict": None, "solution": None, "residual": {}, "history": []}
    last = next((report for report in reversed(scheme.reports) if report.failure is None), None)
    return begun | {
        "evaluations": len(scheme.log),
        "verdict": scheme.word,
        "solution": scheme.solution,
        "residual": last.relative_residual if last else {},
        "history": [report.as_dict() for report in scheme.reports],
    }


def _row(report: Report, groups: list[str]) -> dict[str, Any]:
    worst, feedback, expected = report.worst, report.feedback or (None, None), report.expected or (None, None, None)
    return {
        "evaluation": report.evaluation,
        "verdict": report.word or "",
        **{f"residual {group}": report.relative_residual.get(group) for group in groups},
        **{f"tolerances {group}": report.residual.get(group) for group in groups},
        "worst": worst.name if worst else None,
        "asked": worst.x if worst else None,
        "answered": worst.g if worst else None,
        "step": report.step,
        "contraction": report.contraction,
        "feedback_low": feedback[0],
        "feedback_high": feedback[1],
        "error": report.error,
        "expected": expected[0],
        "expected_low": expected[1],
        "expected_high": expected[2],
        "failure": report.failure or "",
        "sentence": report.sentence,
    }
