"""Sends files of this side to the server, each once."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from calculation_engine.client.transport import Transport
from calculation_engine.errors import EngineError, InvalidInput

_CHUNK_BYTES = 1 << 20
#: A fixed time, so that the same folder gives the same archive. The first that ZIP can express.
_ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class LocalFile:
    """A file that is to be uploaded."""

    path: Path


@dataclass(frozen=True)
class LocalFolder:
    """A folder that is to be uploaded as an archive; names that begin with a dot are left out."""

    path: Path


@dataclass(frozen=True)
class Content:
    """Bytes that are to be uploaded under a name."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Contents:
    """Files of a folder that exists in memory only."""

    files: tuple[Content, ...]


Local = LocalFile | LocalFolder | Content | Contents


@dataclass
class Uploads:
    """Sends files, each once."""

    transport: Transport
    _sent: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def reference(self, local: Local) -> dict[str, Any]:
        """Upload it and return the reference that a job's input takes."""
        if isinstance(local, Content):
            return self._send(io.BytesIO(local.content), len(local.content), local.name)
        if isinstance(local, Contents):
            return self._send_archive((file.name, io.BytesIO(file.content)) for file in local.files)
        if local.path not in self._sent:
            self._sent[local.path] = self._from_disk(local)
        return self._sent[local.path]

    def _from_disk(self, local: LocalFile | LocalFolder) -> dict[str, Any]:
        if isinstance(local, LocalFolder):
            return self._send_archive(_opened(local.path))
        with local.path.open("rb") as file:
            return self._send(file, local.path.stat().st_size, local.path.name)

    def _send_archive(self, files: Iterator[tuple[str, IO[bytes]]]) -> dict[str, Any]:
        with tempfile.TemporaryFile() as temporary:
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, file in files:
                    entry = zipfile.ZipInfo(name, _ARCHIVE_TIME)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with file, archive.open(entry, "w", force_zip64=True) as target:
                        while chunk := file.read(_CHUNK_BYTES):
                            target.write(chunk)
            size = temporary.tell()
            temporary.seek(0)
            return self._send(temporary, size, "folder.zip")

    def _send(self, file: IO[bytes], size: int, name: str) -> dict[str, Any]:
        digest = hashlib.sha256()

        def chunks() -> Iterator[bytes]:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                yield chunk

        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        path = f"/upload?name={quote(name, safe='')}"
        # Not sent again by itself: the file has been read to somewhere in its middle.
        reply = self.transport.json("PUT", path, content=chunks(), headers=headers, idempotent=False)
        if reply["sha256"] != digest.hexdigest():
            raise EngineError(f"upload {name}: the server stored other bytes than were sent", hint="send it again")
        return {"type": "upload", "uuid": reply["uuid"], "checksum": f"sha256:{reply['sha256']}"}


def _opened(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    shown = sorted(path for path in paths if not any(part.startswith(".") for part in path.parts))
    if not shown:
        raise InvalidInput(f"folder {folder}: expected files to upload, found none")
    for path in shown:
        yield path.as_posix(), (folder / path).open("rb")
