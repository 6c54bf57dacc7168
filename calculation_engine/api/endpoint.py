"""The one request handler: takes a request in, runs its operation where nothing is blocked, replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any, cast

import structlog
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from calculation_engine import metrics
from calculation_engine.api.admission import method_error, methods_of, no_address, route_for
from calculation_engine.api.bodies import Body, NoSink, Sink
from calculation_engine.api.intake import most_bytes, sink_for
from calculation_engine.api.problems import PROBLEM_TYPE, headers_of, problem_of
from calculation_engine.api.query import read_query
from calculation_engine.api.routes import JSON_TYPE, Call, Content, Reply, Route
from calculation_engine.api.security import LOCAL_OWNER
from calculation_engine.api.work import Work
from calculation_engine.errors import CalculationEngineError

log = structlog.get_logger(__name__)

_HOP_BYTES = 1 << 20  # of a body are gathered before a thread is asked to take them
#: Of a body that is refused, so many bytes are read before the answer: a client that still sends may not read it.
_DRAIN_BYTES = 4 << 20
_HEADERS = {
    "Server": "calculation-engine",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Origin",
}


@stream_request_body
class Endpoint(RequestHandler):
    """Answers every request of one address; ``routes`` has its methods, and is empty where there is no such address."""

    def initialize(self, work: Work, routes: Mapping[str, Route]) -> None:
        """Prepare for one request."""
        self._work = work
        self._routes = routes
        self._route: Route | None = None
        self._owner = LOCAL_OWNER
        self._query: Any = None
        self._sink: Sink = NoSink()
        self._pending = bytearray()
        self._refusal: Exception | None = None
        self._refused_bytes = 0
        self._gone = asyncio.Event()
        self._whole = True

    def set_default_headers(self) -> None:
        """Set what every reply has."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        """Decide on a request by its head, before its body comes."""
        try:
            self._admit()
        except CalculationEngineError as error:
            length = self.request.headers.get("Content-Length", "")
            if length.isdecimal() and int(length) > _DRAIN_BYTES:
                raise
            self._refusal = error

    async def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body; a refused body is read on for a while, for the client's sake."""
        if self._refusal is None:
            self._pending += chunk
            if len(self._pending) >= _HOP_BYTES:
                await self._take_pending()
            return
        self._refused_bytes += len(chunk)
        if self._refused_bytes > _DRAIN_BYTES and not self._finished:
            error = self._refusal
            self.send_error(500, exc_info=(type(error), error, error.__traceback__))

    async def answer(self, **path: str) -> None:
        """Run the operation and send its reply."""
        if self._finished:
            return
        if self._pending and self._refusal is None:
            await self._take_pending()
        if self._refusal is not None:
            raise self._refusal
        if self.request.method == "OPTIONS":
            self._send_options()
            return
        assert self._route is not None
        body = await self._work.run(self._sink.finish)
        await self._send(*await self._work.operate(self._route, self._call(self._route, path, body)))

    get = head = post = put = delete = patch = options = answer

    def on_connection_close(self) -> None:
        """Tell the operation that nobody waits any more."""
        super().on_connection_close()
        self._gone.set()
        self._work.later(self._sink.close)

    def on_finish(self) -> None:
        """Count the request, and drop what was not taken of its body."""
        self._work.later(self._sink.close)
        route = self._route.path if self._route else "none"
        method = self.request.method if self.request.method in self.SUPPORTED_METHODS else "other"
        metrics.REQUESTS.labels(method=method, route=route, status=self.get_status()).inc()
        metrics.REQUEST_SECONDS.labels(route=route).observe(self.request.request_time())

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Send an error; after the reply has begun, break it off so that it is not taken for whole."""
        if self._headers_written:
            cast("Any", self.request.connection).close()
        else:
            super().send_error(status_code, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write an error as a problem document."""
        error: BaseException = kwargs["exc_info"][1] if "exc_info" in kwargs else HTTPError(status_code)
        if isinstance(error, HTTPError) and error.status_code == 405:
            error = method_error(self.request.method or "", self.request.path, self._routes)
        problem = problem_of(error)
        self._allow_origin()
        self.set_status(problem.status)
        self.set_header("Content-Type", PROBLEM_TYPE)
        self.set_header("Cache-Control", "no-store")
        for name, value in headers_of(error).items():
            self.set_header(name, value)
        self.finish(problem.model_dump_json(exclude_none=True, indent=2) + "\n")

    def compute_etag(self) -> str | None:
        """Return the hash of a reply that is sent at once; the hash of nothing would stand for one that is streamed."""
        return super().compute_etag() if self._whole else None

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Note an error that comes too late for a problem document, which would log it otherwise."""
        if self._headers_written and value is not None:
            log.error("reply_broken_off", path=self.request.path, exc_info=value)

    def _admit(self) -> None:
        guard, headers = self._work.guard, self.request.headers
        page = self._routes.get("GET")
        guard.check_source(headers, linked=page is not None and page.linked and self.request.method in {"GET", "HEAD"})
        self._allow_origin()
        if not self._routes:
            raise no_address(self.request.path, self._work.paths)
        if self.request.method == "OPTIONS":
            return
        self._route = route_for(self.request.method or "", self.request.path, self._routes)
        if not self._route.open:
            self._owner = guard.find_owner(headers)
        self._query = read_query(self._route.query, self.request.query_arguments)
        self._sink = sink_for(self._route.takes, self.request, self._query, self._work.context)
        connection = cast("Any", self.request.connection)
        connection.set_max_body_size(most_bytes(self._route.takes, self._work.context.settings) + _DRAIN_BYTES)

    def _allow_origin(self) -> None:
        for name, value in self._work.guard.origin_headers(self.request.headers).items():
            self.set_header(name, value)

    def _send_options(self) -> None:
        self.set_header("Allow", methods_of(self._routes))
        if "Access-Control-Allow-Origin" in self._headers:
            self.set_header("Access-Control-Allow-Methods", methods_of(self._routes))
        self.set_status(204)
        self.finish()

    async def _take_pending(self) -> None:
        chunk = bytes(self._pending)
        self._pending.clear()
        try:
            await self._work.run(self._sink.write, chunk)
        except Exception as error:  # noqa: BLE001 - raised again when the body has been read
            self._refusal = error

    def _call(self, route: Route, path: Mapping[str, str], body: Body) -> Call:
        return Call(
            context=self._work.context,
            owner=self._owner,
            sees_all=not self._work.guard.uses_tokens,
            route=route,
            path=path,
            query=self._query,
            headers=self.request.headers,
            body=body,
            run=self._work.run,
            gone=self._gone,
        )

    async def _send(self, reply: Reply, encoded: bytes | None) -> None:
        self.set_status(reply.status)
        if encoded is None:
            self.clear_header("Content-Type")
        else:
            self.set_header("Content-Type", JSON_TYPE)
        for name, value in reply.headers.items():
            self.set_header(name, value)
        if reply.content is None:
            self.finish(encoded)
            return
        self._whole = False
        try:
            await self._stream(reply.content)
        except StreamClosedError:
            log.debug("client_gone", path=self.request.path)
        finally:
            await self._work.close(reply.content)

    async def _stream(self, content: Content) -> None:
        """Send content piece by piece, each only after the client has taken the one before."""
        if self.request.method != "HEAD":
            if isinstance(content, AsyncGenerator):
                await self.flush()  # It may be silent for long; an error of the other kind may still get a whole reply.
            async for chunk in self._work.chunks(content):
                self.write(chunk)
                await self.flush()
        self.finish()
