"""Where a queued step stands, and what the leased ones use: for telling people what a step waits for."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select

from calculation_engine.db.choosing import lanes_of
from calculation_engine.db.queueing import SPAN
from calculation_engine.db.rows import Held, Standing, names_of
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import key_holders, steps

#: Steps before one that are counted; who stands further behind is told that there are more.
MOST_COUNTED = 1000


class Queue:
    """The queue as people ask for it. Every method is one transaction that only reads."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def held(self) -> list[Held]:
        """Return what each leased step uses, and of which engine."""
        query = select(*(steps.c[name] for name in names_of(Held))).where(steps.c.lease_owner > "")
        return self._sessions.read(lambda tx: [Held(**row._mapping) for row in tx.run(query)])

    def standing(self, step_id: str) -> Standing | None:
        """Return where a step stands in the queue; None when it is in no lane."""
        return self._sessions.read(lambda tx: _standing(tx, step_id))

    def holder(self, key: str) -> str | None:
        """Return the step that computes a key now."""
        query = select(key_holders.c.step_id).where(key_holders.c.key == key)
        return self._sessions.read(lambda tx: tx.run(query).scalar())


def _standing(tx: Transaction, step_id: str) -> Standing | None:
    columns = (steps.c.id, steps.c.executor, steps.c.queue_lane, steps.c.queue_rank)
    own = tx.run(select(*columns).where(steps.c.id == step_id)).one_or_none()
    if own is None or own.queue_lane is None:
        return None
    lane = and_(steps.c.executor == own.executor, steps.c.queue_lane == own.queue_lane)
    earlier = or_(steps.c.queue_rank < own.queue_rank, and_(steps.c.queue_rank == own.queue_rank, steps.c.id < own.id))
    before = select(steps.c.id).where(lane, earlier).limit(MOST_COUNTED).subquery()
    first = select(steps.c.job_id, steps.c.path).where(lane).order_by(steps.c.queue_rank, steps.c.id).limit(1)
    head = tx.run(first).one()
    lanes = lanes_of(tx, [own.executor])
    me = next((each.owner for each in lanes if each.name == own.queue_lane), None)
    return Standing(
        ahead=tx.run(select(func.count()).select_from(before)).scalar_one(),
        first_job=head.job_id,
        first_path=head.path,
        others=len({lane.owner for lane in lanes} - {me}),
        is_outranked=any(lane.head // SPAN < own.queue_rank // SPAN for lane in lanes),
    )
