"""Tar archives to and from a container: never whole in memory, and hostile on their way back."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from calculation_engine.errors import DiskLimit, StoreCorrupt
from calculation_engine.executors.base import Source

_BLOCK = tarfile.BLOCKSIZE
_PIECE_BYTES = 1 << 20
_READ_BYTES = 1 << 18
#: A result with more entries, or longer paths, is an attack or a mistake.
_MOST_ENTRIES = 1_000_000
_LONGEST_PATH_BYTES = 1000


class Packing:
    """The archive of a step's files, made while it is sent.

    ``failure`` keeps what went wrong in reading a file: in the HTTP library it may become another error.
    """

    def __init__(self, folders: Sequence[str], files: Mapping[str, Source], owner: int) -> None:
        self._folders = folders
        self._files = files
        self._owner = owner
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the archive in pieces of about a megabyte, for a thousand small files are not two thousand sends."""
        held: list[bytes] = []
        held_bytes = 0
        for part in self._parts():
            held.append(part)
            held_bytes += len(part)
            if held_bytes >= _PIECE_BYTES:
                yield b"".join(held)
                held, held_bytes = [], 0
        yield b"".join([*held, bytes(2 * _BLOCK)])

    def _parts(self) -> Iterator[bytes]:
        parents = {str(parent) for path in self._files for parent in Path(path).parents} - {"."}
        for folder in sorted({*self._folders, *parents}):
            yield self._header(folder, tarfile.DIRTYPE, 0o755, 0)
        for path, source in self._files.items():
            yield self._header(path, tarfile.REGTYPE, 0o644, source.size)
            try:
                yield from _content(path, source)
            except Exception as error:
                self.failure = error
                raise

    def _header(self, path: str, kind: bytes, mode: int, size: int) -> bytes:
        entry = tarfile.TarInfo(path)
        entry.type, entry.mode, entry.size = kind, mode, size
        entry.uid = entry.gid = self._owner
        return entry.tobuf(tarfile.PAX_FORMAT)


def _content(path: str, source: Source) -> Iterator[bytes]:
    count = 0
    with source.open() as file:
        while piece := file.read(_PIECE_BYTES):
            count += len(piece)
            if count > source.size:
                break
            yield piece
    if count != source.size:
        raise StoreCorrupt(f"{path}: expected {source.size} bytes, got {'more' if count > source.size else count}")
    yield bytes(-count % _BLOCK)


def unpack(archive: Iterable[bytes], top: str, into: Path, most_bytes: int) -> None:
    """Write the regular files and folders below ``top`` of an archive into the folder ``into``, which exists.

    Links, devices and everything outside ``top`` are left out.

    Raises:
        DiskLimit: the files are larger than ``most_bytes`` together, as they say themselves, before they are read.
    """
    left = most_bytes
    with tarfile.open(fileobj=_reader(archive), mode="r|", bufsize=_READ_BYTES) as entries:
        count = 0
        while (entry := entries.next()) is not None:
            count += 1
            if count > _MOST_ENTRIES:
                raise DiskLimit(f"output: more than {_MOST_ENTRIES} files and folders")
            inner = _inner_path(entry.name, top)
            if inner and entry.isdir():
                (into / inner).mkdir(parents=True, exist_ok=True)
            elif inner and entry.isreg():
                left -= entry.size
                if left < 0:
                    raise DiskLimit(
                        f"output: its files are larger than the limit of {most_bytes} bytes",
                        hint="raise resources.disk, or let the module write less",
                    )
                _write(entries, entry, into / inner)
            entries.members = []  # type: ignore[attr-defined]  # tarfile would keep every entry


def read_small_file(archive: Iterable[bytes], most_bytes: int) -> bytes | None:
    """Return the content of the regular file that an archive begins with; None when it is something else, or larger."""
    with tarfile.open(fileobj=_reader(archive), mode="r|") as entries:
        entry = entries.next()
        if entry is None or not entry.isreg() or entry.size > most_bytes:
            return None
        file = entries.extractfile(entry)
        return file.read() if file else None


def context(folders: Sequence[Path], left_out: frozenset[str], file: IO[bytes]) -> None:
    """Write a build context: each folder under its own name, with times and owners that say nothing."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for folder in folders:
            _add(archive, folder, folder.name, left_out)


def _add(archive: tarfile.TarFile, path: Path, name: str, left_out: frozenset[str]) -> None:
    entry = tarfile.TarInfo(name)
    if path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(entry)
        for child in sorted(path.iterdir()):
            if child.name not in left_out and child.suffix != ".pyc":
                _add(archive, child, f"{name}/{child.name}", left_out)
    elif path.is_file():
        status = path.stat()
        entry.mode, entry.size = (0o755 if status.st_mode & 0o100 else 0o644), status.st_size
        with path.open("rb") as content:
            archive.addfile(entry, content)


def _inner_path(name: str, top: str) -> str | None:
    """Return the path below ``top``, "" for itself; None for what is not below it or cannot be written."""
    parts = name.rstrip("/").split("/")
    if parts[0] != top or any(part in {"", ".", ".."} for part in parts):
        return None
    inner = "/".join(parts[1:])
    return inner if len(inner.encode(errors="surrogateescape")) <= _LONGEST_PATH_BYTES else None


def _write(entries: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    content = entries.extractfile(entry)
    if content is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, _PIECE_BYTES)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._held:
            self._held = memoryview(next(filter(None, self._pieces), b""))
        part = self._held[: len(buffer)]
        buffer[: len(part)] = part
        self._held = self._held[len(part) :]
        return len(part)


def _reader(pieces: Iterable[bytes]) -> io.BufferedReader:
    return io.BufferedReader(_Pieces(pieces), _READ_BYTES)
