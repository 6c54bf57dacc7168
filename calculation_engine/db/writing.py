"""Statements that several methods share. All of them run with the job's row locked: see :func:`lock_job`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from calculation_engine.db.imported import ImportedJob
from calculation_engine.db.queueing import NOT_QUEUED, queued_again
from calculation_engine.db.rows import NewJob
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import attempts, events, job_files, job_labels, jobs, key_holders, steps
from calculation_engine.errors import Stale
from calculation_engine.schemas.files import Blob
from calculation_engine.states import NEXT, Reason, State

#: Rows of one INSERT: bounds the packet, which MariaDB limits to 16 MiB by default.
_ROWS_AT_ONCE = 500

NO_LEASE: dict[str, Any] = {"lease_owner": None, "lease_token": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class LockedJob:
    """What is known of a job whose row this transaction has locked."""

    id: str
    owner: str
    state: State
    is_cancelled: bool  #: somebody asked for it, or it has happened


def before(state: State) -> list[State]:
    """Return the states that ``state`` may follow."""
    return [old for old, following in NEXT.items() if state in following]


def lock_job(tx: Transaction, job_id: str | ColumnElement[Any]) -> LockedJob | None:
    """Lock a job's row until the transaction ends; None when there is no such job.

    Everything that changes a job or one of its steps locks the job first: the order of locks is then the same
    everywhere, and the events of a job get their ids in the order in which they are committed.
    """
    found = tx.run(
        select(jobs.c.id, jobs.c.owner, jobs.c.state, jobs.c.cancel_requested)
        .where(jobs.c.id == job_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        return None
    return LockedJob(
        found.id, found.owner, found.state, found.cancel_requested is not None or found.state == State.CANCELLED
    )


def lock_job_of(tx: Transaction, step_id: str) -> LockedJob:
    """Lock the job of a step.

    Raises:
        Stale: the step is gone.
    """
    job = lock_job(tx, select(steps.c.job_id).where(steps.c.id == step_id).scalar_subquery())
    if job is None:
        raise Stale(f"step {step_id}: it is gone, its job was deleted")
    return job


def guarded(tx: Transaction, step_id: str, token: str, old: Collection[State], values: dict[str, Any]) -> Row[Any]:
    """Write ``values`` to a step if the lease ``token`` holds it and its state is one of ``old``; return its row.

    Raises:
        Stale: the step has another token or state, or is gone.
    """
    written = tx.run(
        update(steps)
        .where(steps.c.id == step_id, steps.c.lease_token == token, steps.c.state.in_(list(old)))
        .values(**values)
    )
    if written.rowcount == 0:
        raise Stale(
            f"step {step_id}: expected state {' or '.join(sorted(old))} under this lease; it ended or changed hands"
        )
    return tx.run(
        select(
            steps.c.id, steps.c.job_id, steps.c.path, steps.c.state, steps.c.reason, steps.c.message,
            steps.c.attempt, steps.c.key, steps.c.cancel_requested,
        ).where(steps.c.id == step_id)
    ).one()  # fmt: skip


def touch_job(tx: Transaction, job_id: str) -> None:
    """Note that the job's steps changed: it is to be planned again."""
    tx.run(
        update(jobs)
        .where(jobs.c.id == job_id)
        .values(changes=jobs.c.changes + 1, due=func.coalesce(jobs.c.due, tx.now))
    )


def tell(tx: Transaction, job_id: str, kind: str, happened: Iterable[dict[str, Any]]) -> None:
    """Write events of one kind."""
    rows = [{"job_id": job_id, "time": tx.now, "kind": kind, "data": data} for data in happened]
    insert_all(tx, events, rows)


def tell_job(tx: Transaction, job_id: str) -> None:
    """Write the event of a job's new state, as its row has it now."""
    columns = (jobs.c.state, jobs.c.reason, jobs.c.message, jobs.c.fraction)
    row = tx.run(select(*columns, jobs.c.cancel_requested).where(jobs.c.id == job_id)).one()
    asked = row.cancel_requested is not None
    tell(
        tx,
        job_id,
        "job",
        [{column.name: getattr(row, column.name) for column in columns} | {"cancel_requested": asked}],
    )


def tell_step(tx: Transaction, step: Row[Any], **values: Any) -> None:
    """Write the event of a step's new state; ``values`` stand in place of the row's."""
    data = {name: getattr(step, name) for name in ("path", "state", "reason", "message", "attempt")}
    tell(tx, step.job_id, "step", [{"step": step.id, **data, **values}])


