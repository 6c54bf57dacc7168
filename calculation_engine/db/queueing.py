"""The queue: lanes of steps that may be claimed, each in the order of an index.

A lane holds the queued steps of one owner and one module on one executor. In it the larger priority goes first, then
the smaller turn, then the older step. Turns make jobs of one owner alternate: a job's next step has the turn behind
its last one, but never one that has passed already, so a job that comes while ten thousand steps of another wait is
next but one. Whose lane is served is decided at the claim: see :mod:`calculation_engine.db.choosing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update

from calculation_engine.db.rows import NewStep
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, steps, turns
from calculation_engine.db.types import EPOCH

#: Turns of one priority; a job of so many steps would be needed to leave it.
SPAN = 2**40
#: Below every rank: makes a search begin behind the index's NULLs.
LEAST_RANK = -(2**62)

_WOKEN_AT_ONCE = 200

NOT_QUEUED: dict[str, Any] = {"queue_lane": None, "queue_rank": None, "not_before": None, "waits_for": None}


def lane_of(owner: str, module: str) -> str:
    """Return the lane of an owner's steps of a module."""
    return f"{owner}\n{module}"


def parts_of(lane: str) -> tuple[str, str]:
    """Return a lane's owner and module."""
    owner, _, module = lane.rpartition("\n")
    return owner, module


def rank_of(priority: int, turn: int) -> int:
    """Return the place in a lane; the smaller goes first."""
    return turn - priority * SPAN


def queued_again() -> dict[str, Any]:
    """Return the values that put a step back to where it was in its lane."""
    owner = select(jobs.c.owner).where(jobs.c.id == steps.c.job_id)
    return {
        "queue_lane": owner.scalar_subquery() + "\n" + steps.c.module,
        "queue_rank": steps.c.turn - steps.c.priority * SPAN,
        "not_before": None,
        "waits_for": None,
    }


def queued_later(tx: Transaction, delay_seconds: float) -> dict[str, Any]:
    """Return the values that queue a step again after a delay."""
    if delay_seconds <= 0:
        return queued_again()
    return NOT_QUEUED | {"not_before": tx.after(delay_seconds)}


def is_delayed_due(tx: Transaction) -> bool:
    """Return whether a delay is over."""
    return tx.run(_over(tx).limit(1)).first() is not None


def wake_delayed(tx: Transaction) -> None:
    """Queue the steps whose delay is over."""
    ids = tx.run(_over(tx).limit(_WOKEN_AT_ONCE).with_for_update(skip_locked=True)).scalars().all()
    if ids:
        tx.run(update(steps).where(steps.c.id.in_(ids), steps.c.lease_owner.is_(None)).values(**queued_again()))


def _over(tx: Transaction) -> Any:
    # No condition on the lease, whose index would be taken: what is leased has no delay.
    late = (steps.c.not_before > EPOCH, steps.c.not_before <= tx.now)
    return select(steps.c.id).where(*late).order_by(steps.c.not_before)


def next_turns(tx: Transaction, job_id: str, owner: str, last: int, new: Sequence[NewStep]) -> list[int]:
    """Return the turns of a job's next steps, and note the last of them; the job's row is locked.

    Args:
        tx: the transaction.
        job_id: the job.
        owner: whose it is.
        last: turn of the job's last step so far.
        new: its next steps.
    """
    passed: dict[tuple[str, str, int], int] = {}
    given = []
    for step in new:
        place = (step.executor, step.module, step.priority)
        if place not in passed:
            passed[place] = _passed(tx, owner, step)
        last = max(last + 1, passed[place])
        given.append(last)
    if new:
        tx.run(update(jobs).where(jobs.c.id == job_id).values(turn=last))
    return given


def _passed(tx: Transaction, owner: str, step: NewStep) -> int:
    """Return the turn that is served next where a step will stand; where nobody waits, the owner's last."""
    lane = (steps.c.executor == step.executor) & (steps.c.queue_lane == lane_of(owner, step.module))
    ranks = (steps.c.queue_rank >= rank_of(step.priority, 0)) & (steps.c.queue_rank < rank_of(step.priority, SPAN))
    first = tx.run(select(steps.c.turn).where(lane, ranks).order_by(steps.c.queue_rank).limit(1)).scalar()
    if first is not None:
        return int(first)
    return int(tx.run(select(turns.c.turn).where(turns.c.owner == owner)).scalar() or 0)
