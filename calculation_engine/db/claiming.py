"""Leases: who works on which step, and for how long that is believed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, or_, select, update

from calculation_engine.db.reading import load_steps
from calculation_engine.db.rows import StepRow
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import jobs, steps

#: Below every rank: makes the search begin behind the index's NULLs.
_LEAST_RANK = -(2**31)


def claim(sessions: Sessions, owner: str, executors: Sequence[str], limit: int, lease_seconds: float) -> list[StepRow]:
    """Lease queued steps; see :meth:`Steps.claim`."""
    if limit < 1:
        return []
    # Looking first spares the database a write transaction whenever there is nothing to do.
    if not sessions.read(lambda tx: [id for name in executors for id in tx.run(_claimable(tx, name, 1))]):
        return []
    return sessions.write(lambda tx: _claim(tx, owner, executors, limit, lease_seconds), flush=False)


def _claim(tx: Transaction, owner: str, executors: Sequence[str], limit: int, lease_seconds: float) -> list[StepRow]:
    # One query an executor: a list of executors in one query would have to be sorted as a whole.
    found = [
        (row.queue_rank, row.id)
        for name in executors
        for row in tx.run(_claimable(tx, name, limit).with_for_update(skip_locked=True))
    ]
    order = [step_id for _, step_id in sorted(found)[:limit]]
    leased = _lease(tx, order, owner, lease_seconds)
    return sorted(leased, key=lambda step: order.index(step.id))


def _claimable(tx: Transaction, executor: str, limit: int) -> Select[str, int | None]:
    return (
        select(steps.c.id, steps.c.queue_rank)
        .where(steps.c.executor == executor, steps.c.queue_rank > _LEAST_RANK)
        .where(or_(steps.c.not_before.is_(None), steps.c.not_before <= tx.now))
        .order_by(steps.c.queue_rank, steps.c.id)
        .limit(limit)
    )


def _lease(tx: Transaction, ids: Sequence[str], owner: str, lease_seconds: float) -> list[StepRow]:
    if not ids:
        return []
    tx.run(
        update(steps)
        .where(steps.c.id.in_(ids))
        .values(
            lease_owner=owner,
            lease_token=str(uuid.uuid4()),
            lease_until=tx.after(lease_seconds),
            queue_rank=None,
            not_before=None,
        )
    )
    return load_steps(tx, steps.c.id.in_(ids))


def heartbeat(tx: Transaction, owner: str, lease_seconds: float) -> dict[str, bool]:
    """Prolong leases; see :meth:`Steps.heartbeat`."""
    tx.run(update(steps).where(steps.c.lease_owner == owner).values(lease_until=tx.after(lease_seconds)))
    held = (
        select(steps.c.id, jobs.c.cancel_requested)
        .join(jobs, jobs.c.id == steps.c.job_id)
        .where(steps.c.lease_owner == owner)
    )
    return {row.id: row.cancel_requested is not None for row in tx.run(held)}


def owners(tx: Transaction) -> set[str]:
    """Return who holds leases."""
    return set(tx.run(select(steps.c.lease_owner).where(steps.c.lease_owner > "").distinct()).scalars())


def leased(tx: Transaction, owner: str) -> list[StepRow]:
    """Return what an owner holds."""
    return load_steps(tx, steps.c.lease_owner == owner)


def leave(tx: Transaction, owner: str) -> None:
    """Let leases run out now."""
    tx.run(update(steps).where(steps.c.lease_owner == owner).values(lease_until=tx.now))


def take_over(
    sessions: Sessions,
    owner: str,
    host: str,
    executors_host_bound: Mapping[str, bool],
    lease_seconds: float,
    dead_owners: Collection[str],
    gone_hosts: Collection[str],
) -> list[StepRow]:
    """Lease what others left; see :meth:`Steps.take_over`."""
    hosts = {host, *gone_hosts}

    def within_reach(step: Row[Any]) -> bool:
        # The host is noted before anything is started there, so it tells more than the handle does.
        bound = executors_host_bound.get(step.executor)
        return bound is not None and (not bound or step.host is None or step.host in hosts)

    def left(tx: Transaction, lock: bool) -> list[str]:
        queries = _left(tx, owner, set(dead_owners) - {owner})
        rows = [row for query in queries for row in tx.run(query.with_for_update(skip_locked=True) if lock else query)]
        return sorted({row.id for row in rows if within_reach(row)})

    if not sessions.read(lambda tx: left(tx, lock=False)):
        return []
    return sessions.write(lambda tx: _lease(tx, left(tx, lock=True), owner, lease_seconds), flush=False)


def _left(tx: Transaction, owner: str, dead_owners: Collection[str]) -> list[Select[str, str, str | None]]:
    # Two queries, each with an index of its own, and no condition on the executor, whose index SQLite would take:
    # leased steps are few, and the steps of an executor all there are.
    columns = (steps.c.id, steps.c.executor, steps.c.host)
    queries = [select(*columns).where(steps.c.lease_until <= tx.now, steps.c.lease_owner != owner)]
    if dead_owners:
        queries.append(select(*columns).where(steps.c.lease_owner.in_(sorted(dead_owners))))
    return queries
