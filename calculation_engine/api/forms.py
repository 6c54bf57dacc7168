"""Multipart forms: the document in one part, files in the others, each streamed into the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from calculation_engine.api.bodies import (
    DOCUMENT_TYPES,
    Body,
    DocumentSink,
    FileSink,
    Sink,
    file_name_of,
    media_type_of,
    plain_name,
    stored_type,
)
from calculation_engine.api.documents import Unreadable, read_json, read_yaml
from calculation_engine.errors import Fault, InvalidInput, TooLarge, UnsupportedMedia
from calculation_engine.store import Store

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: Name of the part that holds the document.
DOCUMENT_PART = "job"
_MOST_PARTS = 1000


class FormSink(Sink):
    """Takes a form apart while it comes.

    Args:
        store: where its files go.
        content_type: header of the request, which names the boundary.
        document_bytes: largest document.
        file_bytes: largest file.
        document_part: name of the part that is the document; None: every part is a file.
    """

    def __init__(
        self,
        store: Store,
        content_type: str,
        *,
        document_bytes: int,
        file_bytes: int,
        document_part: str | None = DOCUMENT_PART,
    ) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise Unreadable("the form's Content-Type has no boundary", hint="let your HTTP library write this header")
        self._store = store
        self._document_bytes = document_bytes
        self._file_bytes = file_bytes
        self._document_part = document_part
        self._body = Body()
        self._names: set[str] = set()
        self._headers: dict[str, str] = {}
        self._header = self._value = b""
        self._part: Sink | None = None
        self._name = ""
        self._ended = False
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise Unreadable(f"the body is not a form: {error}") from error

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Unreadable(f"the body is not a form: {error}") from error

    def finish(self) -> Body:
        """Return the document and the files."""
        if not self._ended:
            raise Unreadable("the form breaks off: its last boundary is missing")
        return self._body

    def close(self) -> None:
        """Drop an unfinished part."""
        if self._part is not None:
            self._part.close()
            self._part = None

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._begin_header,
            "on_header_field": self._add_field,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_content,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._headers = {}

    def _begin_header(self) -> None:
        self._header = self._value = b""

    def _add_field(self, content: bytes, start: int, end: int) -> None:
        self._header += content[start:end]

    def _add_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _end_header(self) -> None:
        name = self._header.decode("latin-1").title()
        self._headers[name] = self._value.decode("latin-1")

    def _end_headers(self) -> None:
        disposition = parse_options_header(self._headers.get("Content-Disposition"))[1]
        self._name = disposition.get(b"name", b"").decode("utf-8", "replace")
        if not self._name:
            raise Unreadable(
                "a part of the form has no name", hint="send each part with a Content-Disposition that names it"
            )
        if self._name in self._names:
            raise InvalidInput(
                "the form names a part twice", faults=[Fault(self._name, "there is another part of this name")]
            )
        if len(self._names) >= _MOST_PARTS:
            raise TooLarge(f"the form has more than {_MOST_PARTS} parts", hint="send many files as one zip archive")
        self._names.add(self._name)
        if self._name == self._document_part:
            self._part = DocumentSink(self._document_bytes, self._reader())
        else:
            name = file_name_of(self._headers) or plain_name(self._name)
            self._part = FileSink(self._store, self._file_bytes, name, stored_type(media_type_of(self._headers)))

    def _reader(self) -> Callable[[bytes], Any]:
        kind = media_type_of(self._headers)
        if kind in DOCUMENT_TYPES:
            return DOCUMENT_TYPES[kind]
        if kind not in {"", "text/plain", "application/octet-stream"}:
            raise UnsupportedMedia(f"part {self._name!r}: expected JSON or YAML, got {kind}")
        return read_yaml if file_name_of(self._headers).endswith((".yaml", ".yml")) else read_json

    def _add_content(self, content: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self._part.write(content[start:end])

    def _end_part(self) -> None:
        assert self._part is not None
        body = self._part.finish()
        if self._name == self._document_part:
            self._body.document = body.document
        for file in body.files:
            self._body.files.append(replace(file, part=self._name))
        self.close()

    def _end(self) -> None:
        self._ended = True
