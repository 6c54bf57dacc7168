"""Results that equal steps may take."""

from __future__ import annotations

from collections.abc import Mapping
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

    def files(self, step_id: str) -> dict[str, Blob] | None:
        """Return a step's outputs by path, or None where one of them is no longer in the store."""
        outputs = self.database.steps.outputs_of(step_id)
        files = {file.path: Blob(sha256=file.sha256, size=file.size) for file in outputs}
        return files if all(self.store.has(blob) for blob in files.values()) else None

    def scalars(self, spec: StepSpec, files: Mapping[str, Blob]) -> dict[str, float | None] | None:
        """Return the numbers that a step's module names, as they stand in these outputs."""

        def read(path: str) -> bytes | None:
            if path not in files:
                return None
            with self.store.open(files[path].sha256) as file:
                return file.read()

        return read_scalars(spec.scalars, read)
