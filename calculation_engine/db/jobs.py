"""Jobs: stored, found, planned, cancelled, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.adding import add_steps
from calculation_engine.db.history import note_deleted
from calculation_engine.db.imported import ImportedJob
from calculation_engine.db.importing import bring_in
from calculation_engine.db.listing import find_jobs
from calculation_engine.db.planning import plan
from calculation_engine.db.retention import expired_jobs
from calculation_engine.db.rows import (
    JobChange,
    JobFilter,
    JobRow,
    NewJob,
    NewStep,
    SweepChange,
    names_of,
)
from calculation_engine.db.session import Again, Sessions, Transaction
from calculation_engine.db.slots import slot_jobs, slot_names, take_slot
from calculation_engine.db.tables import deleted_jobs, job_files, jobs
from calculation_engine.db.types import EPOCH
from calculation_engine.db.writing import label_job, lock_job, request_end, tell_job
from calculation_engine.errors import Conflict, Gone, NotFound
from calculation_engine.schemas.files import Blob
from calculation_engine.states import ENDED, State

_COLUMNS = [jobs.c[name] for name in names_of(JobRow)]
_HEAD = [column for column in _COLUMNS if column.name not in {"workflow", "loops"}]
_CANDIDATES = 5
_SHORTEST_PREFIX = 4


class Jobs:
    """The jobs of the database. Every method is one transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def create(self, new: NewJob) -> tuple[JobRow, bool]:
        """Store a job with its first steps; the same id and request again is the same job.

        It takes over its slot: the owner's job that had it is marked, and its end asked for if it has not ended.

        Returns:
            The job, and whether it was stored now.

        Raises:
            Conflict: the id belongs to a job with another request, or of another owner.
            Gone: the id belonged to a job that was deleted.
        """
        return self._sessions.write(lambda tx: _create(tx, new))

    def get(self, job_id: str) -> JobRow:
        """Return a job.

        Raises:
            NotFound: there never was one of that id.
            Gone: it was deleted.
        """
        return self._sessions.read(lambda tx: _get(tx, job_id))

    def head(self, job_id: str) -> JobRow:
        """Return a job without its workflow and loops, which may be long.

        Raises:
            NotFound, Gone: as :meth:`get`.
        """
        return self._sessions.read(lambda tx: _get(tx, job_id, _HEAD))

    def files_below(self, job_id: str, folder: str) -> dict[str, dict[str, Blob]]:
        """Return what was stored with the job under names that begin with ``folder/``, by the rest of the name."""
        first, stop = f"{folder}/", f"{folder}0"  # "0" follows "/"
        query = select(job_files.c.process, job_files.c.path, job_files.c.sha256, job_files.c.size)
        query = query.where(job_files.c.job_id == job_id, job_files.c.process >= first, job_files.c.process < stop)
        found: dict[str, dict[str, Blob]] = {}
        for row in self._sessions.read(lambda tx: tx.run(query).all()):
            place = found.setdefault(row.process.removeprefix(first), {})
            place[row.path] = Blob(sha256=row.sha256, size=row.size)
        return found

    def files(self, job_id: str, process: str) -> dict[str, Blob]:
        """Return the files that the step of a process reads, as they were stored with the job."""
        query = select(job_files.c.path, job_files.c.sha256, job_files.c.size)
        query = query.where(job_files.c.job_id == job_id, job_files.c.process == process)
        return self._sessions.read(
            lambda tx: {row.path: Blob(sha256=row.sha256, size=row.size) for row in tx.run(query)}
        )

    def all_files(self, job_id: str) -> dict[str, dict[str, Blob]]:
        """Return the files that were stored with the job, by the place of the step that reads them."""
        columns = (job_files.c.process, job_files.c.path, job_files.c.sha256, job_files.c.size)
        query = select(*columns).where(job_files.c.job_id == job_id).order_by(job_files.c.process, job_files.c.path)

        def read(tx: Transaction) -> dict[str, dict[str, Blob]]:
            found: dict[str, dict[str, Blob]] = {}
            for row in tx.run(query):
                found.setdefault(row.process, {})[row.path] = Blob(sha256=row.sha256, size=row.size)
            return found

        return self._sessions.read(read)

    def bring_in(self, job: ImportedJob) -> tuple[JobRow, bool]:
        """Store a job that ended on another machine, and return it and whether it was stored now.

        One that was deleted here is there again.

        Raises:
            Conflict: the id, or that of a step, belongs to another job or owner.
        """
        return self._sessions.write(lambda tx: bring_in(tx, job))

    def resolve(self, prefix: str, owner: str | None = None) -> str:
        """Return the one id that begins with ``prefix``; a whole id is returned without being looked up.

        Args:
            prefix: at least 4 characters of the id.
            owner: whose jobs to look at; None: everybody's.

        Raises:
            NotFound: no id begins so, or the prefix is too short.
            Conflict: several ids begin so; the message names some.
        """
        prefix = prefix.lower()
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", prefix):
            return prefix
        if not re.fullmatch(r"[0-9a-f-]+", prefix) or len(prefix) < _SHORTEST_PREFIX:
            hint = f"expected an id or at least {_SHORTEST_PREFIX} characters of its beginning"
            raise NotFound(f"there is no job {prefix!r}", hint=hint)
        ids = self._sessions.read(lambda tx: _beginning_with(tx, prefix, owner))
        if not ids:
            raise NotFound(f"there is no job whose id begins with {prefix}")
        if len(ids) > 1:
            named = ", ".join(ids[:_CANDIDATES]) + (", ..." if len(ids) > _CANDIDATES else "")
            raise Conflict(f"the ids of several jobs begin with {prefix}: {named}", hint="give more characters")
        return ids[0]

    def find(
        self, wanted: JobFilter, sort: str = "-created", limit: int = 50, after: str | None = None
    ) -> tuple[list[JobRow], str | None]:
        """Return one page of the wanted jobs without their workflows, and the cursor of the next page or None.

        Args:
            wanted: which jobs.
            sort: one of :data:`~calculation_engine.db.listing.SORTS`; a minus sign turns the order round.
            limit: jobs of a page.
            after: cursor that the page before gave, with the same ``wanted`` and ``sort``.

        Raises:
            InvalidInput: there is no such sort, or the cursor is none of ours.
        """
        return self._sessions.read(lambda tx: find_jobs(tx, wanted, sort, limit, after))

    def request_cancel(self, job_id: str) -> JobRow:
        """Ask for a job's end and return it; steps that no engine holds are cancelled at once. Idempotent.

        Raises:
            Conflict: it has ended.
            NotFound, Gone: as :meth:`get`.
        """
        return self._sessions.write(lambda tx: _request_cancel(tx, job_id))

    def slot(self, owner: str, name: str) -> tuple[JobRow | None, JobRow | None]:
        """Return the newest job of a slot, and the newest that succeeded; workflows are left out."""
        return self._sessions.read(lambda tx: slot_jobs(tx, owner, name))

    def slots(self, owner: str, after: str, limit: int) -> dict[str, tuple[JobRow | None, JobRow | None]]:
        """Return up to ``limit`` of an owner's slots behind the name ``after``, each as :meth:`slot` does."""

        def read(tx: Transaction) -> dict[str, tuple[JobRow | None, JobRow | None]]:
            return {name: slot_jobs(tx, owner, name) for name in slot_names(tx, owner, after, limit)}

        return self._sessions.read(read)

    def delete(self, job_id: str) -> None:
        """Delete an ended job with all that belongs to it; its id is never given again.

        Raises:
            Conflict: it has not ended.
            NotFound, Gone: as :meth:`get`.
        """
        self._sessions.write(lambda tx: _delete(tx, job_id))

    def expired(self, keep_days: float | None, keep_last: int | None, limit: int = 500) -> list[str]:
        """Return ids of ended jobs that no rule keeps, oldest first; none where there is no rule.

        Args:
            keep_days: days after its end for which a job is kept.
            keep_last: ended jobs of each owner that are kept, the latest ones.
            limit: most ids.

        A job with a tag named ``keep`` is always kept.
        """
        if keep_days is None and keep_last is None:
            return []
        return self._sessions.read(lambda tx: list(tx.run(expired_jobs(tx, keep_days, keep_last, limit)).scalars()))

    def due(self, limit: int) -> list[tuple[str, int]]:
        """Return jobs whose steps changed since they were last planned, longest waiting first.

        Returns:
            Pairs of the job's id and the counter that :meth:`plan` wants back.
        """
        query = select(jobs.c.id, jobs.c.changes).where(jobs.c.due > EPOCH).order_by(jobs.c.due, jobs.c.id).limit(limit)
        return self._sessions.read(lambda tx: [(row.id, row.changes) for row in tx.run(query)])

    def plan(
        self,
        job_id: str,
        seen: int,
        new_steps: Sequence[NewStep],
        change: JobChange | None = None,
        cancel: Mapping[str, str] | None = None,
        sweeps: SweepChange | None = None,
    ) -> int:
        """Queue a job's next steps and change its state and its sweeps; planning twice is harmless.

        A step whose path is there stays as it is. A job that ended or is being cancelled gets no further steps. The
        job stays due, behind all that are due now, when its steps changed after ``seen`` or took stored results. When
        the change ends the job, its steps that no engine holds are cancelled.

        Args:
            job_id: the job.
            seen: counter that :meth:`due` gave.
            new_steps: its next steps.
            change: of the job.
            cancel: ids of steps that are to end, and why; those that an engine holds are ended by it.
            sweeps: what changes of its sweeps.

        Returns:
            How many of the steps took a stored result.

        Raises:
            Stale: the job's state does not allow the change, it is gone, or a step still runs although it is to end.
        """
        return self._sessions.write(
            lambda tx: plan(tx, job_id, seen, new_steps, change, cancel or {}, sweeps), flush=False
        )


