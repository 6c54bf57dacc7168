"""What happened to a job, in the order in which it happened."""

from __future__ import annotations

from typing import Any

from calculation_engine.schemas.base import Schema


class Event(Schema):
    """One event of a job, as the stream of events sends it."""

    id: int
    time: str
    kind: str
    """``job`` (its state changed), ``step`` (a step's state changed) or ``progress``."""
    data: dict[str, Any]
