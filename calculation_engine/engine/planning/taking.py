"""New steps that need not run: an equal step has succeeded, and its result is still stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewStep, StoredResult
from calculation_engine.engine.steps.keyed import Keyed, Keys
from calculation_engine.engine.steps.stored import StoredResults


@dataclass(frozen=True)
class Taking:
    """Finds the stored results of many steps at once.

    What is not found here is queued, and looked for once more before it runs: an equal step may have ended meanwhile.
    """

    database: Database
    keys: Keys
    results: StoredResults

    def of(self, steps: Sequence[NewStep], owner: str) -> list[NewStep]:
        """Return the steps, those with a stored result saying whose they take."""
        keyed = self.keys.quickly([step for step in steps if step.reuse is None])
        if not keyed:
            return list(steps)
        stored = self.database.history.stored_results({each.key for each in keyed.values()}, owner)
        absent = self.results.absent(file for result in stored.values() for file in result.files)
        return [self._taken(step, keyed.get(step.id), stored, absent) for step in steps]

    def _taken(
        self, step: NewStep, keyed: Keyed | None, stored: Mapping[str, StoredResult], absent: Collection[str]
    ) -> NewStep:
        result = stored.get(keyed.key) if keyed else None
        if keyed is None or result is None or any(file.sha256 in absent for file in result.files):
            return step
        # Equal keys have equal manifests, which name the same numbers; those of an import may not be known.
        scalars = result.scalars or self.results.scalars(keyed.spec, result.step_id)
        return replace(step, key=keyed.key, reused_from=result.step_id, scalars=scalars)