def _create(tx: Transaction, new: NewJob) -> tuple[JobRow, bool]:
    if tx.run(select(deleted_jobs.c.id).where(deleted_jobs.c.id == new.id)).first():
        raise _gone(new.id)
    stored = tx.run(select(*_COLUMNS).where(jobs.c.id == new.id)).one_or_none()
    if stored is not None:
        if (stored.request_hash, stored.owner) != (new.request_hash, new.owner):
            raise Conflict(
                f"job {new.id}: the id belongs to a job with another request",
                hint="send the same request again, or let the server choose an id",
            )
        return JobRow(**stored._mapping), False
    _insert_job(tx, new)
    take_slot(tx, new.id, new.owner, new.slot)
    add_steps(tx, new.id, new.steps)
    return _get(tx, new.id), True


def _insert_job(tx: Transaction, new: NewJob) -> None:
    named = {name: getattr(new, name) for name in names_of(NewJob) if name not in {"steps", "files"}}
    try:
        # Due at once: a job whose first steps are all planned later must not be forgotten.
        tx.run(
            insert(jobs).values(
                **named,
                state=State.QUEUED,
                message="",
                fraction=None,
                created=tx.now,
                changes=1,
                due=tx.now,
                loops=[],
                turn=-1,
            )
        )
    except IntegrityError as error:
        raise Again from error
    label_job(tx, new, tx.now)
    tell_job(tx, new.id)


