"""Slots: named places that a newer job of the same owner takes over from an older one."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.rows import JobRow, names_of
from calculation_engine.db.session import Again, Transaction
from calculation_engine.db.tables import jobs, slots
from calculation_engine.db.writing import lock_job, request_end
from calculation_engine.states import ENDED, State

_COLUMNS = [jobs.c[name] for name in names_of(JobRow) if name not in {"workflow", "loops"}]


def take_slot(tx: Transaction, job_id: str, owner: str, name: str | None) -> None:
    """Give a slot to a job that was stored in this transaction, and end the job that had it.

    The slot's row is locked, so that of jobs that come at once each supersedes the one before.
    """
    if name is None:
        return
    place = (slots.c.owner == owner) & (slots.c.name == name)
    old = tx.run(select(slots.c.job_id).where(place).with_for_update()).scalar()
    if old is None:
        try:
            tx.run(insert(slots).values(owner=owner, name=name, job_id=job_id))
        except IntegrityError as error:
            raise Again from error
        return
    tx.run(update(slots).where(place).values(job_id=job_id))
    job = lock_job(tx, old)
    if job is None:
        return
    tx.run(update(jobs).where(jobs.c.id == old).values(superseded_by=job_id))
    if job.state not in ENDED and not job.is_cancelled:
        request_end(tx, old)


def slot_jobs(tx: Transaction, owner: str, name: str) -> tuple[JobRow | None, JobRow | None]:
    """Return a slot's newest job and its last result; see :meth:`Jobs.slot`."""
    newest = (
        select(*_COLUMNS).join(slots, slots.c.job_id == jobs.c.id).where(slots.c.owner == owner, slots.c.name == name)
    )
    succeeded = select(*_COLUMNS).where(jobs.c.owner == owner, jobs.c.slot == name, jobs.c.state == State.SUCCEEDED)
    succeeded = succeeded.order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(1)
    rows = [tx.run(query).one_or_none() for query in (newest, succeeded)]
    found = [None if row is None else JobRow(**row._mapping) for row in rows]
    return found[0], found[1]


def slot_names(tx: Transaction, owner: str, after: str, limit: int) -> list[str]:
    """Return up to ``limit`` names behind ``after`` of an owner's slots that have a job; see :meth:`Jobs.slots`."""
    names: list[str] = []
    # One look into the index a name: a slot that a million jobs had costs no more than one of a single job.
    while len(names) < limit:
        behind = select(func.min(jobs.c.slot)).where(jobs.c.owner == owner, jobs.c.slot > (names or [after])[-1])
        name = tx.run(behind).scalar()
        if name is None:
            break
        names.append(name)
    return names
