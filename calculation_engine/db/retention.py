"""Which ended jobs no rule keeps any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, exists, func, select

from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import job_labels, jobs
from calculation_engine.states import ENDED

#: How a job's tag is named among its labels that keeps it from every rule.
_KEPT = "tag:keep"


def expired_jobs(tx: Transaction, keep_days: float | None, keep_last: int | None, limit: int) -> Select[str]:
    """Return the query for the ids; see :meth:`Jobs.expired`."""
    latest_first = (jobs.c.created.desc(), jobs.c.id.desc())
    rank = func.row_number().over(partition_by=jobs.c.owner, order_by=latest_first).label("place")
    since = func.coalesce(jobs.c.imported, jobs.c.ended).label("since")
    ended = select(jobs.c.id, jobs.c.created, since, rank).where(jobs.c.state.in_(sorted(ENDED))).subquery()
    tagged = exists().where(job_labels.c.job_id == ended.c.id, job_labels.c.name == _KEPT)
    query = select(ended.c.id).where(~tagged).order_by(ended.c.created, ended.c.id).limit(limit)
    if keep_days is not None:
        query = query.where(ended.c.since < tx.now - timedelta(days=keep_days))
    if keep_last is not None:
        query = query.where(ended.c.place > keep_last)
    return query
