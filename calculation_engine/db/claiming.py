"""Leases: who works on which step, and for how long that is believed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, case, insert, select, update
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.choosing import Chosen, choose, choose_one
from calculation_engine.db.queueing import LEAST_RANK, NOT_QUEUED, is_delayed_due, wake_delayed
from calculation_engine.db.reading import load_steps
from calculation_engine.db.rows import Claim, Room, StepRow
from calculation_engine.db.session import Again, Sessions, Transaction
from calculation_engine.db.tables import jobs, steps, turns

#: The row of ``turns`` that belongs to no owner: it counts the turns, and claims are made one after the other under it.
_NOBODY = ""


def claim(
    sessions: Sessions,
    owner: str,
    executors: Sequence[str],
    room: Room,
    lease_seconds: float,
    module_limits: Mapping[str, int],
    only: str | None,
) -> Claim:
    """Lease queued steps; see :meth:`Steps.claim_for`."""

    def look(tx: Transaction) -> Chosen | None:
        return None if is_delayed_due(tx) else _choose(tx, executors, room, module_limits, only)

    if room.steps < 1 or not executors:
        return Claim([], [])
    # Looking first spares the database a write transaction whenever there is nothing to do.
    seen = sessions.read(look)
    if seen is not None and not seen.ids:
        return Claim([], seen.passed_over)

    def work(tx: Transaction) -> Claim:
        count = _lock_turns(tx)
        wake_delayed(tx)
        chosen = _choose(tx, executors, room, module_limits, only)
        free = (steps.c.id.in_(chosen.ids)) & (steps.c.queue_rank > LEAST_RANK)
        # A step that is being cancelled this instant is left out, not waited for.
        ids = set(tx.run(select(steps.c.id).where(free).with_for_update(skip_locked=True)).scalars())
        leased = _lease(tx, [step_id for step_id in chosen.ids if step_id in ids], owner, lease_seconds)
        _note_turns(tx, count, chosen)
        return Claim(sorted(leased, key=lambda step: chosen.ids.index(step.id)), chosen.passed_over)

    return sessions.write(work, flush=False)


def _choose(
    tx: Transaction, executors: Sequence[str], room: Room, module_limits: Mapping[str, int], only: str | None
) -> Chosen:
    if only is None:
        return choose(tx, executors, room, module_limits)
    return choose_one(tx, executors, room, module_limits, only)


def _lock_turns(tx: Transaction) -> int:
    """Wait for other claims to be done, so that turns and limits hold across engines; return how many turns were."""
    count = tx.run(select(turns.c.served).where(turns.c.owner == _NOBODY).with_for_update()).scalar()
    if count is not None:
        return int(count)
    try:
        tx.run(insert(turns).values(owner=_NOBODY, served=0, turn=0))
    except IntegrityError as error:
        raise Again from error
    return 0


def _note_turns(tx: Transaction, count: int, chosen: Chosen) -> None:
    if not chosen.ids:
        return
    last = {owner: count + number for number, owner in enumerate(chosen.served, 1)}
    for owner, served in last.items():
        turn = chosen.turns[owner]
        later = case((turns.c.turn < turn, turn), else_=turns.c.turn)
        if tx.run(update(turns).where(turns.c.owner == owner).values(served=served, turn=later)).rowcount == 0:
            tx.run(insert(turns).values(owner=owner, served=served, turn=turn))
    tx.run(update(turns).where(turns.c.owner == _NOBODY).values(served=count + len(chosen.served)))


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
            **NOT_QUEUED,
        )
    )
    return load_steps(tx, steps.c.id.in_(ids))


def heartbeat(tx: Transaction, owner: str, lease_seconds: float) -> dict[str, bool]:
    """Prolong leases; see :meth:`Steps.heartbeat`."""
    tx.run(update(steps).where(steps.c.lease_owner == owner).values(lease_until=tx.after(lease_seconds)))
    held = (
        select(steps.c.id, jobs.c.cancel_requested, steps.c.cancel_requested.label("step_cancel"))
        .join(jobs, jobs.c.id == steps.c.job_id)
        .where(steps.c.lease_owner == owner)
    )
    return {row.id: row.cancel_requested is not None or row.step_cancel is not None for row in tx.run(held)}


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
    places: Mapping[str, str],
    lease_seconds: float,
    dead_owners: Collection[str],
    gone_places: Collection[str],
) -> list[StepRow]:
    """Lease what others left; see :meth:`Steps.take_over`."""

    def within_reach(step: Row[Any]) -> bool:
        # The place is noted before anything is started there, so it tells more than the handle does.
        return step.executor in places and step.host in {None, places[step.executor], *gone_places}

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
