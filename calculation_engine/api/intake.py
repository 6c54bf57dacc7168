"""Chooses how a request's body is taken in, by the route and the Content-Type."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest

from calculation_engine.api.bodies import (
    DOCUMENT_TYPES,
    FORM_TYPE,
    DocumentSink,
    FileSink,
    NoSink,
    Sink,
    file_name_of,
    media_type_of,
    plain_name,
    stored_type,
    too_large,
)
from calculation_engine.api.context import Context
from calculation_engine.api.forms import DOCUMENT_PART, FormSink
from calculation_engine.api.routes import Takes
from calculation_engine.errors import UnsupportedMedia
from calculation_engine.settings import Settings

_FORM_FILES = 1000


def sink_for(takes: Takes | None, request: HTTPServerRequest, query: object, context: Context) -> Sink:
    """Return what takes the body of this request.

    Raises:
        UnsupportedMedia: the Content-Type is none that the route takes.
        TooLarge: the body says that it is longer than allowed.
        Unreadable: a form that cannot be taken apart.
        StorageFull: its files do not fit on the disk.
    """
    headers, settings = request.headers, context.settings
    has_body = headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
    if takes is None or not (has_body or takes.required):
        return NoSink()
    kind = media_type_of(headers)
    length = headers.get("Content-Length", "")
    limit, setting = _limit(takes, kind, settings)
    if length.isdecimal() and int(length) > limit:
        raise too_large(limit, setting, "the request")
    if takes.file or (takes.form and kind == FORM_TYPE):
        context.store.room.check_free(int(length) if length.isdecimal() else 0)
    if takes.form and kind == FORM_TYPE:
        return FormSink(
            context.store,
            headers["Content-Type"],
            document_bytes=int(settings.request_limit),
            file_bytes=int(settings.upload_limit),
            document_part=DOCUMENT_PART if takes.form_document else None,
        )
    if takes.file:
        name = plain_name(getattr(query, "name", None) or "") or file_name_of(headers) or "upload"
        return FileSink(context.store, int(settings.upload_limit), name, stored_type(kind))
    if kind in DOCUMENT_TYPES:
        return DocumentSink(int(settings.request_limit), DOCUMENT_TYPES[kind])
    raise _wrong_type(takes, kind)


def most_bytes(takes: Takes | None, settings: Settings) -> int:
    """Return how long a body of the route can be at most."""
    if takes is None:
        return 0
    return max(_limit(takes, kind, settings)[0] for kind in ("", FORM_TYPE))


def _limit(takes: Takes, kind: str, settings: Settings) -> tuple[int, str]:
    if takes.form and kind == FORM_TYPE:
        return _FORM_FILES * int(settings.upload_limit), "upload_limit"
    if takes.file:
        return int(settings.upload_limit), "upload_limit"
    return int(settings.request_limit), "request_limit"


def _wrong_type(takes: Takes, kind: str) -> UnsupportedMedia:
    expected = ["application/json", "application/yaml", *([FORM_TYPE] if takes.form else [])]
    hint = "send the header `Content-Type: application/json`"
    return UnsupportedMedia(f"Content-Type: expected {' or '.join(expected)}, got {kind or 'none'}", hint=hint)
