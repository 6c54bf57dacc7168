"""The body of every error reply (RFC 9457)."""

from __future__ import annotations

from calculation_engine.schemas.base import Schema


class ProblemFault(Schema):
    """One thing wrong in a request."""

    path: str
    message: str
    hint: str | None = None


class Problem(Schema):
    """application/problem+json."""

    type: str
    """``about:blank#`` and the error's name, which does not change."""
    title: str
    status: int
    detail: str
    hint: str | None = None
    instance: str | None = None
    """Id under which the server's log has more, for errors that are not the user's."""
    retryable: bool = False
    faults: list[ProblemFault] = []
