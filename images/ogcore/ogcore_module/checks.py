"""How good a solution is: residuals of the model's own equations, each beside the limit that it is held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Check:
    """One number that says how well an equation holds."""

    name: str
    value: float
    limit: float
    enforced: bool  #: OG-Core ends the run when it fails
    lower: bool = False  #: the limit is the least that is allowed

    @property
    def passed(self) -> bool:
        """Whether the value is within the limit; one that is no number is not."""
        return self.value >= self.limit if self.lower else self.value <= self.limit

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "name": self.name,
            "value": self.value if np.isfinite(self.value) else None,
            ("at_least" if self.lower else "at_most"): self.limit,
            "passed": bool(self.passed),
            "enforced": self.enforced,
        }


def check_steady_state(solution: Mapping[str, Any], p: Any, settled: float | None) -> list[Check]:
    """Return the checks of a steady state.

    Args:
        solution: OG-Core's arrays by name.
        p: the parameters.
        settled: relative change of the steady state in one more iteration [-].
    """
    return [
        Check("steady_state.resource_constraint", _largest(solution["resource_constraint_error"]), p.RC_SS, True),
        Check("steady_state.change", np.inf if settled is None else settled, 1e-6, False),
        *_household_checks("steady_state", solution, p, enforced=False),
    ]


def check_time_path(solution: Mapping[str, Any], p: Any, distance: float) -> list[Check]:
    """Return the checks of a time path.

    Args:
        solution: OG-Core's arrays by name.
        p: the parameters.
        distance: largest relative change in the last iteration [-].
    """
    return [
        Check("time_path.resource_constraint", _largest(solution["resource_constraint_error"]), p.RC_TPI, True),
        Check("time_path.distance", distance, p.mindist_TPI, True),
        *_household_checks("time_path", solution, p, enforced=True),
    ]


def _household_checks(stage: str, solution: Mapping[str, Any], p: Any, *, enforced: bool) -> Iterator[Check]:
    """Yield the first-order conditions' errors, and bounds that a solution may pass without OG-Core's minding."""
    for name in ("savings", "labor_leisure"):
        yield Check(f"{stage}.euler_{name}", _largest(solution[f"euler_{name}"]), p.mindist_TPI, enforced)
    yield Check(f"{stage}.least_government_consumption", float(np.min(solution["G"])), 0.0, False, lower=True)
    yield Check(f"{stage}.least_consumption", float(np.min(solution["c"])), 0.0, False, lower=True)
    yield Check(f"{stage}.least_labour", float(np.min(solution["n"])), 0.0, False, lower=True)
    yield Check(f"{stage}.most_labour", float(np.max(solution["n"])), float(p.ltilde), False)


def _largest(values: Any) -> float:
    return float(np.abs(np.asarray(values, dtype=float)).max())
