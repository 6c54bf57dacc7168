"""What a worker writes of its step: as often as it takes while the database is away, and never over another's word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, StepEnd, StepRow
from calculation_engine.engine.running.outcome import Outcome
from calculation_engine.engine.running.retrying import Again
from calculation_engine.errors import DatabaseUnavailable, Stale
from calculation_engine.executors.base import Exit
from calculation_engine.states import ENDED, Reason, State

log = structlog.get_logger(__name__)

#: How the message of a step begins that the disk has no room for.
NO_ROOM = "waits for room on the disk"
_RETRY_SECONDS = 2.0

for _state in sorted(ENDED):  # a counter that is 0 is told as well
    metrics.STEPS_ENDED.labels(state=_state)


@dataclass
class Control:
    """What others tell a worker while it has a step in hand."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    """The engine stops, or has lost the lease: leave what runs to the next one."""
    tell: Callable[[], None] = lambda: None
    """Called when the step's end is written: its job can be planned on while the worker cleans up."""


@dataclass(frozen=True)
class Ledger:
    """Writes the course of one leased step."""

    database: Database
    step: StepRow
    control: Control

    @property
    def token(self) -> str:
        """The token of the lease under which the step is in hand."""
        assert self.step.lease_token is not None
        return self.step.lease_token

    @property
    def _lease(self) -> tuple[str, str]:
        return self.step.id, self.token

    def note(self, fraction: float | None, message: str) -> None:
        """Write progress, which may be lost."""
        self._quietly(lambda: self.database.steps.progress(*self._lease, fraction, message[:500]))

    def release(self, delay_seconds: float, message: str) -> None:
        """Give the step back unstarted, to be taken up again after a while."""
        self._quietly(lambda: self.database.steps.release(*self._lease, delay_seconds, message))

    def started(self, handle: str, host: str) -> None:
        """Write that the attempt runs."""
        self._persist(lambda: self.database.steps.started(*self._lease, handle, host))

    def requeue(self, again: Again) -> None:
        """Write that the attempt failed, and that another is to be made."""
        self._persist(
            lambda: self.database.steps.requeue(
                *self._lease, again.reason, again.message, again.delay_seconds, again.memory_bytes, again.exit_code
            )
        )
        log.info("step_tried_again", step=self.step.id, reason=again.reason, delay_seconds=again.delay_seconds)

    def cancel(self, message: str = "cancelled before it started") -> None:
        """Write that the step ended on request, without having run."""
        self.end(Outcome(State.CANCELLED, Reason.CANCELLED, message))

    def end(
        self,
        outcome: Outcome,
        exit_: Exit | None = None,
        outputs: list[NewOutput] | None = None,
        scalars: dict[str, float | None] | None = None,
    ) -> bool:
        """Write the step's end; False when it belongs to another engine by now, which then cleans up as well."""
        row = StepEnd(
            state=outcome.state,
            reason=outcome.reason,
            message=outcome.message,
            verdict=outcome.verdict,
            scalars=scalars,
            exit_code=exit_.exit_code if exit_ else None,
            cpu_seconds=exit_.cpu_seconds if exit_ else None,
            peak_memory_bytes=exit_.peak_memory_bytes if exit_ else None,
            started=_time(exit_.started if exit_ else None),
            ended=_time(exit_.ended if exit_ else None),
            outputs=outputs or [],
        )
        step = self.step
        try:
            self._persist(lambda: self.database.steps.end(*self._lease, row))
        except Stale:
            log.warning("step_taken_over", step=step.id)
            return False
        self.control.tell()
        metrics.STEPS_ENDED.labels(state=outcome.state).inc()
        if exit_ and exit_.started and exit_.ended:
            metrics.STEP_SECONDS.labels(module=step.module).observe(exit_.ended - exit_.started)
        log.info("step_ended", step=step.id, job=step.job_id, state=outcome.state, reason=outcome.reason)
        return True

    def _persist(self, write: Callable[[], Any]) -> None:
        while True:
            try:
                write()
                return
            except DatabaseUnavailable:
                if self.control.stopping.wait(_RETRY_SECONDS):
                    raise

    def _quietly(self, write: Callable[[], Any]) -> None:
        try:
            write()
        except (DatabaseUnavailable, Stale) as error:
            log.debug("write_skipped", error=error.message)


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
