"""Makes the web application out of the table of routes."""

from __future__ import annotations

from typing import Any

import structlog
from tornado.web import Application, RequestHandler

from calculation_engine.api.context import Context
from calculation_engine.api.docs import PAGE_HEADERS, docs_page
from calculation_engine.api.endpoint import Endpoint
from calculation_engine.api.openapi import openapi_document
from calculation_engine.api.page import page_routes
from calculation_engine.api.routes import PREFIX, Call, Reply, Returns, Route
from calculation_engine.api.security import Guard
from calculation_engine.api.table import ROUTES
from calculation_engine.api.work import Work

log = structlog.get_logger(__name__)


def make_application(context: Context) -> Application:
    """Return the application that answers all requests.

    Raises:
        InvalidInput: the file with the tokens cannot be used.
    """
    guard = Guard(context.settings)
    routes = [*ROUTES, *_describing(guard), *page_routes()]
    by_pattern: dict[str, dict[str, Route]] = {}
    for route in routes:
        for pattern in route.patterns:
            by_pattern.setdefault(pattern, {})[route.method] = route
    work = Work(context, guard, sorted({route.path for route in routes}))
    handlers: list[Any] = [
        (pattern, Endpoint, {"work": work, "routes": methods}) for pattern, methods in by_pattern.items()
    ]
    return Application(
        handlers,
        default_handler_class=Endpoint,
        default_handler_args={"work": work, "routes": {}},
        log_function=_log_request,
    )


def _describing(guard: Guard) -> list[Route]:
    """Return the routes that describe all others and themselves; a browser, which sends no token, may ask for them."""

    def show_openapi(call: Call) -> Reply:
        """Answer the OpenAPI document."""
        return Reply(document)

    def show_docs(call: Call) -> Reply:
        """Answer the page that describes the API."""
        return Reply(page, headers=PAGE_HEADERS)

    routes = [
        Route(
            "GET",
            f"{PREFIX}/openapi.json",
            show_openapi,
            tag="docs",
            summary="Get this description",
            returns={200: Returns("An OpenAPI 3.1 document.", media_type="application/json; charset=utf-8")},
            open=True,
        ),
        Route(
            "GET",
            f"{PREFIX}/docs",
            show_docs,
            tag="docs",
            summary="Read this description",
            returns={200: Returns("A page.", media_type="text/html")},
            open=True,
        ),
    ]
    document = openapi_document([*ROUTES, *routes], tokens=guard.uses_tokens)
    page = docs_page(document).encode()
    return routes


def _log_request(handler: RequestHandler) -> None:
    request = handler.request
    seconds = round(request.request_time(), 4)
    log.debug("request", method=request.method, path=request.path, status=handler.get_status(), seconds=seconds)
