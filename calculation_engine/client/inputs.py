"""Files and tables on this side become uploads on the server's, before a job that names them is sent."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from calculation_engine.client.transport import Transport
from calculation_engine.client.uploads import Content, Contents, Local, LocalFile, LocalFolder, Uploads
from calculation_engine.errors import Fault, InvalidInput

#: Texts up to this size travel in the job itself.
_INLINE_CHARACTERS = 1 << 16
#: What stands for a file in a document that is only checked.
_GIVEN = {"type": "part", "name": "file"}


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
        return dict(value) if value.keys() & {"type", "uuid"} else _folder_of(value)
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
    for holder, key, local in locals_:
        holder[key] = uploads.reference(local)
    return copy


def without_files(document: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Return a job's document that says of every file of this side only that there is one, and what is not there."""
    copy, locals_, faults = _with_locals(document, folder)
    for holder, key, _ in locals_:
        holder[key] = dict(_GIVEN)
    return copy, faults


#: Where a file goes: what holds it in the document, and under which key.
_Goes = tuple[Any, Any, Local]


def _with_locals(document: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[_Goes], list[Fault]]:
    """Return a copy of the document, its inputs that are files of this side, with where they go, and what is absent."""
    copy = dict(document)
    locals_: list[_Goes] = []
    faults: list[Fault] = []
    for holder, key, where in [*_inputs(copy), *_designs(copy)]:
        try:
            found = local_input(holder[key], folder, str(key))
        except ValueError as error:
            faults.append(Fault(where, str(error)))
            found = dict(_GIVEN)
        if isinstance(found, dict):
            holder[key] = found
        else:
            locals_.append((holder, key, found))
    return copy, locals_, faults


def _inputs(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any, str]]:
    """Yield what is given for inputs, copied into the document: what holds each, its key there, and its path."""
    for holder, where in [*_processes(document), *_baselines(document)]:
        given = holder.get("inputs")
        if isinstance(given, Mapping):
            inputs = holder["inputs"] = dict(given)
            # None in a baseline: there is none; in a process the server tells what is wrong with it.
            yield from ((inputs, label, f"{where}inputs.{label}") for label in given if given[label] is not None)


def _designs(document: dict[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Yield the files of sweeps' designs, and those among their values, likewise."""
    for component, where in _members(document, "components"):
        if component.get("type") != "sweep" or not isinstance(component.get("design"), Mapping):
            continue
        design = component["design"] = dict(component["design"])
        if design.get("file") is not None:
            yield design, "file", f"{where}design.file"
        for part in ("columns", "rows"):
            if isinstance(design.get(part), Mapping | list):
                design[part] = _copied(design[part])
                yield from _files_in(design[part], f"{where}design.{part}")


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _files_in(holder: Any, where: str) -> Iterator[tuple[Any, Any, str]]:
    for key, item in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
        path = f"{where}[{key}]" if isinstance(holder, list) else f"{where}.{key}"
        if isinstance(item, dict) and item.get("type") == "file":
            yield holder, key, path
        elif isinstance(item, dict | list):
            yield from _files_in(item, path)


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
