"""What a run leaves beside its tables: ``solution.json`` and ``status.yaml``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Report:
    """``solution.json``: how the model was solved, in numbers; fields that a solver does not tell are null."""

    status: str = "unknown"
    objective: float | None = None
    bound: float | None = None
    gap: float | None = None
    violation: float | None = None  #: by which the worst constraint is missed, relative to 1 + |limit|
    violated: str | None = None  #: that constraint
    objective_constant: float | None = None
    maximise: bool | None = None
    iterations: int | None = None
    nodes: int | None = None
    rows: int | None = None
    columns: int | None = None
    nonzeros: int | None = None
    integers: int | None = None
    stopped_by: str | None = None
    solver: str = ""
    model_sha256: str | None = None
    times_seconds: dict[str, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None

    def write(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")

    def verdict(self) -> dict[str, Any]:
        """Return the solver's word and the numbers that belong beside it."""
        numbers = {"objective": self.objective, "bound": self.bound, "gap": self.gap, "stopped_by": self.stopped_by}
        return {"status": self.status, **{name: value for name, value in numbers.items() if value is not None}}


def relative_gap(objective: float, bound: float | None) -> float | None:
    """Return ``|objective - bound| / max(|objective|, 1e-10)`` [-], as CBC and HiGHS define it."""
    if bound is None or not math.isfinite(bound):
        return None
    return abs(objective - bound) / max(abs(objective), 1e-10)


def write_status(folder: Path, code: int, message: str, verdict: dict[str, Any] | None) -> None:
    """Write ``status.yaml``, as JSON, which is YAML."""
    content: dict[str, Any] = {"code": code, "message": message}
    if verdict:
        content["verdict"] = verdict
    (folder / "status.yaml").write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
