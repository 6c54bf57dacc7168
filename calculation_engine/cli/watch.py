"""A job's progress: a table that lives on a terminal, a line at each change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from calculation_engine.cli.output import duration, is_terminal, say, verdict_text
from calculation_engine.cli.rounds import round_lines, rounds_table
from calculation_engine.client.job import Job
from calculation_engine.errors import Conflict
from calculation_engine.schemas.event import Event
from calculation_engine.schemas.job import JobView, StepView
from calculation_engine.states import ENDED, State

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

#: Progress is shown no more often than this.
_PAUSE_SECONDS = 0.2
#: A job of so many steps that its answer takes longer is not asked for at each event, but after a pause that grows.
_QUICK_SECONDS = 0.1
_PAUSE_PER_SECOND = 10.0
_MOST_ROWS = 20
_COLOURS = {
    State.QUEUED: "dim",
    State.RUNNING: "blue",
    State.SUCCEEDED: "green",
    State.FAILED: "red",
    State.CANCELLED: "yellow",
}


def watch(job: Job) -> Job:
    """Show a job's progress until it has ended; Ctrl-C once cancels it, twice leaves it to be cancelled.

    Raises:
        KeyboardInterrupt: the second one.
    """
    if is_terminal():
        return _watch_live(job)
    lines = Lines()
    return _until_ended(job, lines.show)


class Lines:
    """Says each change of a job once."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[State, str, int]] = {}
        self._rounds: dict[str, int] = {}

    def show(self, view: JobView) -> None:
        """Say what has changed since the last time."""
        for step in view.steps:
            tenths = int((step.progress or 0.0) * 10)
            if step.state is not State.QUEUED and self._said.get(step.id) != (step.state, step.message, tenths):
                self._said[step.id] = (step.state, step.message, tenths)
                say(_line(step))
        for loop in view.loops:
            for line in round_lines(loop, self._rounds.get(loop["component"], 0)):
                say(line)
            self._rounds[loop["component"]] = len(loop["history"])


def _until_ended(job: Job, show: Callable[[JobView], None]) -> Job:
    not_before = 0.0

    def on_event(event: Event) -> None:
        nonlocal not_before
        began = time.monotonic()
        if began >= not_before:
            show(job.refresh().view)
            pause = _PAUSE_SECONDS if event.kind == "progress" else 0.0
            not_before = began + max(pause, _PAUSE_PER_SECOND * (time.monotonic() - began - _QUICK_SECONDS))

    try:
        job.wait(on_event=on_event)
    except KeyboardInterrupt:
        say("cancelling the job; Ctrl-C again leaves it to that")
        with suppress(Conflict):  # it may end in this moment
            job.cancel()
        job.wait(on_event=on_event)
    show(job.view)
    return job


def _watch_live(job: Job) -> Job:
    from rich.console import Console
    from rich.live import Live

    view = job.view

    def show(latest: JobView) -> None:
        nonlocal view
        view = latest

    with Live(console=Console(stderr=True), get_renderable=lambda: _shown(view), refresh_per_second=4) as live:
        ended = _until_ended(job, show)
        live.refresh()
    return ended


def _shown(view: JobView) -> Group:
    from rich.console import Group

    return Group(_table(view), *(rounds_table(loop) for loop in view.loops if loop["history"]))


def _table(view: JobView) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("step", "state", "", "time", "message"):
        table.add_column(column)
    if len(view.steps) > _MOST_ROWS:
        done = sum(step.state in ENDED for step in view.steps)
        table.add_row(f"… {len(view.steps)} steps", "", "", "", f"{done} have ended")
    for step in _news(view.steps):
        percent = "" if step.progress is None or step.state in ENDED else f"{step.progress:.0%}"
        colour = _COLOURS[step.state]
        message = escape(_remark(step))
        table.add_row(
            escape(step.path), f"[{colour}]{step.state}[/]", percent, duration(step.started, step.ended), message
        )
    return table


def _news(steps: Sequence[StepView]) -> list[StepView]:
    """Return as many steps as are shown, in their order: what runs, what ended last, what is next."""
    running = [step for step in steps if step.state is State.RUNNING]
    ended = [step for step in steps if step.state in ENDED]
    queued = [step for step in steps if step.state is State.QUEUED]
    shown = [*running, *reversed(ended), *queued][:_MOST_ROWS]
    return sorted(shown, key=lambda step: step.id)


def _line(step: StepView) -> str:
    percent = f" {step.progress:.0%}" if step.progress is not None and step.state is State.RUNNING else ""
    took = f" ({duration(step.started, step.ended)})" if step.ended and step.started else ""
    remark = _remark(step)
    return f"{step.path}: {step.state}{percent}{took}" + (f": {remark}" if remark else "")


def _remark(step: StepView) -> str:
    if step.reused_from and step.state is State.SUCCEEDED:
        return f"taken from an earlier run; {verdict_text(step.verdict)}".rstrip("; ")
    if step.state is State.SUCCEEDED and step.verdict:
        return verdict_text(step.verdict)
    reason = f"{step.reason}: " if step.reason else ""
    return f"{reason}{step.message}".rstrip(": ")
