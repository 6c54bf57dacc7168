"""Stores jobs that ended on another machine."""

from __future__ import annotations

from itertools import batched

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.history import place_of
from calculation_engine.db.imported import ImportedJob, ImportedStep
from calculation_engine.db.rows import JobRow, RowEnd, names_of
from calculation_engine.db.session import Again, Transaction
from calculation_engine.db.tables import deleted_jobs, jobs, outputs, runs, step_files, steps, sweep_rows
from calculation_engine.db.writing import insert_all, label_job, tell, tell_job
from calculation_engine.errors import Conflict

_IDS_AT_ONCE = 500
_APART = {"outputs", "run"}
_COLUMNS = [jobs.c[name] for name in names_of(JobRow)]


def bring_in(tx: Transaction, job: ImportedJob) -> tuple[JobRow, bool]:
    """Store the job; see :meth:`Jobs.bring_in`."""
    whole = select(*_COLUMNS).where(jobs.c.id == job.id)
    stored = tx.run(whole).one_or_none()
    if stored is not None:
        if (stored.request_hash, stored.owner) != (job.request_hash, job.owner):
            raise Conflict(f"job {job.id}: the id belongs to another job here, or to one of somebody else")
        return JobRow(**stored._mapping), False
    _forget_deletion(tx, job)
    _refuse_known_steps(tx, job)
    try:
        named = {name: getattr(job, name) for name in names_of(ImportedJob) if name not in {"steps", "files", "rows"}}
        tx.run(
            insert(jobs).values(
                **named, slot=None, fraction=1.0, changes=1, due=None, turn=-1, imported=tx.now, superseded_by=None
            )
        )
    except IntegrityError as error:
        raise Again from error
    label_job(tx, job, job.created)
    _insert_steps(tx, job)
    rows = [{"job_id": job.id} | {name: getattr(row, name) for name in names_of(RowEnd)} for row in job.rows]
    insert_all(tx, sweep_rows, rows)
    told = ("state", "reason", "message", "attempt")
    tell(tx, job.id, "step", [{"step": s.id, "path": s.path} | {n: getattr(s, n) for n in told} for s in job.steps])
    tell_job(tx, job.id)
    return JobRow(**tx.run(whole).one()._mapping), True


def _forget_deletion(tx: Transaction, job: ImportedJob) -> None:
    deleted = tx.run(select(deleted_jobs.c.owner).where(deleted_jobs.c.id == job.id)).scalar()
    if deleted is not None and deleted != job.owner:
        raise Conflict(f"job {job.id}: the id belonged to a job of somebody else")
    tx.run(delete(deleted_jobs).where(deleted_jobs.c.id == job.id))


def _refuse_known_steps(tx: Transaction, job: ImportedJob) -> None:
    for ids in batched(sorted(step.id for step in job.steps), _IDS_AT_ONCE):
        known = tx.run(select(steps.c.id, steps.c.job_id).where(steps.c.id.in_(ids)).limit(1)).first()
        if known is not None and known.job_id == job.id:
            raise Again  # the same job, which somebody brought this instant
        if known is not None:
            raise Conflict(f"step {known.id} of job {job.id}: the id belongs to a step of another job here")


def _insert_steps(tx: Transaction, job: ImportedJob) -> None:
    empty = dict.fromkeys(column.name for column in steps.columns if column.nullable)
    same = {"job_id": job.id, "priority": job.priority, "turn": -1}
    names = [name for name in names_of(ImportedStep) if name not in _APART]
    insert_all(tx, steps, [empty | {name: getattr(step, name) for name in names} | same for step in job.steps])
    files = [
        {"sha256": sha256, "step_id": step.id}
        for step in job.steps
        for sha256 in sorted({blob.sha256 for blob in step.files.values()})
    ]
    insert_all(tx, step_files, files)
    left = [
        {
            "step_id": step.id,
            **{name: getattr(file, name) for name in ("path", "sha256", "size", "label", "media_type")},
        }
        for step in job.steps
        for file in step.outputs
    ]
    insert_all(tx, outputs, left)
    computed = [
        {
            "step_id": step.id,
            "owner": job.owner,
            "module": step.module,
            "place": place_of(job.owner, step.module, step.path),
            "content_hash": step.run.content_hash,
            "environment": step.run.environment,
            "cause": step.run.cause,
            "verification": None,
        }
        for step in job.steps
        if step.run is not None
    ]
    insert_all(tx, runs, computed)
