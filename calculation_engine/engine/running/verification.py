"""Holds a result that was computed anew against the one that is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calculation_engine.comparison.files import Comparer, Result
from calculation_engine.comparison.sentences import summary_sentence
from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, StepRow
from calculation_engine.engine.running.outcome import STATUS_FILE
from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.modules.checks import label_of
from calculation_engine.schemas.comparison import FileDifference
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.why import Verification
from calculation_engine.states import State
from calculation_engine.store import Store

_MOST_FILES_KEPT = 50


@dataclass(frozen=True)
class Verifier:
    """Finds what a step is to be held against, and compares."""

    database: Database
    store: Store
    scratch: Path

    def reference(self, step: StepRow, key: str) -> str | None:
        """Return the step whose stored result is the measure: of the job that is repeated, else the first equal one."""
        job = self.database.jobs.get(step.job_id)
        if job.origin and job.origin.get("kind") == "rerun":
            earlier = self.database.history.step_at(job.origin["job"], step.path)
            if earlier is not None and earlier.state is State.SUCCEEDED:
                return earlier.id
        return self.database.history.stored_result(key, job.owner, but=step.id)

    def verify(self, step: StepRow, spec: StepSpec, outputs: Sequence[NewOutput]) -> Verification | None:
        """Return how a step's result compares with the stored one, and keep it; None where that was not asked for.

        The declared outputs count; of a step without any, all files but the status file.
        """
        reuse = Reuse.model_validate(step.reuse or {})
        run = self.database.history.runs([step.id]).get(step.id)
        if reuse.mode != "verify" or run is None:
            return None
        reference = run.cause.get("reference")
        stored = self.database.steps.outputs_of(reference) if reference else []
        if not reference or not stored:
            found = Verification(verdict="nothing_stored", sentence="there is no stored result to compare with")
        else:
            found = self._compared(reference, stored, outputs, spec, reuse)
        self.database.history.note_verification(step.id, found.model_dump(mode="json"))
        return found

    def _compared(
        self, reference: str, stored: Sequence[NewOutput], outputs: Sequence[NewOutput], spec: StepSpec, reuse: Reuse
    ) -> Verification:
        absent = [file.path for file in stored if not self.store.has(Blob(sha256=file.sha256, size=file.size))]
        if absent:
            sentence = f"stored files are gone or damaged: {', '.join(absent[:5])}"
            return Verification(verdict="nothing_stored", sentence=sentence, reference=reference)
        declared = any(file.label for file in stored)
        comparer = Comparer(self.store.path, reuse, self.scratch)
        files = list(comparer.compare(results_of(stored, spec, declared), results_of(outputs, spec, declared)))
        differing = [file for file in files if file.state not in {"same", "close"}]
        return Verification(
            verdict="differs" if differing else "same",
            sentence=summary_sentence(files),
            reference=reference,
            files=_most_telling(files),
        )


def results_of(outputs: Sequence[NewOutput], spec: StepSpec | None, declared: bool) -> dict[str, Result]:
    """Return a step's files as they are compared, by path.

    Args:
        outputs: what it left.
        spec: of the step; it declares the columns of tables.
        declared: whether files without a declared label are left out.
    """
    found = {}
    for file in outputs:
        if file.path == STATUS_FILE or (declared and not file.label):
            continue
        slot = label_of(spec.outputs, file.path) if spec else None
        blob = Blob(sha256=file.sha256, size=file.size)
        found[file.path] = Result(blob, file.media_type, slot.columns if slot else (), slot.varies if slot else ())
    return found


def _most_telling(files: Sequence[FileDifference]) -> list[Any]:
    return sorted(files, key=lambda file: (file.state in {"same", "close"}, file.state == "same"))[:_MOST_FILES_KEPT]