def _get(tx: Transaction, job_id: str, columns: Sequence[Any] = _COLUMNS) -> JobRow:
    row = tx.run(select(*columns).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        if tx.run(select(deleted_jobs.c.id).where(deleted_jobs.c.id == job_id)).first():
            raise _gone(job_id)
        raise NotFound(f"there is no job {job_id}", hint="`ce job list` shows the jobs there are")
    return JobRow(**row._mapping)


def _gone(job_id: str) -> Gone:
    return Gone(f"job {job_id} was deleted", hint="ids are not given again: submit it without an id")


def _beginning_with(tx: Transaction, prefix: str, owner: str | None) -> list[str]:
    # "g" follows every character of an id.
    query = select(jobs.c.id).where(jobs.c.id >= prefix, jobs.c.id < prefix + "g").order_by(jobs.c.id)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    return list(tx.run(query.limit(_CANDIDATES + 1)).scalars())


def _request_cancel(tx: Transaction, job_id: str) -> JobRow:
    job = lock_job(tx, job_id)
    if job is None or job.is_cancelled or job.state in ENDED:
        stored = _get(tx, job_id)
        if stored.state in ENDED:
            raise Conflict(f"job {job_id} has ended already, as {stored.state}")
        return stored
    request_end(tx, job_id)
    return _get(tx, job_id)


def _delete(tx: Transaction, job_id: str) -> None:
    job = lock_job(tx, job_id)
    stored = _get(tx, job_id)
    if job is None or stored.state not in ENDED:
        raise Conflict(f"job {job_id} is {stored.state}", hint="cancel it first, and delete it when it has ended")
    note_deleted(tx, job_id)
    tx.run(insert(deleted_jobs).values(id=job_id, owner=stored.owner, deleted=tx.now))
    tx.run(delete(jobs).where(jobs.c.id == job_id))
