"""What a run leaves beside its tables: ``solution.json`` and ``status.yaml``."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ogcore_module.attempts import Attempt
from ogcore_module.checks import Check

CONVERGED, NOT_CONVERGED = "converged", "not_converged"


@dataclass
class Report:
    """How the economy was solved, in numbers."""

    status: str = NOT_CONVERGED
    ogcore_version: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    start_year: int | None = None
    years_per_period: float | None = None
    base_prices: str = "own"
    start: dict[str, Any] = field(default_factory=dict)  #: what was asked for, what was used, and why not more
    steady_state: list[Attempt] = field(default_factory=list)
    steady_state_errors: list[float] = field(default_factory=list)
    time_path: list[Attempt] = field(default_factory=list)
    distances: list[float] = field(default_factory=list)
    tolerance: float | None = None
    checks: list[Check] = field(default_factory=list)
    times_seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Keep the time that the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.times_seconds[stage] = round(time.perf_counter() - started, 6)

    @property
    def iterations(self) -> int | None:
        """Iterations of the path that was solved; none without a path."""
        return len(self.distances) if self.time_path else None

    @property
    def warnings(self) -> list[str]:
        """The checks that failed, as sentences."""
        return [
            f"{check.name} is {check.value:.3g}, expected {'at least' if check.lower else 'at most'} {check.limit:g}"
            for check in self.checks
            if not check.passed
        ]

    def verdict(self) -> dict[str, Any]:
        """Return the solver's word and the numbers that belong beside it."""
        numbers = {"iterations": self.iterations, "distance": self.distances[-1] if self.distances else None}
        return {"status": self.status, **{name: value for name, value in numbers.items() if value is not None}}

    def write(self, path: Path) -> None:
        """Write it, with the memory used until now."""
        document = {
            "status": self.status,
            "ogcore_version": self.ogcore_version,
            "sizes": self.sizes,
            "start_year": self.start_year,
            "years_per_period": self.years_per_period,
            "base_prices": self.base_prices,
            "start": self.start,
            "steady_state": {
                "method": self._method(self.steady_state),
                "evaluations": len(self.steady_state_errors),
                "errors": self.steady_state_errors,
                "attempts": [attempt.document() for attempt in self.steady_state],
            },
            "time_path": None if not self.time_path else self._path_document(),
            "checks": [check.document() for check in self.checks],
            "warnings": self.warnings,
            "times_seconds": self.times_seconds,
            "peak_memory_bytes": peak_memory_bytes(),
        }
        path.write_text(json.dumps(document, indent=1) + "\n")

    def _path_document(self) -> dict[str, Any]:
        return {
            "method": self._method(self.time_path),
            "iterations": self.iterations,
            "tolerance": self.tolerance,
            "distances": self.distances,
            "attempts": [attempt.document() for attempt in self.time_path],
        }

    @staticmethod
    def _method(attempts: list[Attempt]) -> dict[str, str] | None:
        """Return the methods and the start that worked, none where nothing did."""
        last = attempts[-1] if attempts else None
        return {**last.settings, "start": last.start} if last and last.outcome == "solved" else None


def peak_memory_bytes() -> int:
    """Return the most memory that this process held."""
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def write_status(folder: Path, code: int, message: str, verdict: dict[str, Any] | None) -> None:
    """Write ``status.yaml``, as JSON, which is YAML."""
    content: dict[str, Any] = {"code": code, "message": message}
    if verdict:
        content["verdict"] = verdict
    (folder / "status.yaml").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
