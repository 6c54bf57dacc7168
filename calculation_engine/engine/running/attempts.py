"""Attempts seen through: begun or found again, watched, ended or lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewRun, StepRow
from calculation_engine.engine.running.ledger import NO_ROOM, Ledger
from calculation_engine.engine.running.outcome import Outcome
from calculation_engine.engine.running.progress import ProgressReader
from calculation_engine.engine.running.results import Results, Running
from calculation_engine.engine.running.retrying import again_after
from calculation_engine.engine.steps.paths import attempt_outputs, earlier_log, step_log
from calculation_engine.engine.steps.spec import StepSpec, TaskMaker, spec_of
from calculation_engine.errors import AttemptLost, ExecutorUnavailable
from calculation_engine.executors.base import Executor, Exit, Prepared, Task
from calculation_engine.states import Reason, State
from calculation_engine.store import Store, is_full

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 2.0
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Attempts:
    """Sees attempts of this engine's steps through. One object serves all threads."""

    database: Database
    store: Store
    executors: Mapping[str, Executor]
    results: Results
    data_dir: Path
    attempts: int
    """Of a step that says nothing of retries itself."""
    gone_places: Collection[str]
    """What was begun in one of these is lost."""
    most_memory_bytes: int
    """Up to which a step's memory may grow here."""
    unremoved: list[tuple[Executor, Task]] = field(default_factory=list)
    """Attempts of which something was left, for their place could not be reached."""

    def has_open(self, step: StepRow) -> bool:
        """Return whether the step's current attempt was begun and has not ended."""
        attempts = self.database.steps.attempts(step.id) if step.attempt else []
        return any(attempt.number == step.attempt and attempt.ended is None for attempt in attempts)

    def begin(self, step: StepRow, spec: StepSpec, key: str, run: NewRun, ledger: Ledger) -> None:
        """Make the place ready, begin an attempt there, and see it through; not where the step's end was asked for."""
        executor = self.executors[step.executor]
        prepared = self._prepare(executor, spec, ledger)
        if ledger.control.cancelled.is_set():
            ledger.cancel()
        elif ledger.control.stopping.is_set():
            ledger.release(0, "")
        else:
            begun = self.database.steps.begin(
                step.id,
                ledger.token,
                attempt_increment=True,
                spec=spec.model_dump(mode="json"),
                key=key,
                module_version=spec.version,
                host=executor.place,
                image=prepared.image,
                run=run,
            )
            self._set_log_aside(begun)
            self._submit(begun, spec, ledger)

    def begin_again(self, ledger: Ledger, outcome: Outcome) -> bool:
        """Let a step be tried again on which the engine failed; False where it has no attempt left."""
        step = self.database.steps.get(ledger.step.id)
        if not self.has_open(step):
            step = self.database.steps.begin(
                step.id,
                ledger.token,
                attempt_increment=True,
                spec=step.spec,
                key=None,
                module_version=step.module_version,
                host=self.executors[step.executor].place,
                image=None,
            )
        again = again_after(step, outcome, self.attempts, self.most_memory_bytes)
        if again is None:
            return False
        spec = spec_of(step)
        if spec is not None:  # two attempts never run at once
            self.executors[step.executor].remove(TaskMaker(self.data_dir, self.store).make(step, spec))
        ledger.requeue(again)
        return True

    def _prepare(self, executor: Executor, spec: StepSpec, ledger: Ledger) -> Prepared:
        self.store.room.check()
        told = 0.0

        def say(line: str) -> None:
            nonlocal told
            if time.monotonic() - told > _PROGRESS_SECONDS:
                told = time.monotonic()
                ledger.note(None, line)

        return executor.prepare(spec.program, say)

    def _submit(self, step: StepRow, spec: StepSpec, ledger: Ledger) -> None:
        executor = self.executors[step.executor]
        task = TaskMaker(self.data_dir, self.store).make(step, spec)
        task.log.parent.mkdir(parents=True, exist_ok=True)
        handle = executor.submit(task)
        ledger.started(handle, executor.place)
        log.info("step_started", step=step.id, job=step.job_id, attempt=step.attempt, handle=handle)
        self._watch(Running(step, spec, task, handle, executor, ledger))

    def resume(self, step: StepRow, spec: StepSpec, ledger: Ledger) -> None:
        """Go on with an attempt that another engine, or an earlier life of this one, had in hand.

        It stays in hand while its place cannot be reached: it may run there, and must not be begun anew meanwhile.
        """
        told = ""
        while not ledger.control.stopping.is_set():
            try:
                self._resume(step, spec, ledger)
                return
            except ExecutorUnavailable as error:
                log.warning("executor_unavailable", step=step.id, executor=step.executor, error=error.message)
                if told != error.message:
                    told = error.message
                    ledger.note(None, told)
                ledger.control.stopping.wait(_RETRY_SECONDS)

    def _resume(self, step: StepRow, spec: StepSpec, ledger: Ledger) -> None:
        executor = self.executors[step.executor]
        task = TaskMaker(self.data_dir, self.store).make(step, spec)
        if why := self._why_gone(step, executor):
            self._lose(Running(step, spec, task, step.handle or "", executor, ledger), why)
            return
        handle = executor.find(task)
        if handle is None and step.handle is None:
            if step.cancel_requested:
                ledger.cancel()
            else:
                self._prepare(executor, spec, ledger)
                self._submit(step, spec, ledger)
            return
        running = Running(step, spec, task, handle or "", executor, ledger)
        if handle is None:
            self._lose(running, f"what ran as {step.handle} on {step.host} is gone")
            return
        try:
            executor.attach(task, handle)
        except AttemptLost as error:
            self._lose(running, error.message)
            return
        if step.state is not State.RUNNING:
            ledger.started(handle, executor.place)
        log.info("step_attached", step=step.id, job=step.job_id, attempt=step.attempt, handle=handle)
        self._watch(running)

    def _why_gone(self, step: StepRow, executor: Executor) -> str:
        """Return why nothing is left of an attempt, from where it was begun alone; "" where it may be there."""
        if step.host in self.gone_places:
            return f"it was begun on {step.host}, which never comes back, as the settings say"
        if step.host in executor.replaced_places:
            return f"it was begun on {step.host}, in whose stead there is {executor.place} now"
        return ""

    def _watch(self, running: Running) -> None:
        control = running.ledger.control
        reader = ProgressReader(running.task.log, running.spec.progress)
        looked = time.monotonic()
        while not control.stopping.is_set():
            try:
                with self._later_where_unavailable(running.ledger):
                    if control.cancelled.is_set():
                        running.executor.cancel(running.task, running.handle)
                    end = running.executor.wait(running.task, running.handle, _POLL_SECONDS)
                    if end is not None:
                        self._finish(running, end)
                        return
            except AttemptLost as error:
                self._lose(running, error.message)
                return
            if time.monotonic() - looked > _PROGRESS_SECONDS:
                looked = time.monotonic()
                seen = reader.look()
                if seen is not None:
                    running.ledger.note(seen.fraction, seen.message)

    def _finish(self, running: Running, end: Exit) -> None:
        left = self.results.collect(running, end)
        again = again_after(running.step, left.outcome, self.attempts, self.most_memory_bytes)
        if again is not None and not running.ledger.control.cancelled.is_set():
            self._clean(running)
            running.ledger.requeue(again)
            return
        kept = self.results.keep(running, left)
        if running.ledger.end(kept.outcome, kept.end, kept.outputs, kept.scalars):
            self._clean(running)

    def _lose(self, running: Running, why: str) -> None:
        metrics.STEPS_LOST.inc()
        step, ledger = running.step, running.ledger
        log.warning("attempt_lost", step=step.id, attempt=step.attempt, why=why)
        self._clean(running)
        if step.cancel_requested or ledger.control.cancelled.is_set():
            ledger.cancel("cancelled on request")
            return
        again = again_after(step, Outcome(State.FAILED, Reason.LOST, why), self.attempts, self.most_memory_bytes)
        if again is None:
            message = f"attempt {step.attempt} was lost, and no more are made: {why}"
            ledger.end(Outcome(State.FAILED, Reason.LOST, message))
        else:
            ledger.requeue(again)

    @contextmanager
    def _later_where_unavailable(self, ledger: Ledger) -> Iterator[None]:
        """Wait a little where the place cannot be reached, or the disk takes nothing: what was done stays."""
        try:
            yield
        except ExecutorUnavailable as error:
            log.warning("executor_unavailable", error=error.message)
            ledger.control.stopping.wait(_RETRY_SECONDS)
        except OSError as error:
            if not is_full(error):
                raise
            log.warning("storage_full", step=ledger.step.id, error=str(error))
            ledger.note(None, f"{NO_ROOM}: its results, or its log, could not be written")
            ledger.control.stopping.wait(_RETRY_SECONDS)

    def remove_unremoved(self) -> None:
        """Leave nothing of attempts that could not be reached when they ended; as far as they can be now."""
        for left in list(self.unremoved):
            executor, task = left
            try:
                executor.remove(task)
            except ExecutorUnavailable:
                return
            self.unremoved.remove(left)

    def _clean(self, running: Running) -> None:
        """Leave nothing of an attempt; what cannot be reached now is removed as soon as it can."""
        shutil.rmtree(attempt_outputs(self.data_dir, running.task.attempt_id), ignore_errors=True)
        try:
            running.executor.remove(running.task)
        except ExecutorUnavailable as error:
            log.warning("attempt_not_removed", attempt=running.task.attempt_id, error=error.message)
            self.unremoved.append((running.executor, running.task))

    def _set_log_aside(self, step: StepRow) -> None:
        """Keep what a lost attempt wrote: this one begins a log of its own."""
        log_file = step_log(self.data_dir, step.id)
        if step.attempt > 1 and log_file.exists():
            log_file.rename(earlier_log(self.data_dir, step.id, step.attempt - 1))
