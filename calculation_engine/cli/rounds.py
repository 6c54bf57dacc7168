"""The rounds of a loop as people read them: how far from agreement each evaluation was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def round_lines(loop: Mapping[str, Any], told: int) -> Iterator[str]:
    """Yield a line for each evaluation after the first ``told``."""
    for report in loop["history"][told:]:
        yield f"{loop['component']}: {report['sentence']}"


def rounds_table(loop: Mapping[str, Any]) -> Table:
    """Return a table with a row an evaluation: residual of each group, the worst variable, the step that led here."""
    from rich.markup import escape
    from rich.table import Table

    groups = list(dict.fromkeys(group for report in loop["history"] for group in report["relative_residual"]))
    table = Table(box=None, pad_edge=False, header_style="dim", title_justify="left")
    for column in ("evaluation", *(f"change of {group}" for group in groups), "largest at", "step", "still expected"):
        table.add_column(escape(column), justify="right" if column != "largest at" else "left")
    for report in loop["history"]:
        number = str(report["evaluation"])
        if report["failure"]:
            table.add_row(number, *("" for _ in groups), f"[red]{escape(report['failure'])}[/]", "", "")
            continue
        values = (_number(report["relative_residual"].get(group)) for group in groups)
        worst = report["worst"]["name"] if report["worst"] else ""
        table.add_row(number, *values, escape(worst), _number(report["step"]), _expected(report))
    return table


def verdict_line(loop: Mapping[str, Any]) -> str:
    """Return how a loop ended, in a line."""
    last = loop["history"][-1]["sentence"] if loop["history"] else "nothing was evaluated"
    count = loop["evaluations"]
    last = last.removeprefix(f"evaluation {count}: ")
    evaluations = f"{count} evaluation{'' if count == 1 else 's'}"
    return f"{loop['component']}: {loop['verdict'] or 'not ended'} after {evaluations}: {last}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def _expected(report: Mapping[str, Any]) -> str:
    if report["word"] or not report["expected"]:
        return ""
    middle, low, high = report["expected"]
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"
