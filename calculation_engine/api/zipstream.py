"""A zip archive made while it is sent: no temporary file, one chunk in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from calculation_engine.store.files import CHUNK_BYTES

#: Files of which the standard length fields may not be enough once they are compressed.
_LARGE_BYTES = 1 << 31
_PERMISSIONS = 0o100644
_FASTEST = 1


@dataclass(frozen=True)
class Entry:
    """One file of an archive: its content, or what opens it."""

    path: str
    time: datetime
    size: int  #: bytes that are read at most
    content: bytes = b""
    open: Callable[[], BinaryIO] | None = None


def zip_stream(entries: Iterable[Entry]) -> Generator[bytes]:
    """Yield a zip archive of the entries, piece by piece."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_FASTEST) as archive:
        for entry in entries:
            with archive.open(_info(entry), "w", force_zip64=entry.size >= _LARGE_BYTES) as member:
                for chunk in _chunks(entry):
                    member.write(chunk)
                    if piece := sink.take():
                        yield piece
    yield sink.take()


def _chunks(entry: Entry) -> Generator[bytes]:
    if entry.open is None:
        yield entry.content
        return
    left = entry.size
    with entry.open() as file:
        while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
        if left == 0:
            file.read(1)  # to its end, where a stored file's hash is checked


def _info(entry: Entry) -> zipfile.ZipInfo:
    time = max(entry.time.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC))
    info = zipfile.ZipInfo(entry.path, time.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = _PERMISSIONS << 16
    return info


class _Sink(io.RawIOBase):
    """Where the archive is written to: forgets what was taken, so that the archive cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, chunk: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._pending += chunk
        return len(chunk)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        piece = bytes(self._pending)
        self._pending.clear()
        return piece
