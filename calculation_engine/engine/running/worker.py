"""The life of one step in this engine's hands: taken from an equal one, begun or gone on with; and what errors mean."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from uuid_utils import uuid4

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewRun, StepRow
from calculation_engine.engine.running.attempts import Attempts
from calculation_engine.engine.running.joining import Joining
from calculation_engine.engine.running.ledger import NO_ROOM, Control, Ledger
from calculation_engine.engine.running.outcome import Outcome
from calculation_engine.engine.steps.keyed import Keys
from calculation_engine.engine.steps.programs import with_files
from calculation_engine.engine.steps.spec import spec_of
from calculation_engine.errors import (
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
from calculation_engine.states import Reason, State
from calculation_engine.store import Store, full_is_told

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 2.0
_ROOM_SECONDS = 5.0
#: What a step's failure is called when its place, or its module, could not take it.
_REASONS: dict[type[CalculationEngineError], Reason] = {
    ImageMissing: Reason.IMAGE_MISSING,
    EnvironmentFailed: Reason.ENVIRONMENT_FAILED,
    DiskLimit: Reason.DISK_LIMIT,
    InvalidInput: Reason.INPUT_INVALID,
    StoreCorrupt: Reason.ENGINE_ERROR,
}


@dataclass(frozen=True)
class Worker:
    """Brings steps that this engine has leased to their end. One object serves all threads."""

    database: Database
    store: Store
    keys: Keys
    joining: Joining
    attempts: Attempts

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
                if self.attempts.begin_again(ledger, outcome):
                    return
            except (DatabaseUnavailable, ExecutorUnavailable, Stale) as error:
                log.warning("step_left", step=ledger.step.id, error=error.message)
                return  # as after the death of an engine: whoever takes it over goes on with what there is
        ledger.end(outcome)

    def _run(self, step: StepRow, ledger: Ledger) -> None:
        spec = spec_of(step)
        if spec is not None and self.attempts.has_open(step):
            self.attempts.resume(step, spec, ledger)
        elif step.cancel_requested:
            ledger.cancel()
        else:
            self._start(step, ledger)

    def _start(self, step: StepRow, ledger: Ledger) -> None:
        try:
            keyed = self.keys.of(step)
        except NotFound as error:  # it was there when the job was stored: another engine may have it
            ledger.release(_RETRY_SECONDS, f"waits for an engine that has its module: {error.message}")
            return
        cause = self.joining.joined(step, keyed, ledger.token)
        if cause is not None:
            spec = with_files(keyed.spec, step, self.store)
            run = NewRun(spec.content_hash, keyed.environment, cause)
            self.attempts.begin(step, spec, keyed.key, run, ledger)
