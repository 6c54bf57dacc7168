"""Requests to a server: addresses, tokens, retries of what may be sent twice, and replies turned into our errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
from pydantic import ValidationError

from calculation_engine import __version__, errors
from calculation_engine.errors import (
    CalculationEngineError,
    EngineError,
    Fault,
    InvalidInput,
    ServerUnreachable,
    UserError,
)
from calculation_engine.schemas.problem import Problem

#: Pauses before a request that may be sent twice is sent again.
RETRY_PAUSES_SECONDS = (0.2, 0.6, 1.5)
_UNAVAILABLE = frozenset({502, 503, 504})
_IDEMPOTENT = frozenset({"GET", "HEAD", "DELETE"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Transport:
    """A connection to one server."""

    def __init__(self, server: str, token: str | None, timeout_seconds: float) -> None:
        self.server = server.rstrip("/").removesuffix("/api")
        headers = {"User-Agent": f"calculation-engine/{__version__}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            url = httpx2.URL(self.server)
        except httpx2.InvalidURL as error:
            raise _not_an_address(server) from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise _not_an_address(server)
        self._http = httpx2.Client(
            base_url=f"{self.server}/api",
            headers=headers,
            timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 10.0)),
            # A proxy of the environment must not stand between this machine and itself.
            trust_env=url.host not in _LOOPBACK,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(self, method: str, path: str, *, idempotent: bool | None = None, **arguments: Any) -> httpx2.Response:
        """Send a request and return its whole reply.

        Args:
            method: of HTTP.
            path: below ``/api``.
            idempotent: whether it may be sent again when the connection broke; default: what the method means.
            arguments: of the HTTP library: ``params``, ``json``, ``content``, ``headers``.

        Raises:
            CalculationEngineError: what the server answered, as the class that it names.
            ServerUnreachable: no answer came.
        """
        repeat = method in _IDEMPOTENT if idempotent is None else idempotent
        for pause in (*RETRY_PAUSES_SECONDS, None) if repeat else (None,):
            try:
                response = self._http.request(method, path, **arguments)
            except httpx2.TransportError as error:
                if pause is None:
                    raise self._unreachable(error) from error
            else:
                if response.status_code not in _UNAVAILABLE or pause is None:
                    return _checked(response)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def json(self, method: str, path: str, **arguments: Any) -> Any:
        """Send a request and return the JSON of its reply; raises as :meth:`request`."""
        response = self.request(method, path, **arguments)
        try:
            return response.json()
        except ValueError as error:
            raise self._not_ours(f"expected JSON, got {response.text[:200]!r}") from error

    @contextmanager
    def stream(self, path: str, *, silence_seconds: float | None = 60.0, **arguments: Any) -> Iterator[httpx2.Response]:
        """GET ``path`` and yield its reply while the body is still coming.

        Args:
            path: below ``/api``.
            silence_seconds: how long the server may be silent; none: as long as it likes.
            arguments: as of :meth:`request`.

        Raises:
            CalculationEngineError: what the server answered.
            ServerUnreachable: no answer came, or it broke off in the middle.
        """
        timeout = httpx2.Timeout(silence_seconds, connect=10.0)
        try:
            with self._http.stream("GET", path, timeout=timeout, **arguments) as response:
                if not response.is_success:
                    response.read()
                yield _checked(response)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx2.TransportError) -> ServerUnreachable:
        why = str(error) or type(error).__name__
        if isinstance(error, httpx2.TimeoutException):
            return ServerUnreachable(
                f"{self.server} did not answer in time ({why})", hint="is it overloaded? try again later"
            )
        return ServerUnreachable(
            f"{self.server} cannot be reached: {why}",
            hint="start a server with `calculation-engine serve`, or name the right one with --server or CE_SERVER",
        )

    def _not_ours(self, why: str) -> EngineError:
        return EngineError(
            f"{self.server} does not answer as a calculation engine: {why}", hint="is the address right?"
        )


def error_of(status: int, body: Mapping[str, Any]) -> CalculationEngineError:
    """Return the error that a problem document tells, as the class that it names.

    Args:
        status: of the reply, which decides between the user's and ours for a name that is not known here.
        body: the document.
    """
    problem = Problem.model_validate(body, extra="ignore")
    name = problem.type.rpartition("#")[2]
    known = getattr(errors, name, None)
    if not (isinstance(known, type) and issubclass(known, CalculationEngineError)):
        known = UserError if 400 <= status < 500 else EngineError
    hint = problem.hint
    if problem.instance:
        hint = f"{hint}; " if hint else ""
        hint += f"the server's log has more under {problem.instance}"
    faults = [Fault(fault.path, fault.message, fault.hint) for fault in problem.faults]
    return known(problem.detail or problem.title, hint=hint, faults=faults)


def _checked(response: httpx2.Response) -> httpx2.Response:
    if response.is_success:
        return response
    try:
        error = error_of(response.status_code, json.loads(response.text))
    except (ValueError, ValidationError):
        kind = UserError if response.is_client_error else EngineError
        text = " ".join(response.text.split())[:200] or response.reason_phrase
        error = kind(
            f"{response.request.method} {response.request.url}: {response.status_code}: {text}",
            hint="this is not an answer of a calculation engine: is the address right?",
        )
    raise error


def _not_an_address(server: str) -> InvalidInput:
    return InvalidInput(f"server: expected an address such as http://127.0.0.1:8081, got {server!r}")
