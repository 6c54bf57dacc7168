"""Results on standard output, talk on standard error."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from calculation_engine.errors import CalculationEngineError


def say(text: str = "") -> None:
    """Tell the person at the terminal something that is not a result."""
    typer.echo(text, err=True)


def print_text(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def print_json(value: Any) -> None:
    """Print a result as one JSON document; schemas anywhere in it are understood."""
    typer.echo(json.dumps(value, indent=2, default=_plain))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], indent: str = "") -> None:
    """Print a result as aligned columns; nothing is cut off, so that a pipe gets all of it."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        typer.echo(indent + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_error(error: CalculationEngineError) -> None:
    """Tell what was wrong, where, and what to do."""
    say(f"error: {error.message}")
    for fault in error.faults:
        say(f"  {fault}")
    if error.hint:
        say(f"hint: {error.hint}")


def local_time(time: str | None) -> str:
    """Return a time of the server as one of this place, to the second."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S") if time else ""


def duration(started: str | None, ended: str | None) -> str:
    """Return how long something took, or has taken so far."""
    if started is None:
        return ""
    end = datetime.fromisoformat(ended) if ended else datetime.now(UTC)
    seconds = (end - datetime.fromisoformat(started)).total_seconds()
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def verdict_text(verdict: dict[str, Any] | None) -> str:
    """Return what a solver said, in a line: ``optimal, objective 46.431``."""
    if not verdict:
        return ""
    parts = [str(verdict.get("status", ""))]
    parts += [f"{key} {_number(value)}" for key, value in verdict.items() if key != "status" and value is not None]
    return ", ".join(part for part in parts if part)


def is_terminal() -> bool:
    """Whether a person watches what :func:`say` writes."""
    return sys.stderr.isatty()


def _number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _cell(value: object) -> str:
    """Return a value as one line that moves no cursor, whatever a module or another user wrote."""
    line = "" if value is None else " ".join(str(value).split())
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) == "Cc" else c for c in line)


def _plain(value: object) -> Any:
    dump = getattr(value, "model_dump", None)  # a schema, without importing pydantic for `--help`
    return dump(mode="json") if dump else str(value)
