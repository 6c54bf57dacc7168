"""Which route answers a request, and what is said where none does."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from calculation_engine.api.problems import MethodNotAllowed
from calculation_engine.api.routes import Route
from calculation_engine.errors import NotFound


def methods_of(routes: Mapping[str, Route]) -> str:
    """Return the methods of an address, as ``Allow`` lists them."""
    heads = ["HEAD"] if "GET" in routes and routes["GET"].safe else []
    return ", ".join(sorted([*routes, *heads, "OPTIONS"]))


def route_for(method: str, path: str, routes: Mapping[str, Route]) -> Route:
    """Return the route of an address that answers a method; that of GET stands for HEAD where it changes nothing.

    Raises:
        MethodNotAllowed: there is none.
    """
    route = routes.get("GET" if method == "HEAD" else method)
    if route is None or (method == "HEAD" and not route.safe):
        raise method_error(method, path, routes)
    return route


def method_error(method: str, path: str, routes: Mapping[str, Route]) -> MethodNotAllowed:
    """Return the error of a method that an address does not have."""
    allowed = methods_of(routes)
    return MethodNotAllowed(f"{method} {path}: expected one of {allowed}", allowed)


def no_address(path: str, known: Sequence[str]) -> NotFound:
    """Return the error of an address that there is not."""
    near = difflib.get_close_matches(path, known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "/api/docs describes what there is"
    return NotFound(f"there is nothing at {path}", hint=hint)
