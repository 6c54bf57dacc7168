"""What steps were computed from, and results that others may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calculation_engine.schemas.files import Blob


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A step that succeeded, whose result equal steps may take."""

    step_id: str
    scalars: dict[str, float | None] | None
    files: Sequence[Blob]  #: contents of its outputs


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a step is computed from besides what its row has, and why it is computed."""

    content_hash: str
    environment: str
    cause: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunRow(NewRun):
    """A stored run."""

    step_id: str
    verification: dict[str, Any] | None
