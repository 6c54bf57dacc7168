"""Files and tables on this side become uploads on the server's, before a job that names them is sent."""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from calculation_engine.client.transport import Transport
from calculation_engine.errors import EngineError, Fault, InvalidInput

_CHUNK_BYTES = 1 << 20
#: Texts up to this size travel in the job itself.
_INLINE_CHARACTERS = 1 << 16
#: A fixed time, so that the same folder gives the same archive. The first that ZIP can express.
_ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)
#: What stands for a file in a document that is only checked.
_GIVEN = {"type": "part", "name": "file"}


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


def local_input(value: Any, folder: Path, label: str) -> Local | dict[str, Any]:
    """Return what a user gave for an input: something to upload, or a reference as the server understands it.

    Args:
        value: a path, a text of several lines, bytes, a table, tables or texts by file name (together a folder),
            ``{"type": "file", "path": ...}``, or a reference.
        folder: that relative paths start from.
        label: of the input; names what has no name of its own.

    Raises:
        ValueError: the path is absent, or the value is none of these.
    """
    if isinstance(value, Mapping):
        if value.get("type") == "file":
            return _from_path(_only_path(value), folder)
        return dict(value) if "type" in value else _folder_of(value)
    if isinstance(value, str) and "\n" in value:
        return {"type": "inline", "text": value} if len(value) <= _INLINE_CHARACTERS else _content(value, label)
    if isinstance(value, str | Path):
        return _from_path(value, folder)
    return _content(value, label)


def with_uploads(document: Mapping[str, Any], folder: Path, transport: Transport) -> dict[str, Any]:
    """Return a job's document with every file of this side uploaded and named by a reference.

    Args:
        document: what ``PUT /job`` takes, with local inputs.
        folder: that relative paths start from.
        transport: to the server.

    Raises:
        InvalidInput: inputs that are not there; all are named, and nothing was sent.
    """
    copy, locals_, faults = _with_locals(document, folder)
    if faults:
        raise InvalidInput("inputs: not all can be read", faults=faults)
    uploads = Uploads(transport)
    for inputs, label, local in locals_:
        inputs[label] = uploads.reference(local)
    return copy


def without_files(document: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Return a job's document that says of every file of this side only that there is one, and what is not there."""
    copy, locals_, faults = _with_locals(document, folder)
    for inputs, label, _ in locals_:
        inputs[label] = dict(_GIVEN)
    return copy, faults


def _with_locals(
    document: Mapping[str, Any], folder: Path
) -> tuple[dict[str, Any], list[tuple[dict[str, Any], str, Local]], list[Fault]]:
    """Return a copy of the document, its inputs that are files of this side, with where they go, and what is absent."""
    copy = dict(document)
    locals_: list[tuple[dict[str, Any], str, Local]] = []
    faults: list[Fault] = []
    for holder, where in [*_processes(copy), *_baselines(copy)]:
        given = holder.get("inputs")
        if not isinstance(given, Mapping):
            continue
        inputs = holder["inputs"] = dict(given)
        for label, value in given.items():
            if value is None:
                continue  # in a baseline: there is none; in a process the server tells what is wrong with it
            try:
                found = local_input(value, folder, str(label))
            except ValueError as error:
                faults.append(Fault(f"{where}inputs.{label}", str(error)))
                inputs[label] = dict(_GIVEN)
                continue
            if isinstance(found, dict):
                inputs[label] = found
            else:
                locals_.append((inputs, label, found))
    return copy, locals_, faults


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


def _processes(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every process of a job's document, copied into it, with where it stands; the short form is its own."""
    if "module" in document:
        yield document, ""
    yield from _members(document, "processes")


def _baselines(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what every loop of a job's document changes in its baseline, copied into it, with where it stands."""
    for component, where in _members(document, "components"):
        if isinstance(component.get("baseline"), Mapping):
            baseline = component["baseline"] = dict(component["baseline"])
            for name, override in baseline.items():
                if isinstance(override, Mapping):
                    baseline[name] = dict(override)
                    yield baseline[name], f"{where}baseline.{name}."


def _members(document: dict[str, Any], kind: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the mappings in a workflow's list ``kind``, copied into the document, with where each stands."""
    holder, where = document, ""
    if isinstance(document.get("workflow"), Mapping):
        holder = document["workflow"] = dict(document["workflow"])
        where = "workflow."
    members = holder.get(kind)
    if not isinstance(members, list):
        return
    holder[kind] = [dict(member) if isinstance(member, Mapping) else member for member in members]
    for index, member in enumerate(holder[kind]):
        if isinstance(member, dict):
            yield member, f"{where}{kind}[{index}]."


def _from_path(given: str | Path, folder: Path) -> LocalFile | LocalFolder:
    path = folder / Path(given).expanduser()
    if path.is_dir():
        return LocalFolder(path)
    if path.is_file():
        return LocalFile(path)
    raise ValueError(f"there is no file {path}; a text in place of a file needs at least one line break")


def _only_path(value: Mapping[str, Any]) -> str:
    if set(value) != {"type", "path"} or not isinstance(value["path"], str):
        raise ValueError(f"type file takes `path` and nothing else, got {', '.join(sorted(map(str, value)))}")
    return value["path"]


def _folder_of(files: Mapping[Any, Any]) -> Contents:
    if not files:
        raise ValueError("expected a reference with `type`, or files by name, got an empty mapping")
    return Contents(tuple(_content(value, str(name)) for name, value in sorted(files.items())))


def _content(value: Any, name: str) -> Content:
    if isinstance(value, bytes):
        return Content(name, value)
    if isinstance(value, str):
        return Content(name, value.encode())
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        from calculation_engine.tables import write_table  # here, as pandas takes a second to import

        buffer = io.BytesIO()
        write_table(value, buffer)
        return Content(name if name.endswith(".csv") else f"{name}.csv", buffer.getvalue())
    expected = "a path, a text of several lines, bytes, a DataFrame or a reference"
    raise ValueError(f"expected {expected}, got {type(value).__name__}")


def _opened(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    shown = sorted(path for path in paths if not any(part.startswith(".") for part in path.parts))
    if not shown:
        raise InvalidInput(f"folder {folder}: expected files to upload, found none")
    for path in shown:
        yield path.as_posix(), (folder / path).open("rb")
