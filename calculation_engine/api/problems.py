"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from uuid import uuid4

import structlog
from tornado.web import HTTPError

from calculation_engine.errors import CalculationEngineError, Fault, InvalidInput, StorageFull, UserError
from calculation_engine.schemas.problem import Problem, ProblemFault

PROBLEM_TYPE = "application/problem+json"
_RETRY_SECONDS = "2"
#: Where the one process of a job in short form stands after it was written out.
_SHORT_PREFIXES = {"module": "workflow.processes[0].", "processes": "workflow."}

log = structlog.get_logger(__name__)


class MethodNotAllowed(UserError):
    """The address exists, but not for this method."""

    status = 405

    def __init__(self, message: str, allowed: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.allowed = allowed


class RangeNotSatisfiable(UserError):
    """The range that is asked for is not in the file."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"the range is outside the file, which has {size} bytes")
        self.size = size


def problem_of(error: BaseException) -> Problem:
    """Return what the user is told of an error; what is not the user's fault is logged under an id."""
    if isinstance(error, HTTPError):
        title = _phrase(error.status_code)
        return Problem(type="about:blank", title=title, status=error.status_code, detail=error.reason or title)
    if not isinstance(error, CalculationEngineError):
        incident = _logged(error)
        detail = "the server failed on this request; that is not your fault"
        hint = f"report it with the id {incident}"
        return Problem(
            type="about:blank#EngineError",
            title="Internal Server Error",
            status=500,
            detail=detail,
            hint=hint,
            instance=incident,
        )
    return Problem(
        type=f"about:blank#{error.code}",
        title=_phrase(error.status),
        status=error.status,
        detail=error.message,
        hint=error.hint,
        instance=_logged(error) if error.status >= 500 and not isinstance(error, StorageFull) else None,
        retryable=error.retryable,
        faults=[ProblemFault(path=fault.path, message=fault.message, hint=fault.hint) for fault in error.faults],
    )


def headers_of(error: BaseException) -> dict[str, str]:
    """Return the headers that belong to an error's reply."""
    if isinstance(error, RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{error.size}"}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": error.allowed}
    if isinstance(error, CalculationEngineError):
        if error.status == HTTPStatus.UNAUTHORIZED:
            return {"WWW-Authenticate": 'Bearer realm="calculation-engine"'}
        if error.retryable:
            return {"Retry-After": _RETRY_SECONDS}
    return {}


def as_sent(error: InvalidInput, document: object) -> InvalidInput:
    """Return the error with the paths of the form in which the user wrote the job."""
    keys = document.keys() if isinstance(document, dict) and "workflow" not in document else ()
    prefix = next((prefix for key, prefix in _SHORT_PREFIXES.items() if key in keys), "")
    faults = [Fault(fault.path.removeprefix(prefix), fault.message, fault.hint) for fault in error.faults]
    return InvalidInput(error.message, hint=error.hint, faults=faults)


def _logged(error: BaseException) -> str:
    incident = str(uuid4())
    log.error("request_failed", incident=incident, exc_info=error)
    return incident


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else str(status)