def insert_all(tx: Transaction, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert any number of rows."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        tx.run(insert(table), list(rows[start : start + _ROWS_AT_ONCE]))


def label_job(tx: Transaction, new: NewJob | ImportedJob, created: datetime) -> None:
    """Note what a job is found by, and the files of what it runs later."""
    processes: list[dict[str, Any]] = new.workflow.get("processes", [])
    modules = {process["module"] for process in processes} | {step.module for step in new.steps}
    labels = {("module", module) for module in modules} | {(f"tag:{key}", value) for key, value in new.tags.items()}
    if new.slot is not None:
        labels.add(("slot", new.slot))
    named = [{"name": name, "value": value, "created": created, "job_id": new.id} for name, value in sorted(labels)]
    insert_all(tx, job_labels, named)
    add_files(tx, new.id, new.files)


def add_files(tx: Transaction, job_id: str, files: Mapping[str, Mapping[str, Blob]]) -> None:
    """Store with a job which files steps read that it makes later: name of their place -> path -> content."""
    rows = [
        {"job_id": job_id, "process": place, "path": path, "sha256": blob.sha256, "size": blob.size}
        for place, found in files.items()
        for path, blob in found.items()
    ]
    insert_all(tx, job_files, rows)


def cancel_unclaimed(
    tx: Transaction, job_id: str, ids: Collection[str] | None = None, message: str = "cancelled before it started"
) -> int:
    """Cancel the job's steps that no engine holds, or those of ``ids``; return how many that were."""
    query = select(steps.c.id, steps.c.path, steps.c.attempt).where(
        steps.c.job_id == job_id, steps.c.state == State.QUEUED, steps.c.lease_owner.is_(None)
    )
    if ids is not None:
        query = query.where(steps.c.id.in_(list(ids)))
    unclaimed = tx.run(query.with_for_update()).all()
    told = {"state": State.CANCELLED, "reason": Reason.CANCELLED, "message": message}
    for start in range(0, len(unclaimed), _ROWS_AT_ONCE):
        part = [step.id for step in unclaimed[start : start + _ROWS_AT_ONCE]]
        tx.run(update(steps).where(steps.c.id.in_(part)).values(**told, **NOT_QUEUED, ended=tx.now))
    tell(tx, job_id, "step", [{"step": s.id, "path": s.path, "attempt": s.attempt, **told} for s in unclaimed])
    return len(unclaimed)


def request_end(tx: Transaction, job_id: str) -> None:
    """Ask for the end of a job that has not ended; what no engine holds is cancelled at once."""
    tx.run(update(jobs).where(jobs.c.id == job_id).values(cancel_requested=tx.now))
    cancel_unclaimed(tx, job_id)
    touch_job(tx, job_id)
    tell_job(tx, job_id)


def give_back(tx: Transaction, job: LockedJob, step_id: str, token: str, values: dict[str, Any]) -> Row[Any]:
    """Take a step from its engine, write ``values`` and let go of its keys.

    A job that is being cancelled cancels the step at once, as nobody else would: it is in no engine's hands now.

    Raises:
        Stale: the step has another token or has ended.
    """
    step = guarded(tx, step_id, token, [State.QUEUED, State.RUNNING], NO_LEASE | values)
    release_keys(tx, step_id)
    if job.is_cancelled or step.cancel_requested is not None:
        cancel_unclaimed(tx, job.id, None if job.is_cancelled else [step_id])
        touch_job(tx, job.id)
    return step


def release_keys(tx: Transaction, step_id: str, but: str | None = None) -> None:
    """Let go of the keys that the step holds, except ``but``; the steps that wait for them can then be claimed."""
    held = select(key_holders.c.key).where(key_holders.c.step_id == step_id, key_holders.c.key != (but or ""))
    for key in tx.run(held.with_for_update()).scalars().all():
        tx.run(delete(key_holders).where(key_holders.c.key == key))
        tx.run(update(steps).where(steps.c.waits_for == key).values(**queued_again(), message=""))


def end_attempt(tx: Transaction, step: Row[Any], values: dict[str, Any]) -> None:
    """Close the row of the step's current attempt, if one was begun."""
    tx.run(
        update(attempts)
        .where(attempts.c.step_id == step.id, attempts.c.number == step.attempt, attempts.c.ended.is_(None))
        .values(ended=tx.now, **values)
    )
