"""Finds modules: every folder with a ``module.yaml`` below the given folders."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import ValidationError

from calculation_engine.errors import Fault, InvalidInput, NotFound, pydantic_faults
from calculation_engine.schemas.module import Manifest

MANIFEST = "module.yaml"
#: What is in a module's folder but changes no result.
_NOT_CONTENT = frozenset({"cases", "__pycache__", "README.md", "tests", ".DS_Store"})
_BUILT_IN = "images"

#: A file, and what changes whenever it is written: its time in ns and its size in bytes.
_FileState = tuple[str, int, int]


@dataclass(frozen=True)
class Module:
    """One module as it stands in its folder now."""

    manifest: Manifest
    folder: Path
    shared: tuple[Path, ...]
    config_schema: dict[str, Any]
    content_hash: str
    """sha256 over the files of the folder and of its shared folders, cases and README left out."""
    files: Mapping[str, str]
    """These files: ``<folder>/<path>`` to sha256."""

    @property
    def requirements(self) -> Path | None:
        """The lock file, if the module has one."""
        return self.folder / self.manifest.requirements if self.manifest.requirements else None

    @property
    def cases(self) -> list[Path]:
        """Folders of the module's cases, those of its shared folders included."""
        folders = [folder / "cases" for folder in (self.folder, *self.shared)]
        return sorted(file.parent for folder in folders for file in folder.glob("*/case.yaml"))


class Catalogue:
    """The modules below a list of folders; a name in an earlier folder wins.

    Nothing is kept between calls but what was read from unchanged files: a module that was edited or added is seen at
    once.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = [built_in_folder(), *folders]
        self._hashes: dict[_FileState, bytes] = {}
        self._manifests: dict[_FileState, Manifest] = {}
        self._modules: dict[tuple[Path, str], Module] = {}

    def names(self) -> list[str]:
        """Return the names of all modules, those with a faulty manifest included."""
        found = {
            manifest.parent.name
            for folder in self.folders
            for manifest in folder.glob(f"*/{MANIFEST}")
            if not manifest.parent.name.startswith(("_", "."))
        }
        return sorted(found)

    def get(self, name: str) -> Module:
        """Return the module of that name.

        Raises:
            NotFound: there is none; near names are told.
            InvalidInput: its manifest has faults; each is named.
        """
        folder = next((f / name for f in self.folders if (f / name / MANIFEST).is_file()), None)
        if folder is None or name.startswith(("_", ".")) or "/" in name:
            names = self.names()
            near = difflib.get_close_matches(name, names, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}"
            raise NotFound(f"there is no module {name!r}", hint=hint)
        return self._load(folder)

    def _load(self, folder: Path) -> Module:
        manifest = self._manifest(folder)
        shared = tuple(folder.parent / name for name in manifest.shared)
        absent = [path.name for path in shared if not path.is_dir()]
        if absent:
            raise InvalidInput(f"module {folder.name}: shared folders are absent: {', '.join(absent)}")
        digest = hashlib.sha256()
        files: dict[str, str] = {}
        for root in (folder, *shared):
            for path, state in _content(str(root)):
                name, content = f"{root.name}/{path}", self._hash(state)
                digest.update(f"{name}\0".encode())
                digest.update(content)
                files[name] = content.hex()
        key = (folder, digest.hexdigest())
        if key not in self._modules:
            schema = _load_config_schema(manifest, folder)
            self._modules[key] = Module(manifest, folder, shared, schema, digest.hexdigest(), files)
        return self._modules[key]

    def _manifest(self, folder: Path) -> Manifest:
        key = _state(folder / MANIFEST)
        if key not in self._manifests:
            self._manifests[key] = load_manifest(folder)
        return self._manifests[key]

    def _hash(self, state: _FileState) -> bytes:
        if state not in self._hashes:
            self._hashes[state] = hashlib.sha256(Path(state[0]).read_bytes()).digest()
        return self._hashes[state]


def _state(file: Path) -> _FileState:
    status = file.stat()
    return str(file), status.st_mtime_ns, status.st_size


def built_in_folder() -> Path:
    """Return the folder of the modules that come with the engine."""
    package = Path(__file__).parents[1]
    installed = package / _BUILT_IN
    return installed if installed.is_dir() else package.parent / _BUILT_IN


def load_manifest(folder: Path) -> Manifest:
    """Read a module's manifest.

    Raises:
        InvalidInput: it is not YAML, does not fit the schema, or names another module; all faults are told.
    """
    where = f"{folder.name}/{MANIFEST}"
    try:
        document = yaml.safe_load((folder / MANIFEST).read_text())
        manifest = Manifest.model_validate(document)
    except yaml.YAMLError as error:
        raise InvalidInput(f"{where}: not readable as YAML: {error}") from error
    except ValidationError as error:
        raise InvalidInput(f"{where}: not a manifest", faults=pydantic_faults(error.errors())) from error
    if manifest.name != folder.name:
        fault = Fault("name", f"expected {folder.name!r}, the folder's name, got {manifest.name!r}")
        raise InvalidInput(f"{where}: not this folder's manifest", faults=[fault])
    return manifest


def _load_config_schema(manifest: Manifest, folder: Path) -> dict[str, Any]:
    schema = manifest.config_schema
    try:
        if isinstance(schema, str):
            schema = json.loads((folder / schema).read_text())
        Draft202012Validator.check_schema(schema)
    except (OSError, json.JSONDecodeError, SchemaError) as error:
        message = error.message if isinstance(error, SchemaError) else str(error)
        raise InvalidInput(f"module {manifest.name}: config_schema: {message}") from error
    assert isinstance(schema, dict)
    return schema


def _content(folder: str, prefix: str = "") -> Iterator[tuple[str, _FileState]]:
    """Yield each file below a folder that is a module's content, in an order that is always the same.

    A step asks for this twice: entries of a folder with their status take a fifth of the time of paths.
    """
    with os.scandir(folder) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in _NOT_CONTENT or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir():
            yield from _content(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file():
            status = entry.stat()
            yield prefix + entry.name, (entry.path, status.st_mtime_ns, status.st_size)
