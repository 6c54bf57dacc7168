"""A place where nothing really runs, and engines that may die at any write: for the property test of the scheduler.

Only the executor is played, after the contract of :mod:`calculation_engine.executors.base`. Engines, database and store
are the real ones; an engine's duties are called by the test instead of by its clock.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calculation_engine.db.database import Database
from calculation_engine.engine.running.engine import Engine
from calculation_engine.errors import AttemptLost, ExecutorUnavailable, Stale
from calculation_engine.executors.base import Capabilities, Executor, Exit, NoOptions, Prepared, Program, Task
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.settings import Settings
from calculation_engine.states import Reason
from calculation_engine.store import Store
from tests.integration.scheduling.programs import identity, leave

#: Between a worker's looks at its attempt.
LOOK_SECONDS = 0.002
LIMIT_SECONDS = 60.0


class Killed(BaseException):
    """The engine's process is gone: nothing of it goes on, whatever it catches."""


@dataclass
class Attempt:
    """Something that runs at the place, or has ended there and was not removed."""

    id: str
    step: str
    module: str
    identity: str  #: equal for attempts that compute the same
    end: Exit | None = None
    is_lost: bool = False  #: it left no record of its end


@dataclass
class World:
    """What is at the place, whoever started it."""

    present: dict[str, Attempt] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)  #: by attempt
    ends: dict[str, str] = field(default_factory=dict)  #: how the test let each attempt end
    faults: list[str] = field(default_factory=list)  #: what must never happen
    refusals: int = 0  #: calls that are still told that the place cannot be reached
    changed: threading.Condition = field(default_factory=threading.Condition)

    def running(self) -> list[Attempt]:
        """Return what runs, in the order of its start."""
        return [each for each in self.present.values() if each.end is None and not each.is_lost]

    def finish(self, attempt: Attempt, how: str) -> None:
        """Let an attempt end."""
        with self.changed:
            self.ends[attempt.id] = how
            if how == "gone":
                attempt.is_lost = True
            else:
                attempt.end = exit_of(how)
            self.changed.notify_all()


def exit_of(how: str) -> Exit:
    """Return the end of an attempt, by its word."""
    now = time.time()
    reasons = {"oom": Reason.OUT_OF_MEMORY, "time": Reason.TIME_LIMIT, "cancelled": Reason.CANCELLED}
    reason = reasons.get(how)
    return Exit(0 if how in {"ok", "odd"} else 1, reason, f"it ended as {how}", started=now, ended=now)


class Place(Executor):
    """The executor of one engine: it dies with it."""

    name = "local"

    def __init__(self, world: World, life: Life) -> None:
        super().__init__(NoOptions(), Path())
        self._world = world
        self._life = life

    @contextmanager
    def _reached(self) -> Iterator[World]:
        self._life.check()
        with self._world.changed:
            if self._world.refusals:
                self._world.refusals -= 1
                raise ExecutorUnavailable("the place cannot be reached", hint="wait")
            yield self._world
        self._life.check()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(sandboxed=True)

    @property
    def place(self) -> str:
        return "world"

    def check(self) -> None:
        """Nothing is missing."""

    def environment_id(self, program: Program) -> str:
        with self._reached():
            return program.content_hash

    def prepare(self, program: Program, say: Callable[[str], None]) -> Prepared:
        with self._reached():
            return Prepared(program.content_hash, program.image)

    def find(self, task: Task) -> str | None:
        with self._reached() as world:
            return task.attempt_id if task.attempt_id in world.present else None

    def submit(self, task: Task) -> str:
        with self._reached() as world:
            if task.attempt_id not in world.present:
                attempt = Attempt(task.attempt_id, task.labels["step"], task.program.name, identity(task))
                for other in world.running():
                    if other.step == attempt.step:
                        world.faults.append(f"{attempt.id} was started while {other.id} of the same step ran")
                    elif other.identity == attempt.identity:
                        world.faults.append(f"{attempt.id} was started while {other.id} computed the same")
                world.starts[attempt.id] += 1
                world.present[attempt.id] = attempt
            return task.attempt_id

    def attach(self, task: Task, handle: str) -> None:
        with self._reached() as world:
            attempt = world.present.get(task.attempt_id)
            if attempt is None or attempt.is_lost:
                raise AttemptLost("it is gone without a record")

    def wait(self, task: Task, handle: str, timeout_seconds: float) -> Exit | None:
        with self._reached() as world:
            attempt = world.present.get(task.attempt_id)
            if attempt is None or attempt.is_lost:
                raise AttemptLost("it is gone without a record")
            if attempt.end is None:
                self._life.looks[task.labels["step"]] += 1
                world.changed.wait(LOOK_SECONDS)
            return attempt.end

    def cancel(self, task: Task, handle: str) -> None:
        with self._reached() as world:
            attempt = world.present.get(task.attempt_id)
            if attempt is not None and attempt.end is None and not attempt.is_lost:
                world.ends[attempt.id] = "cancelled"
                attempt.end = exit_of("cancelled")

    def collect(self, task: Task, handle: str, into: Path) -> None:
        with self._reached() as world:
            how = world.ends[task.attempt_id]
        leave(task, into, how)

    def remove(self, task: Task) -> None:
        self.remove_leftover(task.attempt_id)

    def leftovers(self) -> Collection[str]:
        with self._reached() as world:
            return list(world.present)

    def remove_leftover(self, attempt_id: str) -> None:
        with self._reached() as world:
            attempt = world.present.pop(attempt_id, None)
            if attempt is not None and attempt.end is None and not attempt.is_lost:
                world.ends[attempt_id] = "removed"
                attempt.end = exit_of("cancelled")


