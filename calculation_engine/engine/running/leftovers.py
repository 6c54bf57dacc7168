"""Removes what nobody needs any more: expired jobs and uploads, leftovers of attempts, files nothing refers to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched

import structlog

from calculation_engine.db.database import Database
from calculation_engine.engine.running.owner import alive
from calculation_engine.engine.steps.paths import OUTPUTS_SUFFIX, scratch
from calculation_engine.errors import Conflict, ExecutorUnavailable, Gone, NotFound
from calculation_engine.executors.base import Executor
from calculation_engine.settings import Settings
from calculation_engine.store import Store

log = structlog.get_logger(__name__)

#: A file this young may belong to a request that is being stored.
_YOUNG_SECONDS = 3600.0
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Swept:
    """What one sweep removed."""

    jobs: list[str]  #: ids
    uploads: int
    leftovers: int  #: attempts of which something was left
    freed_bytes: int  #: of stored files and logs


class Cleaner:
    """The housekeeping of one engine."""

    def __init__(self, database: Database, store: Store, executors: Mapping[str, Executor], settings: Settings) -> None:
        self._database = database
        self._store = store
        self._executors = executors
        self._settings = settings

    def run(self) -> Swept:
        """Clean once, by the rules of the settings."""
        jobs = self.expired_jobs(self._settings.keep_days, self._settings.keep_last)
        leftovers = self.leftovers()
        self.scratch()
        self._comparisons()
        alive(self._settings.data_dir)
        uploads = self.expired_uploads()
        self._store.remove_unfinished(_YOUNG_SECONDS)
        with self._store.clearing() as allowed:
            if not allowed:
                log.info("files_kept", why="a backup is being made")
                return Swept(jobs, uploads, leftovers, 0)
            freed = self.unused_files(_YOUNG_SECONDS) + self._logs()
        return Swept(jobs, uploads, leftovers, freed)

    def expired_jobs(self, keep_days: float | None, keep_last: int | None) -> list[str]:
        """Delete the ended jobs that no rule keeps, with their results; return their ids."""
        deleted: list[str] = []
        while expired := self._database.jobs.expired(keep_days, keep_last):
            for job_id in expired:
                with suppress(NotFound, Gone, Conflict):  # another engine, or a user, was first
                    self._database.jobs.delete(job_id)
                    log.info("job_expired", job=job_id)
                    deleted.append(job_id)
        return deleted

    def expired_uploads(self) -> int:
        """Delete the uploads that no job used in time; return how many."""
        expired = self._database.uploads.expired(self._settings.upload_days)
        for upload in expired:
            with suppress(NotFound):
                self._database.uploads.delete(upload.id)
        return len(expired)

    def leftovers(self) -> int:
        """Remove what is left, in any place, of attempts whose step has ended or is gone; return of how many."""
        removed = 0
        for name, executor in self._executors.items():
            try:
                present = set(executor.leftovers())
                for attempt in present - self._database.steps.live_attempts() if present else ():
                    executor.remove_leftover(attempt)
                    removed += 1
                    log.info("leftover_removed", executor=name, attempt=attempt)
            except ExecutorUnavailable as error:
                log.debug("executor_unavailable", executor=name, error=error.message)
        return removed

    def scratch(self) -> None:
        """Remove the folders of attempts whose engine died after their end, and before it had cleaned up."""
        folders = list((self._settings.data_dir / "work").glob("*"))
        live = self._database.steps.live_attempts() if folders else set[str]()
        for folder in folders:
            if folder.name.removesuffix(OUTPUTS_SUFFIX) not in live:
                shutil.rmtree(folder, ignore_errors=True)

    def _comparisons(self) -> None:
        """Remove what processes that died while they compared have left."""
        limit = time.time() - _DAY_SECONDS
        for folder in scratch(self._settings.data_dir).glob("*"):
            if folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)

    def unused_files(self, older_than_seconds: float) -> int:
        """Delete stored files that no step, job or upload refers to; return their bytes."""
        freed = 0
        for blobs in batched(self._store.older_than(older_than_seconds), 500):
            used = self._database.steps.uses_blob([blob.sha256 for blob in blobs])
            for blob in blobs:
                if blob.sha256 not in used and self._store.delete(blob.sha256, older_than_seconds):
                    freed += blob.size
        return freed

    def _logs(self) -> int:
        freed = 0
        folder = self._settings.data_dir / "logs"
        for files in batched(sorted(folder.glob("*/*.log")), 500):
            owners = {file: file.name.split(".", 1)[0] for file in files}
            stored = self._database.steps.existing(sorted(set(owners.values())))
            for file, step_id in owners.items():
                if step_id not in stored and file.exists():
                    freed += file.stat().st_size
                    file.unlink(missing_ok=True)
        return freed
