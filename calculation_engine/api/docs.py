"""The OpenAPI document, and a page made from it that needs nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any

_STYLE = (files(__package__) / "docs.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

#: Headers of the page: its own style and nothing else.
PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'",
}


def docs_page(document: dict[str, Any]) -> str:
    """Return the page that shows an OpenAPI document."""
    info = document["info"]
    schemas = document["components"]["schemas"]
    tags = [tag["name"] for tag in document["tags"]]
    sections = "".join(_section(document, tag) for tag in tags)
    models = "".join(_model(name, schema) for name, schema in sorted(schemas.items()))
    contents = "".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in [*tags, "schemas"])
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f"<p>{_text(info['description'])}</p><nav>{contents}<a href=openapi.json>openapi.json</a></nav></header>"
        f"<main>{sections}<section id=schemas><h2>schemas</h2>{models}</section></main></body></html>\n"
    )


def _section(document: dict[str, Any], tag: str) -> str:
    operations = "".join(
        _operation(method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag in operation["tags"]
    )
    return f"<section id={escape(tag)}><h2>{escape(tag)}</h2>{operations}</section>"


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {})
    rows = "".join(_parameter(parameter) for parameter in operation.get("parameters", []))
    takes = "".join(f"<li><code>{escape(kind)}</code> {_type(media['schema'])}" for kind, media in body.items())
    replies = "".join(_reply(status, reply) for status, reply in operation["responses"].items())
    return (
        f"<details><summary><b class={method}>{method.upper()}</b> <code>{escape(path)}</code> "
        f"{escape(operation['summary'])}</summary>"
        f"<p>{_text(operation['description'])}</p>"
        + (f"<h3>Parameters</h3><table>{rows}</table>" if rows else "")
        + (f"<h3>Body</h3><ul>{takes}</ul>" if takes else "")
        + f"<h3>Replies</h3><table>{replies}</table></details>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    kind = _type(parameter["schema"]) + (", required" if parameter.get("required") else "")
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code><td>{escape(parameter['in'])}<td>{kind}"
        f"<td>{_text(parameter.get('description', ''))}"
    )


def _reply(status: str, reply: dict[str, Any]) -> str:
    content = ", ".join(
        f"<code>{escape(kind)}</code> {_type(media.get('schema'))}" for kind, media in reply.get("content", {}).items()
    )
    return f"<tr><td>{escape(status)}<td>{_text(reply['description'])}<td>{content}"


def _model(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in required else ' <i>optional</i>'}<td>{_type(inner)}"
        f"<td>{_text(inner.get('description', ''))}"
        for field, inner in schema.get("properties", {}).items()
    )
    values = ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema.get("enum", []))
    return (
        f"<details id=schema-{escape(name)}><summary><code>{escape(name)}</code></summary>"
        f"<p>{_text(schema.get('description', ''))} {values}</p><table>{rows}</table></details>"
    )


def _type(schema: dict[str, Any] | None) -> str:
    """Return a schema's type in one line, names of other schemas as links; nothing where the bytes have no schema."""
    if schema is None:
        return ""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href=#schema-{name}>{name}</a>"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(option) for option in schema[key])
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("type", "any")))


def _text(text: str) -> str:
    """Return a docstring as HTML: code between backticks, paragraphs at empty lines."""
    parts = escape(" ".join(text.replace("\n\n", "\0").split()).replace("``", "`")).split("`")
    html = "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
    return html.replace("\0", "<br><br>")
