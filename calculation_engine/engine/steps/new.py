"""Steps as they are queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uuid_utils import uuid7

from calculation_engine.db.rows import NewStep
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.workflow import Process
from calculation_engine.settings import Settings


def new_step(process: Process, files: Mapping[str, Blob], settings: Settings, path: str = "") -> NewStep:
    """Return the step of a process whose files are all known; its path is the process's name unless it is given."""
    return NewStep(
        id=str(uuid7()),
        path=path or process.name,
        process=process.name,
        module=process.module,
        executor=process.executor or settings.executor,
        config=process.config,
        files=dict(files),
        resources=process.resources.model_dump(mode="json", exclude_none=True),
        reuse=reuse_of(process.reuse),
        retry=process.retry.model_dump(mode="json") if process.retry else None,
    )


def reuse_of(reuse: Reuse | None) -> dict[str, Any] | None:
    """Return what a step's row keeps of which results it may take."""
    return None if reuse is None or reuse.mode == "results" else reuse.model_dump(mode="json")
