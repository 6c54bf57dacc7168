"""Equal steps: a step takes a stored result, waits for an equal one in flight, or is computed; and why it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import structlog

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JoinMode, Reused, StepRow, Waits
from calculation_engine.engine.running.verification import Verifier
from calculation_engine.engine.steps.keyed import Keyed
from calculation_engine.engine.steps.programs import content_files
from calculation_engine.engine.steps.stored import StoredResults
from calculation_engine.errors import NotFound
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.reuse import Reuse

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Joining:
    """Joins steps that compute the same. One object serves all threads."""

    database: Database
    catalogue: Catalogue
    results: StoredResults
    verifier: Verifier
    known_contents: set[str] = field(default_factory=set)
    """Content hashes of modules whose files are kept."""

    def joined(self, step: StepRow, keyed: Keyed, token: str) -> dict[str, Any] | None:
        """Let a step take an equal one's result, or wait for one in flight; else return why it is to be computed."""
        cause = self._cause(step, keyed.key)
        if self._is_joined(step, keyed, token, cause):
            return None
        self._note_content(keyed)
        return cause

    def _cause(self, step: StepRow, key: str) -> dict[str, Any]:
        """Return why the step is computed if it is, as far as that is known before looking for a result."""
        mode = Reuse.model_validate(step.reuse or {}).mode
        if mode == "verify":
            return {"word": "verify", "reference": self.verifier.reference(step, key)}
        return {"word": "reuse_off" if mode == "never" else "no_result"}

    def _is_joined(self, step: StepRow, keyed: Keyed, token: str, cause: dict[str, Any]) -> bool:
        steps = self.database.steps
        mode = JoinMode.REUSE if cause["word"] == "no_result" else JoinMode.FRESH
        joined = steps.join(step.id, token, keyed.key, mode)
        if isinstance(joined, Reused) and self.results.is_whole(joined.step_id):
            try:
                steps.reuse(step.id, token, joined.step_id, self.results.scalars(keyed.spec, joined.step_id))
            except NotFound:  # deleted since
                return self._is_joined(step, keyed, token, cause)
            metrics.STEPS_REUSED.inc()
            log.info("step_reused", step=step.id, from_step=joined.step_id)
            return True
        if isinstance(joined, Reused):
            log.error("stored_result_damaged", step=joined.step_id)
            cause |= {"word": "result_damaged", "reference": joined.step_id}
            joined = steps.join(step.id, token, keyed.key, JoinMode.FRESH)
        return isinstance(joined, Waits)

    def _note_content(self, keyed: Keyed) -> None:
        """Keep which files the module consists of, once for each content, so that a later run can name what changed."""
        spec = keyed.spec
        if spec.content_hash not in self.known_contents:
            files = content_files(spec, self.catalogue)
            if files is not None:
                self.database.history.note_content(spec.content_hash, files)
            self.known_contents.add(spec.content_hash)
