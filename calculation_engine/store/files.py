"""Files stored once under the hash of their content, written by rename and verified while they are read."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from uuid import uuid4

from calculation_engine.errors import StoreCorrupt
from calculation_engine.schemas.files import Blob
from calculation_engine.store.room import Room, full_is_told

CHUNK_BYTES = 1 << 20


class Store:
    """The stored files of one data folder.

    A content that is stored is complete: files appear by rename, after their bytes are on disk. Several processes may
    write the same content at once; the last rename wins and changes nothing.
    """

    def __init__(self, data_dir: Path, room: Room | None = None) -> None:
        self.room = room or Room(data_dir)
        self._root = data_dir / "store"
        self._incoming = data_dir / "incoming"
        self._lock = data_dir / "housekeeping.lock"
        for folder in (self._root, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where that content is, or would be."""
        return self._root / sha256[:2] / sha256[2:]

    def has(self, blob: Blob) -> bool:
        """Return whether that content is stored, with all its bytes."""
        try:  # no Path is made, which takes longer than the look: many files are looked for at once
            return os.stat(f"{self._root}/{blob.sha256[:2]}/{blob.sha256[2:]}").st_size == blob.size  # noqa: PTH116
        except FileNotFoundError:
            return False

    def writer(self) -> BlobWriter:
        """Return a writer for a new content; used as a context manager, it leaves nothing unless committed.

        Raises:
            StorageFull: there is no room for anything new.
        """
        self.room.check()
        with full_is_told():
            return BlobWriter(self, self._incoming)

    def put(self, content: bytes, *, flush: bool = True) -> Blob:
        """Store a small content; see :meth:`BlobWriter.commit`."""
        blob = Blob(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        if self._keeps(blob, content):
            return blob
        with self.writer() as writer:
            writer.write(content)
            return writer.commit(flush=flush)

    def adopt(self, path: Path) -> Blob:
        """Take a file into the store under a second name; ``path`` stays until its owner removes it.

        So whoever dies before all files of a step are written down finds them again. The file must be on the store's
        filesystem, and nobody may write to it any more. It is not flushed to the disk: what a power cut truncates is
        noticed by its size and hash, and can be computed again.
        """
        digest = hashlib.sha256()
        size, content = 0, b""
        with path.open("rb", buffering=0) as file:
            most = min(CHUNK_BYTES, os.fstat(file.fileno()).st_size + 1)  # a small file asks for little memory
            while chunk := file.read(most):
                digest.update(chunk)
                size += len(chunk)
                content = chunk
        blob = Blob(sha256=digest.hexdigest(), size=size)
        if 0 < size < most and self._keeps(blob, content):
            return blob
        path.chmod(0o444)
        os.utime(path)
        self._link(path, self.path(blob.sha256))
        return blob

    def source(self, blob: Blob) -> StoredFile:
        """Return the content as something that an executor can read."""
        return StoredFile(self.path(blob.sha256), blob.sha256, blob.size)

    def open(self, sha256: str) -> BinaryIO:
        """Open a content for reading; reading to its end verifies it.

        Raises:
            StoreCorrupt: it is not stored; or, at the end of the file, its hash is another.
        """
        return _open_verified(self.path(sha256), sha256)

    def delete(self, sha256: str, older_than_seconds: float = 0.0) -> bool:
        """Remove a content, if it is there and was not asked for since; return whether it was removed."""
        path = self.path(sha256)
        try:
            if path.stat().st_mtime > time.time() - older_than_seconds:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let no stored file be deleted as unused within the block, by any process."""
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    @contextmanager
    def clearing(self) -> Iterator[bool]:
        """Give whether unused files may be deleted within the block: not while :meth:`kept` holds anywhere."""
        with self._lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def older_than(self, seconds: float) -> Iterator[Blob]:
        """Yield the contents that were stored, or asked for again, longer ago than that."""
        limit = time.time() - seconds
        for folder in sorted(self._root.iterdir()):
            for file in folder.iterdir():
                status = file.stat()
                if status.st_mtime < limit:
                    yield Blob(sha256=folder.name + file.name, size=status.st_size)

    def remove_unfinished(self, older_than_seconds: float) -> int:
        """Remove what writers that died left behind; return how many."""
        limit = time.time() - older_than_seconds
        stale = [file for file in self._incoming.iterdir() if file.stat().st_mtime < limit]
        for file in stale:
            file.unlink(missing_ok=True)
        return len(stale)

    def _keeps(self, blob: Blob, content: bytes) -> bool:
        """Return whether the small content is stored undamaged; then it counts as asked for now.

        Comparing bytes takes less than writing a file and giving it the place of one that is there.
        """
        target = self.path(blob.sha256)
        try:
            if target.stat().st_size != blob.size or target.read_bytes() != content:
                return False
            os.utime(target)
        except FileNotFoundError:
            return False
        return True

    def _link(self, path: Path, target: Path) -> None:
        """Give a file the name ``target``, in the place of another file if there is one."""
        try:
            target.hardlink_to(path)
        except FileNotFoundError:
            target.parent.mkdir(exist_ok=True)
            self._link(path, target)
        except FileExistsError:
            if not target.samefile(path):
                link = self._incoming / uuid4().hex
                link.hardlink_to(path)
                link.rename(target)
                link.unlink(missing_ok=True)  # a rename changes nothing where both names are one file's by now

    def _place(self, path: Path, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        path.chmod(0o444)
        os.utime(path)
        path.rename(target)


@dataclass(frozen=True)
class StoredFile:
    """One stored content, as an executor's ``Source``."""

    path: Path
    sha256: str
    size: int

    def open(self) -> BinaryIO:
        """Open it; reading to the end verifies it.

        Raises:
            StoreCorrupt: it is not stored; or, at the end of the file, its hash is another.
        """
        return _open_verified(self.path, self.sha256)


class BlobWriter:
    """Writes one new content into the store, chunk by chunk."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        handle, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(handle, "wb")
        self._path: Path | None = Path(name)
        self._digest = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            StorageFull: there is no room for them.
        """
        self._store.room.check_free(len(chunk))
        with full_is_told():
            self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def commit(self, *, flush: bool = True) -> Blob:
        """Make the content appear in the store and return its hash and size.

        Args:
            flush: whether it is whole after a power cut too; what can be made again need not be.
        """
        if self._path is None:
            raise ValueError("this writer is closed already")
        with full_is_told():
            self._file.flush()
            if flush:
                os.fsync(self._file.fileno())
            self._file.close()
        blob = Blob(sha256=self._digest.hexdigest(), size=self.size)
        self._store._place(self._path, blob.sha256)  # noqa: SLF001 - two halves of one class
        self._path = None
        return blob

    def close(self) -> None:
        """Drop what was not committed."""
        with suppress(OSError):  # what it had not written yet, the full disk does not take
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


def _open_verified(path: Path, sha256: str) -> BinaryIO:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise StoreCorrupt(f"stored file {sha256}: it is gone from {path}") from error
    return io.BufferedReader(_VerifiedFile(file, sha256), CHUNK_BYTES)


class _VerifiedFile(io.RawIOBase):
    """A file whose hash is checked when it has been read from its beginning to its end."""

    def __init__(self, file: io.FileIO, sha256: str) -> None:
        self._file = file
        self._sha256 = sha256
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        count = self._file.readinto(buffer)
        if count:
            self._digest.update(memoryview(buffer)[:count])
        elif self._digest.hexdigest() != self._sha256:
            raise StoreCorrupt(
                f"stored file {self._sha256}: its content now has the hash {self._digest.hexdigest()}",
                hint="the disk may be failing; run the steps that made it again",
            )
        return count or 0

    def close(self) -> None:
        self._file.close()
        super().close()