class Life:
    """One engine process, from its start to its death."""

    def __init__(self, world: World, settings: Settings, store: Store, catalogue: Catalogue, writing: Any) -> None:
        self.looks: Counter[str] = Counter()  #: how often a worker found its step running
        self.is_dead = False
        self._writes_left: int | None = None
        self._dies_after_write = False
        self._guard = threading.Lock()
        self.database = Database(settings.database_url)
        sessions: Any = self.database.sessions
        sessions._writing = writing  # one lock for all engines: SQLite would let them poll
        self._write = sessions.write
        sessions.write = self._mortal_write
        self.slow_plans = 0  #: plans that are still written later than they are made
        self._late: list[Callable[[], int]] = []
        self._plan = self.database.jobs.plan
        setattr(self.database.jobs, "plan", self._plan_slowly)  # noqa: B010 - a double of another type
        self.engine = Engine(settings, self.database, store, catalogue, {"local": Place(world, self)})
        self.engine._tell()  # as its start does, before its threads

    @property
    def owner(self) -> str:
        """Its name in the database."""
        return self.engine._owner.name

    def check(self) -> None:
        """Raise where the process is gone."""
        if self.is_dead:
            raise Killed

    def die_at_write(self, number: int | None, *, after: bool = False) -> None:
        """Let the process be killed at one of its next writes: before it, or after the commit; None: at none."""
        self._writes_left, self._dies_after_write = number, after

    def _mortal_write(self, *arguments: Any, **named: Any) -> Any:
        self.check()
        with self._guard:
            if self._writes_left is not None:
                self._writes_left -= 1
            is_last = self._writes_left is not None and self._writes_left < 0
        if is_last and not self._dies_after_write:
            self.kill()
        result = self._write(*arguments, **named)
        if is_last:
            self.kill()
        self.check()
        return result

    def _plan_slowly(self, *arguments: Any, **named: Any) -> int:
        if not self.slow_plans:
            return self._plan(*arguments, **named)
        self.slow_plans -= 1
        self._late.append(lambda: self._plan(*arguments, **named))
        raise Stale("it is written later")

    def write_late_plans(self) -> None:
        """Write the plans that were made before whatever happened since."""
        late, self._late = self._late, []
        for write in late:
            with suppress(Killed, Stale):
                write()

    def kill(self) -> None:
        """End the process: no thread of it goes on, and the kernel lets go of its lock."""
        self.is_dead = True
        self.engine._owner.release()
        raise Killed

    def work(self) -> None:
        """Do the duties of an engine once, as its threads do."""
        self.engine._taken_over = float("-inf")
        with suppress(Killed):
            self.check()
            self.engine._work()
            self.engine._beat()
            self.quiet()

    def quiet(self) -> None:
        """Wait until every worker has looked twice at an attempt that runs, or is done."""
        limit = time.monotonic() + LIMIT_SECONDS
        marks: dict[str, int] = {}
        while not self.is_dead:
            in_hand = list(self.engine._in_hand)
            for step in in_hand:
                marks.setdefault(step, self.looks[step])
            if all(self.looks[step] >= marks[step] + 2 for step in in_hand):
                return
            assert time.monotonic() < limit, self._hanging(in_hand)
            time.sleep(0.001)

    def _hanging(self, in_hand: list[str]) -> str:
        """Return what there is to know when its workers do not go on."""
        ids, frames = in_hand, sys._current_frames()
        told = [f"engine {self.owner} hangs with {', '.join(ids)}; looks: {dict(self.looks)}"]
        for thread in threading.enumerate():
            if thread.ident in frames:
                told += [f"thread {thread.name}:", *traceback.format_stack(frames[thread.ident])[-8:]]
        told += map(repr, self.database.history.steps(self.database.steps.existing(ids)).values())
        told += map(repr, self.database.queue.held())
        return "\n".join(told)

    def close(self) -> None:
        """Leave no thread and no connection of it."""
        self.is_dead = True
        self.engine._pool.shutdown(wait=True)
        with suppress(Exception):
            self.engine._owner.release()
        self.database.close()
