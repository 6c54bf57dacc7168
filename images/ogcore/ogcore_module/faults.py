"""What ends a run early, with the code and the sentence that the user sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHOWN = 20  #: faults of one input that are listed; a wrong array may have thousands


class Fault(Exception):
    """A run that ends without results.

    Args:
        message: what was wrong, where, and what to do.
        code: 400 the input cannot be used, 422 the economy has no equilibrium that was found, 500 the module failed.
        verdict: how the solver ended, when it got that far.
    """

    def __init__(self, message: str, code: int = 400, verdict: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.verdict = verdict


def refuse(faults: Sequence[str]) -> None:
    """Raise one Fault that lists all of an input's faults; none: return."""
    if not faults:
        return
    listed = list(faults[:SHOWN])
    if len(faults) > SHOWN:
        listed.append(f"and {len(faults) - SHOWN} more")
    raise Fault(listed[0] if len(listed) == 1 else f"{len(faults)} faults:\n" + "\n".join(listed))
