"""The life of one step in this engine's hands: reuse or start, watch, judge, keep."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import structlog
from uuid_utils import uuid4

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JoinMode, NewOutput, NewRun, Reused, StepRow, Waits
from calculation_engine.engine.running.ledger import NO_ROOM, Control, Ledger
from calculation_engine.engine.running.outcome import Outcome, judge
from calculation_engine.engine.running.progress import ProgressReader
from calculation_engine.engine.running.retrying import again_after
from calculation_engine.engine.running.verification import Verifier
from calculation_engine.engine.steps.keys import step_key
from calculation_engine.engine.steps.paths import attempt_outputs, earlier_log, files_below, scratch, step_log
from calculation_engine.engine.steps.programs import content_files, resolve
from calculation_engine.engine.steps.spec import StepSpec, TaskMaker, spec_of
from calculation_engine.errors import (
    AttemptLost,
    CalculationEngineError,
    DatabaseUnavailable,
    DiskLimit,
    EnvironmentFailed,
    ExecutorUnavailable,
    ImageMissing,
    InvalidInput,
    NotFound,
    Stale,
    StorageFull,
    StoreCorrupt,
)
from calculation_engine.executors.base import Executor, Exit, Prepared, Task
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.modules.checks import label_of
from calculation_engine.modules.scalars import read_scalars
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.states import Reason, State
from calculation_engine.store import Store, full_is_told, is_full

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 2.0
_ROOM_SECONDS = 5.0
_PROGRESS_SECONDS = 1.0
#: How a program ends that could not write.
_BLAMELESS = {Reason.EXIT_CODE, Reason.OUTPUT_MISSING, Reason.MODULE_ERROR, Reason.INPUT_INVALID}
#: What a step's failure is called when its place, or its module, could not take it.
_REASONS: dict[type[CalculationEngineError], Reason] = {
    ImageMissing: Reason.IMAGE_MISSING,
    EnvironmentFailed: Reason.ENVIRONMENT_FAILED,
    DiskLimit: Reason.DISK_LIMIT,
    InvalidInput: Reason.INPUT_INVALID,
    StoreCorrupt: Reason.ENGINE_ERROR,
}


@dataclass(frozen=True)
class Running:
    """An attempt that was started, and what is needed to see it through."""

    step: StepRow
    spec: StepSpec
    task: Task
    handle: str
    executor: Executor
    ledger: Ledger


@dataclass(frozen=True)
class Worker:
    """Brings steps that this engine has leased to their end. One object serves all threads."""

    database: Database
    store: Store
    catalogue: Catalogue
    executors: Mapping[str, Executor]
    data_dir: Path
    attempts: int
    """Of a step that says nothing of retries itself."""
    gone_places: Collection[str]
    """What was begun in one of these is lost."""
    most_memory_bytes: int
    """Up to which a step's memory may grow here."""
    unremoved: list[tuple[Executor, Task]] = field(default_factory=list)
    """Attempts of which something was left, for their place could not be reached."""
    known_contents: set[str] = field(default_factory=set)
    """Content hashes of modules whose files are kept."""

    @cached_property
    def verifier(self) -> Verifier:
        """What holds results against stored ones."""
        return Verifier(self.database, self.store, scratch(self.data_dir))

    def run(self, step: StepRow, control: Control) -> None:
        """Bring a leased step to its end, or give it back. Never raises."""
        ledger = Ledger(self.database, step, control)
        try:
            with full_is_told():
                self._run(step, ledger)
        except Stale:
            log.warning("step_taken_over", step=step.id)
        except ExecutorUnavailable as error:
            log.warning("executor_unavailable", step=step.id, executor=step.executor, error=error.message)
            ledger.release(_RETRY_SECONDS, str(error))
        except StorageFull as error:
            log.warning("storage_full", step=step.id, error=error.message)
            ledger.release(_ROOM_SECONDS, f"{NO_ROOM}: {error.message}")
        except DatabaseUnavailable as error:
            log.warning("database_unavailable", step=step.id, error=error.message)
        except tuple(_REASONS) as error:
            reason = next(reason for kind, reason in _REASONS.items() if isinstance(error, kind))
            self._fail(ledger, Outcome(State.FAILED, reason, str(error)))
        except Exception:
            incident = str(uuid4())
            log.exception("step_broke_the_engine", step=step.id, incident=incident)
            message = f"the engine failed on this step; its log has more under {incident}"
            self._fail(ledger, Outcome(State.FAILED, Reason.ENGINE_ERROR, message))

    def _fail(self, ledger: Ledger, outcome: Outcome) -> None:
        """End a step that did not come to its end by itself, or let it be tried again."""
        if outcome.reason is Reason.ENGINE_ERROR and ledger.step.retry is not None:
            try:
                if self._retried_after_error(ledger, outcome):
                    return
            except (DatabaseUnavailable, ExecutorUnavailable, Stale) as error:
                log.warning("step_left", step=ledger.step.id, error=error.message)
                return  # as after the death of an engine: whoever takes it over goes on with what there is
        ledger.end(outcome)

    def _retried_after_error(self, ledger: Ledger, outcome: Outcome) -> bool:
        step = self.database.steps.get(ledger.step.id)
        if not self._has_open_attempt(step):
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

    def _run(self, step: StepRow, ledger: Ledger) -> None:
        spec = spec_of(step)
        if spec is not None and self._has_open_attempt(step):
            self._resume(step, spec, ledger)
        elif step.cancel_requested:
            ledger.cancel()
        else:
            self._start(step, ledger)

    def _has_open_attempt(self, step: StepRow) -> bool:
        attempts = self.database.steps.attempts(step.id) if step.attempt else []
        return any(attempt.number == step.attempt and attempt.ended is None for attempt in attempts)

    def _start(self, step: StepRow, ledger: Ledger) -> None:
        try:
            spec = resolve(step, self.catalogue, self.store)
        except NotFound as error:  # it was there when the job was stored: another engine may have it
            ledger.release(_RETRY_SECONDS, f"waits for an engine that has its module: {error.message}")
            return
        executor = self.executors[step.executor]
        environment = executor.environment_id(spec.program)
        key = step_key(
            content_hash=spec.content_hash,
            environment_id=environment,
            command=spec.command,
            config=step.config,
            files=step.files,
        )
        cause = self._cause(step, key)
        if self._joined(step, spec, key, ledger.token, cause):
            return
        self._note_content(spec)
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
                run=NewRun(spec.content_hash, environment, cause),
            )
            self._set_log_aside(begun)
            self._submit(begun, spec, ledger)

    def _set_log_aside(self, step: StepRow) -> None:
        """Keep what a lost attempt wrote: this one begins a log of its own."""
        log_file = step_log(self.data_dir, step.id)
        if step.attempt > 1 and log_file.exists():
            log_file.rename(earlier_log(self.data_dir, step.id, step.attempt - 1))

    def _cause(self, step: StepRow, key: str) -> dict[str, Any]:
        """Return why the step is computed if it is, as far as that is known before looking for a result."""
        mode = Reuse.model_validate(step.reuse or {}).mode
        if mode == "verify":
            return {"word": "verify", "reference": self.verifier.reference(step, key)}
        return {"word": "reuse_off" if mode == "never" else "no_result"}

    def _note_content(self, spec: StepSpec) -> None:
        """Keep which files the module consists of, once for each content, so that a later run can name what changed."""
        if spec.content_hash not in self.known_contents:
            files = content_files(spec, self.catalogue)
            if files is not None:
                self.database.history.note_content(spec.content_hash, files)
            self.known_contents.add(spec.content_hash)

    def _joined(self, step: StepRow, spec: StepSpec, key: str, token: str, cause: dict[str, Any]) -> bool:
        """Take an equal step's result, or wait for one in flight; False when this step is to be computed."""
        steps = self.database.steps
        mode = JoinMode.REUSE if cause["word"] == "no_result" else JoinMode.FRESH
        joined = steps.join(step.id, token, key, mode)
        files = self._stored_files(joined.step_id) if isinstance(joined, Reused) else None
        if isinstance(joined, Reused) and files is not None:
            try:
                steps.reuse(step.id, token, joined.step_id, read_scalars(spec.scalars, partial(self._stored, files)))
            except NotFound:  # deleted since
                return self._joined(step, spec, key, token, cause)
            metrics.STEPS_REUSED.inc()
            log.info("step_reused", step=step.id, from_step=joined.step_id)
            return True
        if isinstance(joined, Reused):
            log.error("stored_result_damaged", step=joined.step_id)
            cause |= {"word": "result_damaged", "reference": joined.step_id}
            joined = steps.join(step.id, token, key, JoinMode.FRESH)
        return isinstance(joined, Waits)

    def _stored_files(self, step_id: str) -> dict[str, Blob] | None:
        """Return a step's outputs by path, or None where one of them is no longer in the store."""
        outputs = self.database.steps.outputs_of(step_id)
        files = {file.path: Blob(sha256=file.sha256, size=file.size) for file in outputs}
        return files if all(self.store.has(blob) for blob in files.values()) else None

    def _stored(self, files: Mapping[str, Blob], path: str) -> bytes | None:
        if path not in files:
            return None
        with self.store.open(files[path].sha256) as file:
            return file.read()

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

    def _resume(self, step: StepRow, spec: StepSpec, ledger: Ledger) -> None:
        """Go on with an attempt that another engine, or an earlier life of this one, had in hand."""
        executor = self.executors[step.executor]
        task = TaskMaker(self.data_dir, self.store).make(step, spec)
        if step.host in self.gone_places:
            why = f"it was begun on {step.host}, which never comes back, as the settings say"
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
        folder = attempt_outputs(self.data_dir, running.task.attempt_id)
        try:
            running.executor.collect(running.task, running.handle, folder)
        except DiskLimit as error:
            if end.reason is None:
                end = replace(end, reason=Reason.DISK_LIMIT, message=f"{error.message}; {error.hint}")
        paths = files_below(folder)
        outcome = judge(running.spec, end, folder, paths)
        self._refuse_to_blame(outcome, end)
        again = again_after(running.step, outcome, self.attempts, self.most_memory_bytes)
        if again is not None and not running.ledger.control.cancelled.is_set():
            self._clean(running)
            running.ledger.requeue(again)
            return
        scalars = read_scalars(running.spec.scalars, partial(_read, folder))
        outputs = [self._keep(running.spec, folder, path) for path in paths]
        if outcome.state is State.SUCCEEDED:
            outcome = self._verified(running, outcome, outputs)
        if running.ledger.end(outcome, end, outputs, scalars):
            self._clean(running)

    def _verified(self, running: Running, outcome: Outcome, outputs: list[NewOutput]) -> Outcome:
        """Return the outcome, which is a failure where the result was to be that of an earlier run and is not."""
        found = self.verifier.verify(running.step, running.spec, outputs)
        if found is None:
            return outcome
        if found.verdict == "differs":
            message = f"computed anew, it differs from the stored result: {found.sentence}"
            return replace(outcome, state=State.FAILED, reason=Reason.NOT_REPRODUCED, message=message)
        return replace(outcome, message=f"{outcome.message}; verified: {found.sentence}".removeprefix("; "))

    def _refuse_to_blame(self, outcome: Outcome, end: Exit) -> None:
        """Take an attempt for lost that failed while nothing was left on the disk: it could not write.

        Raises:
            AttemptLost: as said.
        """
        if outcome.reason in _BLAMELESS and end.started and self.store.room.was_exhausted_since(end.started):
            raise AttemptLost(f"the disk of the data folder was full while it ran ({outcome.message})")

    def _keep(self, spec: StepSpec, folder: Path, path: str) -> NewOutput:
        slot = label_of(spec.outputs, path)
        blob = self.store.adopt(folder / path)
        return NewOutput(
            path=path,
            sha256=blob.sha256,
            size=blob.size,
            label=slot.label if slot else None,
            media_type=slot.media_type if slot else "application/octet-stream",
        )

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


def _read(folder: Path, path: str) -> bytes | None:
    file = folder / path
    return file.read_bytes() if file.is_file() else None
