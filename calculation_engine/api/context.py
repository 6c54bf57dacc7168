"""What every operation of the API works with."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from calculation_engine.db.database import Database
from calculation_engine.engine.intake.submission import Submission
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.settings import Settings
from calculation_engine.store import Store

#: Requests that are in the database or at a file at the same time; those that wait for something hold no thread.
_THREADS = 16


def _nobody() -> None:
    """Wake nobody: the engines are other processes, which look by themselves."""


@dataclass(frozen=True)
class Context:
    """The parts of the system behind the API."""

    settings: Settings
    database: Database
    store: Store
    catalogue: Catalogue
    submission: Submission
    wake: Callable[[], None] = _nobody
    """Tells an engine in the same process that there is work; thread-safe, returns at once."""
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "api"))
    """Threads in which everything runs that may block."""

    def close(self) -> None:
        """End the threads, when what they have in hand is done."""
        self.pool.shutdown(cancel_futures=True)
