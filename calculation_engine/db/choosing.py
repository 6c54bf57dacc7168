"""Whose turn it is: which queued steps an engine takes next. It reads only; the claim locks and writes.

Larger priorities go first, whoever's they are. Among equal ones the owner goes first whose running steps use the fewest
cores, then the one who was served longest ago. A step for which there is no room is passed over; it is told when
another went before it.

What is read does not grow with what is stored: the lanes that have queued steps, the leased steps, and a few steps at
the head of the lanes that are served.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select

from calculation_engine.db.queueing import LEAST_RANK, SPAN, parts_of
from calculation_engine.db.rows import Room
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, steps, turns

#: Steps at the head of a lane that are looked at, beyond those that are wanted.
_LOOK_AHEAD = 16

_WAITING = (steps.c.id, steps.c.queue_rank, steps.c.turn, steps.c.cpu, steps.c.memory_bytes)

#: Entries of the index that are read at once to find lanes: lanes of few steps come many at a time.
_SEEN_AT_ONCE = 64

#: Id, rank, turn, cores and bytes of a step that may be claimed.
Waiting = Row[Any]


@dataclass
class Lane:
    """The queued steps of one owner and module on one executor."""

    executor: str
    name: str
    owner: str
    module: str
    head: int  #: rank of its first step that was not yet looked at
    window: list[Waiting] = field(default_factory=list)
    is_loaded: bool = False

    def load(self, tx: Transaction, limit: int) -> None:
        """Read its first steps, once."""
        if not self.is_loaded:
            self.is_loaded = True
            query = select(*_WAITING)
            query = query.where(steps.c.executor == self.executor, steps.c.queue_lane == self.name)
            query = query.where(steps.c.queue_rank > LEAST_RANK).order_by(steps.c.queue_rank, steps.c.id)
            self.window = list(tx.run(query.limit(limit + _LOOK_AHEAD)))


@dataclass
class Chosen:
    """Steps in the order of their turns, and what the claim notes of their owners."""

    ids: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)  #: those before a chosen one for which there is no room
    served: list[str] = field(default_factory=list)  #: the owner of each chosen step
    turns: dict[str, int] = field(default_factory=dict)  #: largest turn by owner


@dataclass
class _InUse:
    """What the leased steps use."""

    cpu: dict[str, float]  #: by owner
    steps: dict[str, int]  #: by module


def lanes_of(tx: Transaction, executors: Collection[str]) -> list[Lane]:
    """Return the lanes that have steps."""
    return [
        Lane(executor, name, *parts_of(name), head=head)
        for executor in sorted(set(executors))
        for name, head in _heads(tx, executor).items()
    ]


def _heads(tx: Transaction, executor: str) -> dict[str, int]:
    """Return the lanes of an executor, each with the rank of its first step.

    A loose scan: from each lane that was seen the next is sought in the index, however many steps lie between. The
    seeks are statements of their own: inside one, MariaDB compares a lane that it found with every step there is.
    """
    entries = select(steps.c.queue_lane, steps.c.queue_rank).order_by(steps.c.queue_lane, steps.c.queue_rank)
    heads: dict[str, int] = {}
    last = ""
    while True:
        behind = entries.where(steps.c.executor == executor, steps.c.queue_lane > last).limit(_SEEN_AT_ONCE)
        found = tx.run(behind).all()
        for row in found:
            heads.setdefault(row.queue_lane, row.queue_rank)
        if len(found) < _SEEN_AT_ONCE:
            return heads
        last = found[-1].queue_lane


def choose(tx: Transaction, executors: Collection[str], room: Room, module_limits: Mapping[str, int]) -> Chosen:
    """Return the steps whose turn it is, as many as there is room for."""
    lanes = lanes_of(tx, executors)
    if not lanes or room.steps < 1:
        return Chosen()
    in_use = _in_use(tx)
    served = _served(tx, {lane.owner for lane in lanes})
    return _Choice(tx, lanes, room, module_limits, in_use, served).run()


def choose_one(
    tx: Transaction, executors: Collection[str], room: Room, module_limits: Mapping[str, int], step_id: str
) -> Chosen:
    """Return that step alone if it is queued and fits; it is passed over while it does not."""
    query = select(*_WAITING, steps.c.executor, steps.c.queue_lane).where(steps.c.id == step_id)
    row = tx.run(query.where(steps.c.queue_rank > LEAST_RANK, steps.c.executor.in_(list(executors)))).one_or_none()
    if row is None:
        return Chosen()
    lane = Lane(row.executor, row.queue_lane, *parts_of(row.queue_lane), row.queue_rank, [row], is_loaded=True)
    choice = _Choice(tx, [lane], room, module_limits, _in_use(tx), {})
    chosen = choice.run()
    chosen.passed_over = choice.without_room
    return chosen


class _Choice:
    """One choice: takes the first step of whose turn it is, again and again."""

    def __init__(
        self,
        tx: Transaction,
        lanes: list[Lane],
        room: Room,
        module_limits: Mapping[str, int],
        in_use: _InUse,
        served: dict[str, int],
    ) -> None:
        self._tx = tx
        self._room = room
        self._limits = module_limits
        self._in_use = in_use
        self._served = served
        self._clock = max(served.values(), default=0)
        self._cpu, self._memory = room.cpu, room.memory_bytes
        self._lanes: dict[str, list[Lane]] = {}
        for lane in lanes:
            if not self._is_full(lane.module):
                self._lanes.setdefault(lane.owner, []).append(lane)
        self._chosen = Chosen()
        self.without_room: list[str] = []

    def run(self) -> Chosen:
        """Choose until there is no room, or nothing left that fits."""
        while len(self._chosen.ids) < self._room.steps and self._lanes:
            lane = self._first_lane(min(self._lanes, key=self._precedence))
            if lane is not None:
                self._take_first(lane)
        return self._chosen

    def _precedence(self, owner: str) -> tuple[int, float, int, str]:
        head = min(lane.head for lane in self._lanes[owner])
        return head // SPAN, self._in_use.cpu.get(owner, 0.0), self._served.get(owner, 0), owner

    def _first_lane(self, owner: str) -> Lane | None:
        """Return the lane that holds the owner's next step; None where that lane was emptied meanwhile."""
        least = min(lane.head for lane in self._lanes[owner])
        first = None
        for lane in [lane for lane in self._lanes[owner] if lane.head == least]:
            lane.load(self._tx, self._room.steps)
            if not lane.window:
                self._drop(lane)
            elif first is None or lane.window[0].id < first.window[0].id:
                first = lane
        return first

    def _drop(self, lane: Lane) -> None:
        self._lanes[lane.owner].remove(lane)
        if not self._lanes[lane.owner]:
            del self._lanes[lane.owner]

    def _is_full(self, module: str) -> bool:
        return module in self._limits and self._in_use.steps.get(module, 0) >= self._limits[module]

    def _take_first(self, lane: Lane) -> None:
        step = lane.window.pop(0)
        if lane.window:
            lane.head = lane.window[0].queue_rank
        else:
            self._drop(lane)
        bounded = lane.executor in self._room.executors
        if bounded and (step.cpu > self._room.all_cpu or step.memory_bytes > self._room.all_memory_bytes):
            return
        if bounded and (step.cpu > self._cpu or step.memory_bytes > self._memory):
            self.without_room.append(step.id)
            return
        if bounded:
            self._cpu -= step.cpu
            self._memory -= step.memory_bytes
        self._note(lane, step)

    def _note(self, lane: Lane, step: Waiting) -> None:
        self._clock += 1
        self._served[lane.owner] = self._clock
        self._in_use.cpu[lane.owner] = self._in_use.cpu.get(lane.owner, 0.0) + step.cpu
        self._in_use.steps[lane.module] = self._in_use.steps.get(lane.module, 0) + 1
        self._chosen.passed_over += self.without_room
        self.without_room = []
        self._chosen.ids.append(step.id)
        self._chosen.served.append(lane.owner)
        self._chosen.turns[lane.owner] = max(self._chosen.turns.get(lane.owner, 0), step.turn)
        if self._is_full(lane.module):
            for full in [each for lanes in self._lanes.values() for each in lanes if each.module == lane.module]:
                self._drop(full)


def _in_use(tx: Transaction) -> _InUse:
    found = _InUse({}, {})
    # Summed up here: to group by owner, SQLite would go through all jobs.
    query = select(jobs.c.owner, steps.c.module, steps.c.cpu).join(jobs, jobs.c.id == steps.c.job_id)
    query = query.where(steps.c.lease_owner > "")
    for row in tx.run(query):
        found.cpu[row.owner] = found.cpu.get(row.owner, 0.0) + row.cpu
        found.steps[row.module] = found.steps.get(row.module, 0) + 1
    return found


def _served(tx: Transaction, owners: Collection[str]) -> dict[str, int]:
    query = select(turns.c.owner, turns.c.served).where(turns.c.owner.in_(sorted(owners)))
    return {row.owner: row.served for row in tx.run(query)}
