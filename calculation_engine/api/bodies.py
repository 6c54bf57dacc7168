"""Request bodies, taken in piece by piece: documents in memory up to a limit, files straight into the store."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from python_multipart.multipart import parse_options_header

from calculation_engine.api.documents import Unreadable, read_json, read_yaml
from calculation_engine.errors import TooLarge
from calculation_engine.schemas.files import Blob
from calculation_engine.store import BlobWriter, Store

FORM_TYPE = "multipart/form-data"
DEFAULT_TYPE = "application/octet-stream"
#: Content types of documents and how each is read.
DOCUMENT_TYPES: dict[str, Callable[[bytes], Any]] = {
    "application/json": read_json,
    "application/yaml": read_yaml,
    "application/x-yaml": read_yaml,
    "text/yaml": read_yaml,
}
_LONGEST_NAME = 255
_MEDIA_TYPE = re.compile(r"[a-z0-9][\w.+-]*/[a-z0-9][\w.+-]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a request, stored already."""

    part: str  #: name of its part of the form; empty when the body itself is the file
    name: str  #: as given, for people
    media_type: str
    blob: Blob


@dataclass(slots=True)
class Body:
    """What a request brought."""

    document: Any = None
    files: list[StoredFile] = field(default_factory=list)


class Sink(ABC):
    """Takes a body in. Its methods may block; one thread at a time calls them."""

    @abstractmethod
    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLarge: they are more than allowed.
            Unreadable: they are not what the request says.
        """

    @abstractmethod
    def finish(self) -> Body:
        """Return what came, now that all of it is there; raises as :meth:`write`."""

    def close(self) -> None:
        """Drop what is unfinished. Idempotent."""


class NoSink(Sink):
    """Takes nothing."""

    def write(self, chunk: bytes) -> None:
        """Refuse."""
        raise Unreadable("this address takes no body", hint="send the request without one")

    def finish(self) -> Body:
        """Return an empty body."""
        return Body()


class DocumentSink(Sink):
    """Keeps a document in memory."""

    def __init__(self, limit_bytes: int, read: Callable[[bytes], Any]) -> None:
        self._limit = limit_bytes
        self._read = read
        self._content = bytearray()

    def write(self, chunk: bytes) -> None:
        """Keep the bytes."""
        if len(self._content) + len(chunk) > self._limit:
            raise too_large(self._limit, "request_limit", "the document")
        self._content += chunk

    def finish(self) -> Body:
        """Read the document."""
        if not self._content.strip():
            raise Unreadable("the body is empty", hint="send the document that /api/docs shows for this address")
        return Body(document=self._read(bytes(self._content)))


class FileSink(Sink):
    """Writes a body that is a file into the store."""

    def __init__(self, store: Store, limit_bytes: int, name: str, media_type: str) -> None:
        self._store = store
        self._limit = limit_bytes
        self._name = name
        self._media_type = media_type
        self._writer: BlobWriter | None = None

    def write(self, chunk: bytes) -> None:
        """Store the bytes."""
        self._writer = self._writer or self._store.writer()
        if self._writer.size + len(chunk) > self._limit:
            raise too_large(self._limit, "upload_limit", "the file")
        self._writer.write(chunk)

    def finish(self) -> Body:
        """Make the file appear in the store."""
        self._writer = self._writer or self._store.writer()
        return Body(files=[StoredFile("", self._name, self._media_type, self._writer.commit())])

    def close(self) -> None:
        """Drop an unfinished file."""
        if self._writer is not None:
            self._writer.close()


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the media type of a Content-Type header, lower case and without parameters; empty when there is none."""
    return parse_options_header(headers.get("Content-Type"))[0].decode("latin-1")


def stored_type(media_type: str) -> str:
    """Return the media type under which an uploaded file is kept; what curl says when not told is no type of a file."""
    known = (
        _MEDIA_TYPE.fullmatch(media_type)
        and len(media_type) <= 100
        and media_type != "application/x-www-form-urlencoded"
    )
    return media_type.lower() if known else DEFAULT_TYPE


def file_name_of(headers: Mapping[str, str]) -> str:
    """Return the file name of a Content-Disposition header, also in its extended form; empty when there is none."""
    header = headers.get("Content-Disposition", "")
    extended = re.search(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", header, re.IGNORECASE)
    if extended:
        return plain_name(unquote(extended[1]))
    value = parse_options_header(header)[1].get(b"filename", b"")
    return plain_name(value.decode("utf-8", "replace"))


def plain_name(name: str) -> str:
    """Return a file's name as people may see it: without folders and control characters, not too long."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:_LONGEST_NAME]


def too_large(limit_bytes: int, setting: str, what: str) -> TooLarge:
    """Return the error of something that is over a limit of the settings."""
    hint = f"send large data as files (PUT /api/upload), or have the setting {setting} raised"
    return TooLarge(f"{what} is larger than the {limit_bytes} bytes that are allowed", hint=hint)
