"""Backup and restore of database, stored files and logs together, as of one instant.

A folder of backups holds ``store/``, where each content is kept once for all of them, and one folder a backup with the
rows of every table and ``manifest.json``, which is written last: a backup without it is none. So a second backup copies
what is new alone. The database is read in one transaction; what its rows refer to was stored before them, and no engine
deletes unused files meanwhile.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calculation_engine import __version__
from calculation_engine.db.database import Database
from calculation_engine.db.dump import Row, Snapshot
from calculation_engine.errors import Conflict, InvalidInput, NotFound, StoreCorrupt
from calculation_engine.schemas.base import Schema
from calculation_engine.store import Store

_MANIFEST = "manifest.json"
_LOGS = "logs"
_REFERRING = frozenset({"step_files", "job_files", "outputs", "uploads"})
_CHUNK_BYTES = 1 << 20


class Manifest(Schema):
    """What a backup holds."""

    format: int = 1
    version: str
    """Of the program that made it."""
    schema_version: str
    database: str
    """Kind of the database that it was made from."""
    created: datetime
    tables: dict[str, int]
    """Rows of each table, each after those that it refers to."""
    files: list[str]
    """sha256 of the stored files that the rows refer to."""
    logs: dict[str, str]
    """Path of each log below the data folder's ``logs`` -> its sha256 in the store beside."""
    missing: list[str]
    """sha256 of files that rows refer to, and that were absent or damaged when it was made."""


@dataclass(frozen=True)
class Made:
    """A backup that was made, or restored."""

    path: Path
    manifest: Manifest
    copied_files: int
    copied_bytes: int


def back_up(database: Database, store: Store, data_dir: Path, folder: Path, kind: str) -> Made:
    """Make a backup in a folder of backups, while engines go on.

    Args:
        database: whose rows are kept.
        store: whose files are kept.
        data_dir: whose logs are kept.
        folder: of backups; made if need be.
        kind: of the database.

    Raises:
        Conflict: the folder lies in the data folder.
    """
    folder = folder.absolute()
    if folder.is_relative_to(data_dir):
        raise Conflict(f"{folder} lies in the data folder", hint="back up to another disk, or at least another folder")
    created = datetime.now(UTC)
    path = folder / created.strftime("%Y-%m-%dT%H%M%S.%fZ")
    part = path.with_suffix(".part")
    part.mkdir(parents=True)
    target = Store(folder)
    try:
        with store.kept(), database.snapshot() as snapshot:
            hashes: set[str] = set()
            tables = {name: _write_table(snapshot, name, part, hashes) for name in snapshot.tables}
            copied = [_copy(store, target, sha256) for sha256 in sorted(hashes)]
        logs = _keep_logs(target, data_dir / _LOGS)
        manifest = Manifest(
            version=__version__,
            schema_version=database.version or "",
            database=kind,
            created=created,
            tables=tables,
            files=sorted(hashes),
            logs=logs,
            missing=sorted(sha256 for sha256, size in zip(sorted(hashes), copied, strict=True) if size is None),
        )
        (part / _MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n")
        os.sync()
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    new = [size for size in copied if size]
    return Made(path, manifest, len(new), sum(new))


def find_backup(folder: Path, name: str | None) -> tuple[Path, Manifest]:
    """Return the newest backup of a folder, or the one of that name.

    Raises:
        NotFound: there is none.
        InvalidInput: its manifest cannot be read.
    """
    found = sorted(path.parent.name for path in folder.glob(f"*/{_MANIFEST}"))
    chosen = name or (found[-1] if found else None)
    if chosen not in found:
        known = f"there are: {', '.join(found)}" if found else "make one with `ce admin backup`"
        raise NotFound(f"{folder}: there is no backup{f' {name}' if name else ''} in it", hint=known)
    try:
        manifest = Manifest.model_validate_json((folder / chosen / _MANIFEST).read_bytes())
    except ValidationError as error:
        raise InvalidInput(f"{folder / chosen / _MANIFEST}: it is not the manifest of a backup: {error}") from error
    return folder / chosen, manifest


def restore(database: Database, store: Store, data_dir: Path, path: Path, manifest: Manifest) -> Made:
    """Bring a backup back into an empty database and its data folder; files first, so that no row lacks its own.

    Raises:
        Conflict: the database has jobs already.
        InvalidInput: the backup is of a newer schema, or damaged.
        StorageFull: there is no room for it.
    """
    kept = Store(path.parent)
    hashes = sorted(set(manifest.files) - set(manifest.missing))
    copied = [_copy(kept, store, sha256, must=True) for sha256 in hashes]
    database.load(manifest.schema_version, {name: _read_table(path, name) for name in manifest.tables})
    for name, sha256 in manifest.logs.items():
        _restore_log(kept, sha256, data_dir / _LOGS, name)
    new = [size for size in copied if size]
    return Made(path, manifest, len(new), sum(new))


def _write_table(snapshot: Snapshot, name: str, folder: Path, hashes: set[str]) -> int:
    count = 0
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", compresslevel=3, encoding="utf-8") as file:
        for row in snapshot.rows(name):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
            if name in _REFERRING:
                hashes.add(row["sha256"])
    return count


def _read_table(folder: Path, name: str) -> Iterator[Row]:
    try:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row: Row = json.loads(line)
                yield row
    except (OSError, EOFError, ValueError) as error:
        raise InvalidInput(f"{folder / name}.jsonl.gz: it is damaged: {error}", hint="take another backup") from error


def _copy(source: Store, target: Store, sha256: str, *, must: bool = False) -> int | None:
    """Copy one content and return its bytes, 0 where it is there already; None where the source has it no more."""
    if target.path(sha256).exists():
        return 0
    try:
        with source.open(sha256) as file, target.writer() as writer:
            while chunk := file.read(_CHUNK_BYTES):
                writer.write(chunk)
            return writer.commit(flush=False).size
    except StoreCorrupt:
        if must:
            raise
        return None


def _keep_logs(target: Store, folder: Path) -> dict[str, str]:
    kept = {}
    for file in sorted(folder.glob("*/*.log")):
        try:
            with file.open("rb") as log, target.writer() as writer:
                while chunk := log.read(_CHUNK_BYTES):
                    writer.write(chunk)
                kept[file.relative_to(folder).as_posix()] = writer.commit(flush=False).sha256
        except FileNotFoundError:
            continue  # its job was deleted in this moment
    return kept


def _restore_log(kept: Store, sha256: str, folder: Path, name: str) -> None:
    if not re.fullmatch(r"[0-9a-f-]+/[0-9a-f.-]+\.log", name):
        raise InvalidInput(f"the backup's manifest names a log {name!r}, which no step has")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with kept.open(sha256) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK_BYTES)


def told(made: Made) -> Mapping[str, Any]:
    """Return what there is to say of a backup, as a JSON document."""
    manifest = made.manifest
    return {
        "backup": str(made.path),
        "created": manifest.created.isoformat(),
        "jobs": manifest.tables.get("jobs", 0),
        "steps": manifest.tables.get("steps", 0),
        "files": len(manifest.files),
        "missing": manifest.missing,
        "logs": len(manifest.logs),
        "copied_files": made.copied_files,
        "copied_bytes": made.copied_bytes,
    }
