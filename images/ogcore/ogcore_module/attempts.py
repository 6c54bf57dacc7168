"""One attempt after another, until one of them is a solution."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

#: What OG-Core and the root finders raise where a point is not solved.
UNSOLVED = (RuntimeError, ValueError, ArithmeticError, AssertionError, np.linalg.LinAlgError)


@dataclass
class Attempt:
    """How one attempt was made and how it went, as ``solution.json`` tells it."""

    settings: dict[str, str]  #: OG-Core's parameters that differ from attempt to attempt
    start: str
    count: int = 0  #: evaluations of the steady state, iterations of the path
    error: float | None = None  #: the last one's largest error, or distance
    outcome: str = ""
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}

    @property
    def how(self) -> str:
        """Methods and start in words."""
        methods = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        return f"{methods}, from {self.start}"

    def sentence(self) -> str:
        """Return it for the log."""
        reached = "" if self.error is None else f", error {self.error:.2g}"
        return f"{self.how}: {self.count} evaluations{reached}: {self.outcome}"


@contextlib.contextmanager
def timed(attempt: Attempt) -> Iterator[None]:
    """Add the time of the block to the attempt."""
    started = time.perf_counter()
    try:
        yield
    finally:
        attempt.seconds += time.perf_counter() - started


@contextlib.contextmanager
def using(specifications: Any, settings: dict[str, str]) -> Iterator[None]:
    """Let OG-Core use other methods for the time of a block."""
    before = {name: getattr(specifications, name) for name in settings}
    for name, value in settings.items():
        setattr(specifications, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(specifications, name, value)
