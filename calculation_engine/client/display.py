"""A job as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from calculation_engine.schemas.job import JobView, StepView
from calculation_engine.states import State

_COLOURS = {
    State.QUEUED: "#6b7280",
    State.RUNNING: "#1d4ed8",
    State.SUCCEEDED: "#15803d",
    State.FAILED: "#b91c1c",
    State.CANCELLED: "#a16207",
}


def job_html(job: JobView) -> str:
    """Return a job with its steps as one HTML table; everything a user or module wrote is escaped."""
    rows = "".join(_row(step) for step in job.steps)
    title = f"<b>{escape(job.name or job.id)}</b> {_state(job.state)}"
    message = f"<div>{escape(job.message)}</div>" if job.message else ""
    head = "<tr><th>step</th><th>module</th><th>state</th><th>verdict</th><th>message</th></tr>"
    return f"<div>{title} <code>{escape(job.id)}</code></div>{message}<table>{head}{rows}</table>"


def _row(step: StepView) -> str:
    verdict = ", ".join(f"{key} {value}" for key, value in (step.verdict or {}).items())
    cells = [escape(step.path), escape(step.module), _state(step.state), escape(verdict), escape(step.message)]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _state(state: State) -> str:
    return f'<span style="color:{_COLOURS[state]}">{state}</span>'
