"""The OpenAPI 3.1 document, from the table of routes and pydantic's schemas."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from calculation_engine import __version__
from calculation_engine.api.bodies import DOCUMENT_TYPES, FORM_TYPE
from calculation_engine.api.forms import DOCUMENT_PART
from calculation_engine.api.problems import PROBLEM_TYPE
from calculation_engine.api.routes import Returns, Route, Takes
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.event import Event
from calculation_engine.schemas.problem import Problem

_Mode = Literal["validation", "serialization"]
_Key = tuple[type[BaseModel], _Mode]
_REF = "#/components/schemas/{model}"
_DESCRIPTION = """Runs containerised scientific models: alone, chained, or coupled until they agree. One `PUT /api/job`
runs a job; its address tells how it stands, what it prints, and its results.

Errors are problem documents (`application/problem+json`, RFC 9457) with all faults of a request at once. Addresses
below `/api/job` answer without `/api`, too."""
_PATH_PARAMETERS = {
    "id": "Its id; of a job, the beginning is enough when no other begins so.",
    "other": "Id of the other job, or the beginning of it.",
    "name": "Name of the module.",
    "path": "Path as the list of results has it: `STEP/output/FILE`.",
}


def openapi_document(routes: Sequence[Route], *, tokens: bool) -> dict[str, Any]:
    """Return the document that describes the routes.

    Args:
        routes: all of them.
        tokens: whether requests need one.
    """
    keys = _keys(routes)
    refs, definitions = models_json_schema(sorted(keys, key=str), ref_template=_REF)
    schemas = definitions["$defs"]
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs, schemas)
    for route in routes:
        schemas.pop(route.query.__name__, None)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "calculation-engine", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if tokens:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


def _keys(routes: Sequence[Route]) -> set[_Key]:
    keys: set[_Key] = {(Problem, "serialization"), (Event, "serialization")}
    for route in routes:
        keys.add((route.query, "validation"))
        keys |= {(model, "validation") for model in (route.takes.models if route.takes else ())}
        keys |= {(reply.model, "serialization") for reply in route.returns.values() if reply.model}
    return keys


def _operation(route: Route, refs: dict[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": inspect.getdoc(route.operation) or "",
        "parameters": [*_path_parameters(route), *_query_parameters(route.query, schemas)],
        "responses": {str(status): _reply(reply, refs) for status, reply in route.returns.items()},
    }
    problem = {PROBLEM_TYPE: {"schema": refs[Problem, "serialization"]}}
    operation["responses"]["default"] = {"description": "What is wrong, and what to do.", "content": problem}
    if route.takes:
        operation["requestBody"] = {"required": route.takes.required, "content": _content(route.takes, refs)}
    if route.open:
        operation["security"] = []
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": route.path_help.get(name, _PATH_PARAMETERS[name]),
            "schema": {"type": "string", "minLength": 1},
        }
        for name in route.path_names
    ]


def _query_parameters(model: type[Schema], schemas: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in schemas.get(model.__name__, {}).get("properties", {}).items():
        inner = _without_null(schema)
        description = inner.pop("description", "")
        yield {"name": name, "in": "query", "required": False, "description": description, "schema": inner}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter's schema; one that is left out is null, but none can be sent as such."""
    inner = {key: value for key, value in schema.items() if key != "title"}
    if inner.get("default", 0) is None:
        del inner["default"]
    options = [option for option in inner.pop("anyOf", []) if option != {"type": "null"}]
    return inner | options[0] if len(options) == 1 else inner | ({"anyOf": options} if options else {})


def _content(takes: Takes, refs: dict[Any, Any]) -> dict[str, Any]:
    models = [refs[model, "validation"] for model in takes.models]
    document = models[0] if len(models) == 1 else {"anyOf": models}
    content: dict[str, Any] = {}
    if takes.models:
        kinds = [kind for kind in DOCUMENT_TYPES if kind.startswith("application/") and "x-" not in kind]
        content |= {kind: {"schema": document} for kind in kinds}
    if takes.file:
        content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
    if takes.form:
        content[FORM_TYPE] = _form(takes, document)
    return content


def _form(takes: Takes, document: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}
    if not takes.form_document:
        return {"schema": schema | {"minProperties": 1, "maxProperties": 1}}
    schema["properties"] = {DOCUMENT_PART: document}
    if takes.required:
        schema["required"] = [DOCUMENT_PART]
    return {"schema": schema, "encoding": {DOCUMENT_PART: {"contentType": "application/json, application/yaml"}}}


def _reply(reply: Returns, refs: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": reply.description}
    if reply.model:
        ref = refs[reply.model, "serialization"]
        described["content"] = {reply.media_type: {"schema": {"type": "array", "items": ref} if reply.many else ref}}
    elif reply.media_type != Returns("").media_type:
        described["content"] = {reply.media_type: {}}
    return described
