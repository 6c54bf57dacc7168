"""A container's log, copied byte by byte while it grows.

The engine's ``local`` log driver keeps the bytes in one order and gives them again from the beginning on every request.
So the copy needs no notes of its own: whoever follows the log next, after any crash, writes each byte at its own offset
and writes none that is there. Two followers at once do no harm either.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

_FRAME_HEADER_BYTES = 8
_PIECE_BYTES = 1 << 18
#: What the engine's log keeps with every line, at most.
_LINE_BYTES = 32


class Stream(Protocol):
    """The body of a log request."""

    chunked: bool

    def read(self) -> bytes:
        """Return more bytes; none at the end."""

    def interrupt(self) -> None:
        """End a read that waits."""

    def close(self) -> None:
        """Give the connection up."""


class LogStream:
    """The body of a log request, as raw bytes in large pieces: its chunk and frame headers are the caller's."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.chunked = response.headers.get("Transfer-Encoding") == "chunked"
        # Below the layers that would hand out one line at a time, at 10 microseconds each.
        self._reader = response.raw._fp.fp  # noqa: SLF001 - where the SDK itself takes a response's socket from

    def read(self) -> bytes:
        """Return the bytes that are there, waiting for at least one; none at the end, or when it was interrupted."""
        try:
            piece: bytes = self._reader.read1(_PIECE_BYTES)
        except OSError:
            return b""
        return piece

    def interrupt(self) -> None:
        """End a read that waits, from another thread."""
        with suppress(OSError):  # it has ended in this moment
            self._reader.raw._sock.shutdown(socket.SHUT_RDWR)  # noqa: SLF001 - there is no public way to it

    def close(self) -> None:
        """Give the connection up."""
        self._response.close()


class LogCopy:
    """Copies a log into a file, up to a limit.

    Args:
        path: the file; what is in it already is the beginning of the log.
        limit_bytes: most bytes written to it.
        capacity_bytes: what the engine keeps of the log, headers of lines included.
    """

    def __init__(self, path: Path, limit_bytes: int, capacity_bytes: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._capacity_bytes = capacity_bytes
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._closed = False
        #: bytes of the log that came in, again and again included: whether it moves
        self.received_bytes = 0
        #: what the limit was passed with, for people; empty while it was not
        self.excess = ""

    def follow(self, stream: Stream) -> bool:
        """Copy until the log ends or passes its limit; return False when it was cut off before its end."""
        with self._lock:
            if self._closed:
                stream.close()
                return False
            self._stream = stream
        try:
            return self._copy(stream)
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def interrupt(self) -> None:
        """Let :meth:`follow` return, from another thread; it may be called again."""
        with self._lock:
            if self._stream is not None:
                self._stream.interrupt()

    @property
    def is_closed(self) -> bool:
        """Whether it copies no more."""
        return self._closed

    def close(self) -> None:
        """As :meth:`interrupt`, for good."""
        with self._lock:
            self._closed = True
        self.interrupt()

    def _copy(self, stream: Stream) -> bool:
        body = Body(stream)
        frames = Frames()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            there = os.fstat(handle).st_size
            offset = 0
            for piece in body:
                self.received_bytes += len(piece)
                payload = frames.feed(piece)
                wanted = payload[max(0, there - offset) : max(0, self._limit_bytes - offset)]
                if wanted:
                    _write(handle, wanted, max(there, offset))
                offset += len(payload)
                if self._is_over(offset, frames.count):
                    return False
        finally:
            os.close(handle)
        return body.complete

    def _is_over(self, size: int, lines: int) -> bool:
        if size > self._limit_bytes:
            self.excess = f"it wrote more than {self._limit_bytes} bytes"
        elif size + lines * _LINE_BYTES > self._capacity_bytes:
            self.excess = f"it wrote more than {lines} lines, {size} bytes"
        return bool(self.excess)


class Body:
    """The pieces of an HTTP body, without the headers of its chunks. The engine sends one chunk a line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.complete = False  #: whether it came to its own end

    def __iter__(self) -> Iterator[bytes]:
        """Yield all that has arrived, again and again."""
        if not self._stream.chunked:
            while piece := self._stream.read():
                yield piece
            self.complete = True
            return
        held = b""
        while piece := self._stream.read():
            held += piece
            parts, position = self._split(held)
            held = held[position:]
            yield b"".join(parts)
            if self.complete:
                return

    def _split(self, held: bytes) -> tuple[list[bytes], int]:
        parts, position = [], 0
        while (line_end := held.find(b"\r\n", position)) >= 0:
            size = int(held[position:line_end].partition(b";")[0], 16)
            end = line_end + 2 + size
            if size == 0:
                self.complete = True
                break
            if len(held) < end + 2:
                break
            parts.append(held[line_end + 2 : end])
            position = end + 2
        return parts, position


class Frames:
    """Takes the frames of the engine's two streams apart; both are the log."""

    def __init__(self) -> None:
        self._held = b""
        self.count = 0

    def feed(self, piece: bytes) -> bytes:
        """Return the content of all frames that are whole now."""
        held = self._held + piece
        parts, position, length = [], 0, len(held)
        while (start := position + _FRAME_HEADER_BYTES) <= length:
            end = start + int.from_bytes(held[position + 4 : start])
            if end > length:
                break
            parts.append(held[start:end])
            position = end
        self._held = held[position:]
        self.count += len(parts)
        return b"".join(parts)


def _write(handle: int, content: bytes, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written
