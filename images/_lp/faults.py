"""What ends a run early, with the code and the sentence that the user sees."""

from __future__ import annotations

from typing import Any


class Fault(Exception):
    """A run that ends without results.

    Args:
        message: what was wrong, where, and what to do.
        code: 400 the input cannot be read, 422 the model has no solution, 500 the solver failed.
        verdict: the solver's word and numbers, when it got that far.
    """

    def __init__(self, message: str, code: int = 400, verdict: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.verdict = verdict
