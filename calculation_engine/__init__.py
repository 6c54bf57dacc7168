"""Runs containerised scientific models: alone, chained, or coupled until they agree."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calculation_engine.cli.here import run as run

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what lies above every layer only when it is asked for: ``calculation_engine.run``."""
    if name == "run":
        return import_module("calculation_engine.cli.here").run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
