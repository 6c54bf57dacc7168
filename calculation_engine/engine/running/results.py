"""What an attempt leaves: collected from its place, judged, and kept in the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from calculation_engine.db.rows import NewOutput, StepRow
from calculation_engine.engine.running.ledger import Ledger
from calculation_engine.engine.running.outcome import Outcome, judge
from calculation_engine.engine.running.verification import Verifier
from calculation_engine.engine.steps.paths import attempt_outputs, files_below
from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.errors import AttemptLost, DiskLimit
from calculation_engine.executors.base import Executor, Exit, Task
from calculation_engine.modules.checks import label_of
from calculation_engine.modules.scalars import read_scalars
from calculation_engine.states import Reason, State
from calculation_engine.store import Store

#: How a program ends that could not write.
_BLAMELESS = {Reason.EXIT_CODE, Reason.OUTPUT_MISSING, Reason.MODULE_ERROR, Reason.INPUT_INVALID}


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
class Left:
    """How an attempt ended, and what it left."""

    end: Exit
    outcome: Outcome
    paths: list[str]
    """Files in its ``output/`` tree."""
    outputs: list[NewOutput] = field(default_factory=list)
    """The same as they are kept."""
    scalars: dict[str, float | None] | None = None


@dataclass(frozen=True)
class Results:
    """Takes in what attempts of this engine leave."""

    store: Store
    verifier: Verifier
    data_dir: Path

    def collect(self, running: Running, end: Exit) -> Left:
        """Return how an attempt ended; its files stand in the data folder then, and are not kept yet.

        Raises:
            AttemptLost: it failed while nothing could be written.
            ExecutorUnavailable: its place cannot be reached.
        """
        folder = attempt_outputs(self.data_dir, running.task.attempt_id)
        try:
            running.executor.collect(running.task, running.handle, folder)
        except DiskLimit as error:
            if end.reason is None:
                end = replace(end, reason=Reason.DISK_LIMIT, message=f"{error.message}; {error.hint}")
        paths = files_below(folder)
        outcome = judge(running.spec, end, folder, paths)
        self._refuse_to_blame(outcome, end)
        return Left(end, outcome, paths)

    def keep(self, running: Running, left: Left) -> Left:
        """Put the files of an attempt into the store; hold them against a stored result where that was asked for."""
        folder = attempt_outputs(self.data_dir, running.task.attempt_id)
        scalars = read_scalars(running.spec.scalars, partial(_read, folder))
        outputs = [self._stored(running.spec, folder, path) for path in left.paths]
        outcome = left.outcome
        if outcome.state is State.SUCCEEDED:
            outcome = self._verified(running, outcome, outputs)
        return replace(left, outcome=outcome, outputs=outputs, scalars=scalars)

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

    def _stored(self, spec: StepSpec, folder: Path, path: str) -> NewOutput:
        slot = label_of(spec.outputs, path)
        blob = self.store.adopt(folder / path)
        return NewOutput(
            path=path,
            sha256=blob.sha256,
            size=blob.size,
            label=slot.label if slot else None,
            media_type=slot.media_type if slot else "application/octet-stream",
        )


def _read(folder: Path, path: str) -> bytes | None:
    file = folder / path
    return file.read_bytes() if file.is_file() else None
