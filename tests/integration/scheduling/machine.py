"""A database and data folder, engines that come and die, users who submit and cancel: all in random order."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select, update

from calculation_engine.db.rows import StepRow
from calculation_engine.db.tables import key_holders, steps
from calculation_engine.errors import Conflict
from calculation_engine.schemas.files import SWEEP_MODULE
from calculation_engine.states import ENDED, Reason, State
from tests.integration.scheduling.cluster import Cluster
from tests.integration.scheduling.flows import Flow, flows
from tests.integration.scheduling.world import Killed, Life

ANY = st.integers(0, 1 << 16)  # one of what there is then, however many that are
OWNERS = st.sampled_from(["ada", "bob"])
ENDS = ("ok", "ok", "ok", "ok", "odd", "exit", "refused", "oom", "time", "gone")
#: What a step may fail of after its last attempt ended so.
REASONS = {
    "exit": Reason.EXIT_CODE,
    "refused": Reason.INPUT_INVALID,
    "oom": Reason.OUT_OF_MEMORY,
    "time": Reason.TIME_LIMIT,
    "gone": Reason.LOST,
    "ok": Reason.NOT_REPRODUCED,
    "odd": Reason.NOT_REPRODUCED,
}
#: Steps of a module at once, on all engines together.
LIMITS = {"sum": 1}
#: Jobs of one course: a course with more takes longer and meets no more.
MOST_JOBS = 6


class Scheduling(RuleBasedStateMachine):
    """One course of events.

    Args:
        database_url: of a migrated database, which is emptied; None: a SQLite file of its own.
    """

    def __init__(self, database_url: str | None = None) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="scheduling"))
        self.database_url = database_url
        self.cluster: Cluster
        self.jobs: dict[str, Flow] = {}
        self.deleted: Counter[str] = Counter()  #: results that were deleted, by key

    @property
    def alive(self) -> list[Life]:
        return self.cluster.alive

    def one_alive(self, number: int) -> Life | None:
        return self.alive[number % len(self.alive)] if self.alive else None

    def one_job(self, number: int) -> str:
        return list(self.jobs)[number % len(self.jobs)]

    @initialize(flow=flows(), engines=st.integers(1, 2), reserve=st.sampled_from([0, 3600]))
    def begin(self, flow: Flow, engines: int, reserve: float) -> None:
        limits = {"module_limits": LIMITS, "reserve_after_seconds": reserve}
        self.cluster = Cluster(self.folder, self.database_url, **limits)
        self.world, self.database = self.cluster.world, self.cluster.database
        for _ in range(engines):
            self.start_engine()
        self.submit(flow, "ada", None, 0)

    @precondition(lambda self: len(self.jobs) < MOST_JOBS)
    @rule(flow=flows(), owner=OWNERS, slot=st.sampled_from([None, "s"]), priority=st.integers(-1, 1))
    def submit(self, flow: Flow, owner: str, slot: str | None, priority: int) -> None:
        self.jobs[self.cluster.submit({"workflow": flow.document, "slot": slot, "priority": priority}, owner)] = flow
        self.settle()

    @precondition(lambda self: 0 < len(self.jobs) < MOST_JOBS)
    @rule(which=ANY, owner=OWNERS)
    def rerun(self, which: int, owner: str) -> None:
        job = self.one_job(which)
        with suppress(Conflict):  # it goes on, or ended before all that it begins with was queued
            self.jobs[self.cluster.rerun(job, owner)] = self.jobs[job]
            self.settle()

    @rule(ends=st.lists(st.tuples(ANY, st.sampled_from(ENDS)), min_size=1, max_size=6))
    def attempts_end(self, ends: list[tuple[int, str]]) -> None:
        for which, how in ends:
            running = self.world.running()
            if running:
                self.world.finish(running[which % len(running)], how)
        self.settle()

    @rule(rounds=st.integers(1, 4))
    def all_succeed(self, rounds: int) -> None:
        for _ in range(rounds):
            for attempt in self.world.running():
                self.world.finish(attempt, "ok")
            self.settle()

    @precondition(lambda self: self.jobs)
    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        with suppress(Conflict):
            self.database.jobs.request_cancel(self.one_job(which))
        self.settle()

    @precondition(lambda self: self.jobs)
    @rule(which=ANY)
    def delete(self, which: int) -> None:
        job = self.one_job(which)
        results = [step.key for step in self.database.steps.of_job(job) if step.key and step.state is State.SUCCEEDED]
        with suppress(Conflict):
            self.database.jobs.delete(job)
            self.deleted.update(results)
            del self.jobs[job]

    @rule(which=ANY, write=st.none() | st.integers(0, 8), after=st.booleans(), another=st.booleans())
    def engine_dies(self, which: int, write: int | None, after: bool, another: bool) -> None:
        """Kill an engine now, or let it be killed at one of its next writes; another may be started."""
        life = self.one_alive(which)
        if life is not None and write is not None:
            life.die_at_write(write, after=after)
        elif life is not None:
            with suppress(Killed):
                life.kill()
        if another or not self.alive:
            self.start_engine()
        self.settle()

    @rule(which=ANY)
    def lose_leases(self, which: int) -> None:
        """Let an engine be taken for dead that is not, as a machine that slept is."""
        life = self.one_alive(which)
        if life is not None:
            past = update(steps).where(steps.c.lease_owner == life.owner)
            self.database.sessions.write(lambda tx: tx.run(past.values(lease_until=tx.after(-1))))
            for other in self.alive:
                if other is not life:
                    other.work()
            self.settle()

    @rule(calls=st.integers(1, 3))
    def place_cannot_be_reached(self, calls: int) -> None:
        self.world.refusals += calls

    @rule(which=ANY, plans=st.integers(1, 3))
    def plans_are_slow(self, which: int, plans: int) -> None:
        """Let an engine write its next plans later than it makes them, when more has happened."""
        life = self.one_alive(which)
        if life is not None:
            life.slow_plans += plans

    @rule(which=ANY)
    def late_plans_are_written(self, which: int) -> None:
        life = self.one_alive(which)
        if life is not None:
            life.write_late_plans()
            self.settle()

    @rule(which=ANY)
    def engine_cleans(self, which: int) -> None:
        """Remove what is left of attempts that ended."""
        life = self.one_alive(which)
        if life is not None:
            life.engine._cleaner.leftovers()
            life.engine._cleaner.scratch()

    def start_engine(self) -> None:
        if len(self.alive) < 3:
            self.cluster.start_engine()

    @rule()
    def time_passes(self) -> None:
        self.wake()
        self.settle()

    def wake(self) -> None:
        """Let every delay be over."""
        late = update(steps).where(steps.c.not_before.is_not(None))
        self.database.sessions.write(lambda tx: tx.run(late.values(not_before=tx.after(-1))))

    def settle(self) -> None:
        """Let the engines do all that they can do now."""
        before = None
        while (now := self.standing()) != before:
            before = now
            for life in self.alive:
                life.work()

    def standing(self) -> list[Any]:
        """Return all that changes when something happens."""
        columns = (
            steps.c.id,
            steps.c.state,
            steps.c.attempt,
            steps.c.lease_owner,
            steps.c.waits_for,
            steps.c.queue_lane,
        )
        found = self.database.sessions.read(lambda tx: [tuple(row) for row in tx.run(select(*columns))])
        return [sorted(found, key=str), sorted(self.database.jobs.due(1000)), sorted(self.world.present)]

    @invariant()
    def nothing_starts_before_its_turn(self) -> None:
        for job_id, flow in self.jobs.items():
            states = {step.path: step.state for step in self.database.steps.of_job(job_id)}
            for path in states:
                missing = flow.missing(path, states)
                assert not missing, f"{path} of {job_id} is there before {missing}"
            if self.database.jobs.head(job_id).state in ENDED:
                assert set(states.values()) <= ENDED

    @invariant()
    def nothing_runs_twice(self) -> None:
        assert not self.world.faults
        assert set(self.world.starts.values()) <= {1}

    @invariant()
    def limits_hold(self) -> None:
        running = Counter(attempt.module for attempt in self.world.running())
        assert all(running[module] <= most for module, most in LIMITS.items()), running

    @invariant()
    def slots_have_one_live_job(self) -> None:
        heads = [self.database.jobs.head(job_id) for job_id in self.jobs]
        live = Counter((job.owner, job.slot) for job in heads if job.state not in ENDED and not job.cancel_requested)
        assert all(count == 1 for (_, slot), count in live.items() if slot is not None), live

    def teardown(self) -> None:
        try:
            self.drain()
            self.check_the_end()
        finally:
            self.cluster.close()
            shutil.rmtree(self.folder)

    def drain(self) -> None:
        """Heal all faults, let everything that runs succeed, and go on until nothing is left to do."""
        self.world.refusals = 0
        before = None
        while (now := self.standing()) != before:
            before = now
            for life in self.alive:
                life.die_at_write(None)
                life.slow_plans = 0
                life.write_late_plans()
            if not self.alive:
                self.start_engine()
            for attempt in self.world.running():
                self.world.finish(attempt, "ok")
            self.wake()
            self.settle()
            if all(self.database.jobs.head(job_id).state in ENDED for job_id in self.jobs):
                return
        left = [step for job_id in self.jobs for step in self.database.steps.of_job(job_id) if step.state not in ENDED]
        raise AssertionError(f"jobs do not end: {left}")

    def check_the_end(self) -> None:
        for life in self.alive:
            life.engine._cleaner.leftovers()
        assert not self.world.present, "attempts are left at the place"
        assert self.database.steps.owners() == set(), "a lease is held for ever"
        assert self.database.steps.live_attempts() == set()
        held = self.database.sessions.read(lambda tx: tx.run(select(func.count()).select_from(key_holders)).scalar())
        assert held == 0, "a key is held for ever"
        computed = Counter[str]()
        for job_id in self.jobs:
            found = self.database.steps.of_job(job_id)
            for step in found:
                self._check_step(step)
                if step.state is State.SUCCEEDED and step.key and not step.reused_from and step.reuse is None:
                    computed[step.key] += 1
            self._check_job(job_id, found)
        assert all(count <= 1 + self.deleted[key] for key, count in computed.items()), "computed twice"

    def _check_step(self, step: StepRow) -> None:
        if step.module == SWEEP_MODULE:
            return
        attempts = self.database.steps.attempts(step.id)
        assert [attempt.number for attempt in attempts] == list(range(1, step.attempt + 1))
        assert all(attempt.ended is not None for attempt in attempts)
        how = self.world.ends.get(step.attempt_id)
        if step.state is State.SUCCEEDED and step.reused_from is None:
            assert how in {"ok", "odd"}
        if step.state is State.FAILED:
            assert step.reason is REASONS.get(how or ""), f"{step.path}: {step.reason} ({step.message}) after {how}"
            assert how not in {"ok", "odd"} or (step.reuse or {}).get("mode") == "verify"

    def _check_job(self, job_id: str, found: list[StepRow]) -> None:
        job, flow = self.database.jobs.get(job_id), self.jobs[job_id]
        if job.state is State.SUCCEEDED:
            assert flow.has_succeeded({step.path: step.state for step in found})
        elif job.state is State.FAILED:
            assert any(step.state is State.FAILED for step in found) or job.loops
        else:
            assert job.cancel_requested is not None
