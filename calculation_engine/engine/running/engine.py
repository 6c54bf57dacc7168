"""The engine: plans jobs whose steps changed, claims steps that its machine has room for, keeps their leases alive."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import structlog

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import Claim, StepRow
from calculation_engine.engine.planning.planning import Planning
from calculation_engine.engine.running.attempts import Attempts
from calculation_engine.engine.running.joining import Joining
from calculation_engine.engine.running.ledger import Control
from calculation_engine.engine.running.leftovers import Cleaner
from calculation_engine.engine.running.owner import Owner, surely_dead
from calculation_engine.engine.running.results import Results
from calculation_engine.engine.running.verification import Verifier
from calculation_engine.engine.running.worker import Worker
from calculation_engine.engine.steps.keyed import Keys
from calculation_engine.engine.steps.machine import RESERVED, Reservation, capacity_of
from calculation_engine.engine.steps.paths import scratch
from calculation_engine.engine.steps.stored import StoredResults
from calculation_engine.errors import DatabaseUnavailable, ExecutorUnavailable, Stale
from calculation_engine.executors.base import Executor
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.settings import Settings
from calculation_engine.store import Store

log = structlog.get_logger(__name__)

_IDLE_SECONDS = 0.5  # between looks for work that another process stored
_HEARTBEAT_SECONDS = 0.5  # also the delay of a cancel that another process was asked for
_TAKE_OVER_SECONDS = 3.0
_SWEEP_SECONDS = 600.0
_ALIVE_SECONDS = 5.0
#: Made one by one as they are needed. Room bounds what is claimed; what others left running is watched all the same.
_MOST_THREADS = 4096


@dataclass
class _InHand:
    step: StepRow
    control: Control
    future: Future[None]


class Engine:
    """Runs the steps of one database and data folder until it is stopped.

    Several engines may share both. All that it knows is in the database: killed at any instant, it or another goes on.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        store: Store,
        catalogue: Catalogue,
        executors: Mapping[str, Executor],
    ) -> None:
        self._settings = settings
        self._database = database
        self._store = store
        self._executors = executors
        self._capacity = capacity_of(settings, executors)
        self._reservation = Reservation(settings.reserve_after_seconds)
        self._owner = Owner(settings.data_dir)
        verifier = Verifier(database, store, scratch(settings.data_dir))
        self._attempts = Attempts(
            database,
            store,
            executors,
            Results(store, verifier, settings.data_dir),
            settings.data_dir,
            settings.attempts,
            frozenset(settings.gone_places),
            self._capacity.memory_bytes,
        )
        joining = Joining(database, catalogue, StoredResults(database, store), verifier)
        keys = Keys(catalogue, executors)
        self._worker = Worker(database, store, keys, joining, self._attempts)
        self._planning = Planning(database, store, catalogue, settings, keys, window=4 * math.ceil(self._capacity.cpus))
        self._cleaner = Cleaner(database, store, executors, settings)
        self._in_hand: dict[str, _InHand] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work, pause), name=name, daemon=True)
            for work, pause, name in (
                (self._work, _IDLE_SECONDS, "engine-work"),
                (self._beat, _HEARTBEAT_SECONDS, "engine-heartbeat"),
                (self._cleaner.run, _SWEEP_SECONDS, "engine-sweep"),
            )
        ]
        self._pool = ThreadPoolExecutor(max_workers=_MOST_THREADS, thread_name_prefix="step")
        self._taken_over = -_TAKE_OVER_SECONDS
        self._told = -_ALIVE_SECONDS

    def start(self) -> None:
        """Begin to work, in threads of its own."""
        with suppress(DatabaseUnavailable):  # told again with the next heartbeat
            self._tell()
        for thread in self._threads:
            thread.start()
        room = {"cpus": self._capacity.cpus, "memory_bytes": self._capacity.memory_bytes}
        log.info("engine_started", owner=self._owner.name, executors=sorted(self._executors), **room)

    def wake(self) -> None:
        """Say that there is work: a job was stored, or is to be cancelled."""
        self._wake.set()

    def stop(self) -> None:
        """Let go of everything; what runs goes on, for the next engine to find."""
        self._stopping.set()
        self._wake.set()
        with self._lock:
            for held in self._in_hand.values():
                held.control.stopping.set()
        self._pool.shutdown(wait=True)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._leave()
        log.info("engine_stopped", owner=self._owner.name)

    def _leave(self) -> None:
        """Give up the leases of what goes on without this engine, so that the next one need not wait for their end."""
        try:
            self._database.steps.leave(self._owner.name)
            self._database.engines.leave(self._owner.name)
        except DatabaseUnavailable as error:
            log.warning("database_unavailable", error=error.message)
        self._owner.release()

    def _guarded(self, work: object, pause_seconds: float) -> None:
        """Repeat a duty until the engine stops; nothing that happens in it ends the thread."""
        assert callable(work)
        while not self._stopping.is_set():
            try:
                work()
            except DatabaseUnavailable as error:
                log.warning("database_unavailable", error=error.message)
                self._stopping.wait(1.0)
            except Exception:
                log.exception("engine_duty_failed", duty=getattr(work, "__name__", "sweep"))
                self._stopping.wait(1.0)
            if work == self._work:
                self._wake.wait(pause_seconds)
                self._wake.clear()
            else:
                self._stopping.wait(pause_seconds)

    def _work(self) -> None:
        """Plan and claim until there is nothing left to do or no slot free."""
        if time.monotonic() - self._taken_over > _TAKE_OVER_SECONDS:
            self._taken_over = time.monotonic()
            self._pick_up()
            self._take_over()
            self._attempts.remove_unremoved()
        while not self._stopping.is_set():
            planned = self._planning.run()
            claimed = self._claim()
            if not planned and not claimed:
                return

    def _claim(self) -> int:
        reserved = self._reservation.step_id
        if reserved is None:
            claim = self._claim_for(sorted(self._executors))
        else:
            elsewhere = sorted(set(self._executors) - set(self._capacity.machine_executors))
            taken = self._claim_for(elsewhere).steps
            claim = self._claim_for(list(self._capacity.machine_executors), only=reserved)
            claim.steps.extend(taken)
        self._reservation.note(claim.passed_over)
        return len(claim.steps)

    def _claim_for(self, executors: list[str], only: str | None = None) -> Claim:
        with self._lock:
            room = self._capacity.room(held.step for held in self._in_hand.values())
        if room.steps < 1:
            return Claim([], [])
        claim = self._database.steps.claim_for(
            self._owner.name, executors, room, self._settings.lease_seconds, self._settings.module_limits, only
        )
        for step in claim.steps:
            self._hand_out(step)
        return claim

    def _pick_up(self) -> None:
        """Go on with steps that are leased to this engine, but in nobody's hands: the database was away in between."""
        with self._lock:
            in_hand = set(self._in_hand)
        for step in self._database.steps.leased(self._owner.name):
            if step.id not in in_hand:
                log.info("step_picked_up", step=step.id, attempt=step.attempt)
                self._go_on_with(step)

    def _take_over(self) -> None:
        me = self._owner
        owners = self._database.steps.owners() - {me.name}
        steps = self._database.steps.take_over(
            me.name,
            self._places(),
            self._settings.lease_seconds,
            dead_owners=surely_dead(self._settings.data_dir, owners, me.host),
            gone_places={*self._settings.gone_places, *self._replaced_places()},
        )
        for step in steps:
            log.info("step_found", step=step.id, attempt=step.attempt, handle=step.handle)
            self._go_on_with(step)

    def _go_on_with(self, step: StepRow) -> None:
        """Watch what was begun, room or not: it runs. What was not is queued again, for whoever has room for it."""
        if step.host is not None:
            self._hand_out(step)
            return
        assert step.lease_token is not None
        with suppress(Stale):
            self._database.steps.release(step.id, step.lease_token)

    def _places(self) -> dict[str, str]:
        """Return where each executor finds again what it starts, but for those that cannot be reached now."""
        places = {}
        for name, executor in self._executors.items():
            with suppress(ExecutorUnavailable):
                places[name] = executor.place
        return places

    def _replaced_places(self) -> set[str]:
        return {place for executor in self._executors.values() for place in executor.replaced_places}

    def _hand_out(self, step: StepRow) -> None:
        control = Control(tell=self._wake.set)
        if step.cancel_requested:
            control.cancelled.set()
        with self._lock:
            if self._stopping.is_set():
                return
            if step.id in self._in_hand:  # of a lease that ran out: a step is watched by one worker
                self._in_hand[step.id].control.stopping.set()
            future = self._pool.submit(self._worker.run, step, control)
            self._in_hand[step.id] = _InHand(step, control, future)
        metrics.STEPS_RUNNING.set(len(self._in_hand))
        future.add_done_callback(lambda _: self._let_go(step.id, control))

    def _let_go(self, step_id: str, control: Control) -> None:
        with self._lock:
            # A step that its worker gave back may be in other hands here before that worker is done.
            if step_id in self._in_hand and self._in_hand[step_id].control is control:
                del self._in_hand[step_id]
        metrics.STEPS_RUNNING.set(len(self._in_hand))
        self._wake.set()

    def _beat(self) -> None:
        """Say that this engine lives, keep the leases of what is in hand, and pass on which are lost or cancelled."""
        self._store.room.watch()
        if time.monotonic() - self._told > _ALIVE_SECONDS:
            self._tell()
        with self._lock:
            in_hand = dict(self._in_hand)
        if not in_hand:
            return
        leased = self._database.steps.heartbeat(self._owner.name, self._settings.lease_seconds)
        for step_id, held in in_hand.items():
            if step_id not in leased:  # ended, given back, or in another engine's hands
                held.control.stopping.set()
            elif leased[step_id]:
                held.control.cancelled.set()

    def _tell(self) -> None:
        """Note in the database that this engine lives, and what it has for steps."""
        self._told = time.monotonic()
        names = sorted(self._executors)
        capacity = self._capacity.document() | {RESERVED: self._reservation.step_id}
        self._database.engines.beat(self._owner.name, self._owner.host, names, capacity)
