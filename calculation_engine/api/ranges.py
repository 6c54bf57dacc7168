"""Byte ranges of a reply (RFC 9110, section 14): one range; several are answered with the whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from calculation_engine.api.problems import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII)
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from ``start`` up to, not including, ``stop`` of ``size``."""

    start: int
    stop: int
    size: int
    partial: bool = True

    @property
    def status(self) -> int:
        """Status of the reply."""
        return 206 if self.partial else 200

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the reply."""
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(self.stop - self.start)}
        if self.partial:
            headers["Content-Range"] = f"bytes {self.start}-{self.stop - 1}/{self.size}"
        return headers


def wanted_span(headers: Mapping[str, str], size: int, etag: str | None = None) -> Span:
    """Return the part of a file that a request asks for; all of it when it asks for none that is understood.

    Args:
        headers: of the request.
        size: of the file.
        etag: of the file, for ``If-Range``.

    Raises:
        RangeNotSatisfiable: the part begins behind the end.
    """
    whole = Span(0, size, size, partial=False)
    match = _ONE_RANGE.fullmatch(headers.get("Range", ""))
    if match is None or headers.get("If-Range", etag) != etag:
        return whole
    first, last = match.groups()
    if not (first or last) or max(len(first), len(last)) > _MOST_DIGITS or (first and last and int(first) > int(last)):
        return whole
    start = int(first) if first else max(0, size - int(last))
    if start >= size or (not first and int(last) == 0):
        raise RangeNotSatisfiable(size)
    stop = min(int(last) + 1, size) if first and last else size
    return Span(start, stop, size)


def matches(headers: Mapping[str, str], etag: str) -> bool:
    """Return whether the client has this version already (``If-None-Match``)."""
    given = headers.get("If-None-Match", "")
    return given.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in given.split(",")}
