"""What uses the disk."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import batched
from pathlib import Path

from calculation_engine.db.database import Database
from calculation_engine.db.sizes import JobSize
from calculation_engine.settings import Settings
from calculation_engine.store import Store, used_bytes

#: Folders of the data folder, and what is in them.
_FOLDERS = {
    "logs": "logs",
    "work": "scratch",
    "incoming": "scratch",
    "local/environments": "environments",
    "local/programs": "environments",
}


@dataclass(frozen=True)
class Usage:
    """Bytes of what is in a data folder and its database."""

    data_dir: Path
    parts: dict[str, int]  #: stored files, of them unused, logs, scratch, environments, database
    jobs: dict[str, int]  #: how many in each state
    largest: list[JobSize]
    total_bytes: int  #: of the data folder
    free_bytes: int  #: on its disk
    quota_bytes: int | None
    kept_free_bytes: int


def measure(settings: Settings, database: Database, store: Store, largest: int) -> Usage:
    """Measure everything; takes as long as looking at every file takes.

    Args:
        settings: of the data folder.
        database: of it.
        store: of it.
        largest: how many of the largest jobs are named.
    """
    data_dir = settings.data_dir
    parts = {"stored files": used_bytes(data_dir / "store"), "of them unused": 0}
    for blobs in batched(store.older_than(0), 500):
        used = database.steps.uses_blob([blob.sha256 for blob in blobs])
        parts["of them unused"] += sum(blob.size for blob in blobs if blob.sha256 not in used)
    for folder, name in _FOLDERS.items():
        parts[name] = parts.get(name, 0) + used_bytes(data_dir / folder)
    parts["database"] = database.sizes.database_bytes()
    return Usage(
        data_dir=data_dir,
        parts=parts,
        jobs={str(state): count for state, count in sorted(database.sizes.jobs_by_state().items())},
        largest=database.sizes.largest_jobs(largest),
        total_bytes=used_bytes(data_dir),
        free_bytes=store.room.free_bytes,
        quota_bytes=settings.disk_quota,
        kept_free_bytes=settings.disk_free,
    )
