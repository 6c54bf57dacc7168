"""Results that equal steps may take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calculation_engine.db.database import Database
from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.modules.scalars import read_scalars
from calculation_engine.schemas.files import Blob
from calculation_engine.store import Store


@dataclass(frozen=True)
class StoredResults:
    """What steps that ended have left, as far as it is still there."""

    database: Database
    store: Store

    def absent(self, files: Iterable[Blob]) -> set[str]:
        """Return the sha256 of those files that are no longer in the store, or not with all their bytes."""
        contents = {(file.sha256, file.size): file for file in files}
        return {file.sha256 for file in contents.values() if not self.store.has(file)}

    def is_whole(self, step_id: str) -> bool:
        """Return whether all that a step left is still in the store."""
        outputs = self.database.steps.outputs_of(step_id)
        return not self.absent(Blob(sha256=file.sha256, size=file.size) for file in outputs)

    def scalars(self, spec: StepSpec, step_id: str) -> dict[str, float | None] | None:
        """Return the numbers that a step's module names, as they stand in its outputs."""
        files = {file.path: file.sha256 for file in self.database.steps.outputs_of(step_id)} if spec.scalars else {}

        def read(path: str) -> bytes | None:
            if path not in files:
                return None
            with self.store.open(files[path]) as file:
                return file.read()

        return read_scalars(spec.scalars, read)
