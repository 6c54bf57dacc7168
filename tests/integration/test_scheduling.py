"""Random workflows, faults and cancels against real engines: every job ends, nothing runs twice, order is kept.

``CE_TEST_SCHEDULER=500`` tries so many courses of events instead of the few that a test run has time for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select, update

from calculation_engine.db.rows import StepRow
from calculation_engine.db.tables import key_holders, steps
from calculation_engine.engine.running import attempts, worker
from calculation_engine.errors import Conflict
from calculation_engine.states import ENDED, Reason, State
from tests.integration.scheduling.cluster import Cluster
from tests.integration.scheduling.world import Killed, Life

COURSES = int(os.environ.get("CE_TEST_SCHEDULER", "12"))
ANY = st.integers(0, 1 << 16)  # one of what there is then, however many that are
ENDS = ("ok", "ok", "ok", "exit", "refused", "oom", "time", "gone")
#: What a step may fail of after its last attempt ended so.
REASONS = {
    "exit": Reason.EXIT_CODE,
    "refused": Reason.INPUT_INVALID,
    "oom": Reason.OUT_OF_MEMORY,
    "time": Reason.TIME_LIMIT,
    "gone": Reason.LOST,
}

Tree = str | tuple[str, list[Any]]


@st.composite
def workflows(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """Give a workflow of chains and groups, nested, and for each process those that stand before it."""
    names = [f"p{number}" for number in range(draw(st.integers(2, 5)))]
    components: list[dict[str, Any]] = []
    before: dict[str, set[str]] = {name: set() for name in names}
    parts = [(name, {name}) for name in names]
    while len(parts) > 1 and (not components or draw(st.booleans())):
        count = draw(st.integers(2, len(parts)))
        taken, parts = parts[:count], parts[count:]
        kind = draw(st.sampled_from(["chain", "chain", "group"]))
        label = f"c{len(components)}"
        field = "sequence" if kind == "chain" else "group"
        policy = {"on_failure": draw(st.sampled_from(["finish", "stop"]))} if kind == "group" else {}
        components.append({"type": kind, "name": label, field: [name for name, _ in taken]} | policy)
        if kind == "chain":
            for (_, earlier), (_, later) in pairwise(taken):
                for name in later:
                    before[name] |= earlier
        parts.append((label, set().union(*(held for _, held in taken))))
    processes = [_process(draw, name) for name in names]
    return {"processes": processes, "components": components}, before


def _process(draw: st.DrawFn, name: str) -> dict[str, Any]:
    # Few different configs: steps are equal, so that some wait for others and take their results.
    process: dict[str, Any] = {"name": name, "module": "probe", "config": {"note": str(draw(st.integers(0, 3)))}}
    process["resources"] = {"cpu": draw(st.sampled_from([0.5, 1, 2])), "memory": "1MiB"}
    if draw(st.booleans()):
        memory = {"memory_limit": "64MiB"} if draw(st.booleans()) else {}
        process["retry"] = {"attempts": draw(st.integers(1, 3)), "wait": draw(st.sampled_from([0, 3600]))} | memory
    return process


class Scheduling(RuleBasedStateMachine):
    """One database and data folder, up to three engines that come and die, and users who submit and cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="scheduling"))
        self.cluster = Cluster(self.folder)
        self.world, self.database = self.cluster.world, self.cluster.database
        self.jobs: dict[str, dict[str, set[str]]] = {}

    @property
    def alive(self) -> list[Life]:
        return self.cluster.alive

    def one_alive(self, number: int) -> Life | None:
        return self.alive[number % len(self.alive)] if self.alive else None

    @initialize(flow=workflows(), engines=st.integers(1, 2))
    def begin(self, flow: tuple[dict[str, Any], dict[str, set[str]]], engines: int) -> None:
        for _ in range(engines):
            self.start_engine()
        self.submit(flow, "ada", None)

    @rule(flow=workflows(), owner=st.sampled_from(["ada", "bob"]), slot=st.sampled_from([None, None, "s"]))
    def submit(self, flow: tuple[dict[str, Any], dict[str, set[str]]], owner: str, slot: str | None) -> None:
        workflow, before = flow
        self.jobs[self.cluster.submit({"workflow": workflow, "slot": slot}, owner)] = before
        self.settle()

    @rule(ends=st.lists(st.tuples(ANY, st.sampled_from(ENDS)), min_size=1, max_size=4))
    def attempts_end(self, ends: list[tuple[int, str]]) -> None:
        for which, how in ends:
            running = self.world.running()
            if running:
                self.world.finish(running[which % len(running)], how)
        self.settle()

    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        with suppress(Conflict):
            self.database.jobs.request_cancel(list(self.jobs)[which % len(self.jobs)])
        self.settle()

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

    def rows(self) -> dict[str, list[StepRow]]:
        return {job_id: self.database.steps.of_job(job_id) for job_id in self.jobs}

    @invariant()
    def nothing_starts_before_its_turn(self) -> None:
        for job_id, found in self.rows().items():
            states = {step.path: step.state for step in found}
            for path in states:
                missing = [name for name in self.jobs[job_id][path] if states.get(name) is not State.SUCCEEDED]
                assert not missing, f"{path} of {job_id} is there before {missing}"

    @invariant()
    def no_attempt_runs_twice(self) -> None:
        assert not self.world.faults
        assert set(self.world.starts.values()) <= {1}

    @invariant()
    def ended_jobs_have_ended_steps(self) -> None:
        for job_id, found in self.rows().items():
            if self.database.jobs.get(job_id).state in ENDED:
                assert all(step.state in ENDED for step in found)

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
        for _ in range(100):
            for life in self.alive:
                life.die_at_write(None)
            if not self.alive:
                self.start_engine()
            for attempt in self.world.running():
                self.world.finish(attempt, "ok")
            self.wake()
            self.settle()
            if all(self.database.jobs.get(job_id).state in ENDED for job_id in self.jobs):
                return
        raise AssertionError(f"jobs do not end: {self.rows()}")

    def check_the_end(self) -> None:
        for life in self.alive:
            life.engine._cleaner.leftovers()
        assert not self.world.present, "attempts are left at the place"
        assert self.database.steps.owners() == set(), "a lease is held for ever"
        assert self.database.steps.live_attempts() == set()
        held = self.database.sessions.read(lambda tx: tx.run(select(func.count()).select_from(key_holders)).scalar())
        assert held == 0, "a key is held for ever"
        for job_id, found in self.rows().items():
            for step in found:
                self._check_step(step)
            self._check_job(job_id, found)

    def _check_step(self, step: StepRow) -> None:
        attempts = self.database.steps.attempts(step.id)
        assert [attempt.number for attempt in attempts] == list(range(1, step.attempt + 1))
        assert all(attempt.ended is not None for attempt in attempts)
        how = self.world.ends.get(step.attempt_id)
        if step.state is State.SUCCEEDED and step.reused_from is None:
            assert how == "ok"
        if step.state is State.FAILED:
            assert step.reason is REASONS.get(how or ""), f"{step.path}: {step.reason} ({step.message}) after {how}"

    def _check_job(self, job_id: str, found: list[StepRow]) -> None:
        job = self.database.jobs.get(job_id)
        states = {step.state for step in found}
        if job.state is State.SUCCEEDED:
            assert states == {State.SUCCEEDED}
            assert {step.path for step in found} == set(self.jobs[job_id])
        elif job.state is State.FAILED:
            assert State.FAILED in states
        else:
            assert job.cancel_requested is not None


@pytest.mark.timeout(max(300, 20 * COURSES))
def test_every_job_ends_and_no_step_runs_twice_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (attempts, worker):
        monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)
    chosen = settings(
        max_examples=COURSES,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # To find the shortest course takes many more: for people who look for the cause.
        phases=[phase for phase in Phase if phase is not Phase.shrink or "CE_TEST_SCHEDULER" in os.environ],
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(Scheduling, settings=chosen)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(tmp_path)
    yield found
    found.close()


def test_step_that_is_taken_again_while_its_worker_leaves_stays_in_hand(cluster: Cluster) -> None:
    life = cluster.start_engine()
    cluster.submit({"module": "probe"})
    life.engine._planning.run()
    [step] = life.database.steps.claim(life.owner, ["local"], 1, 60)
    may_end, given = threading.Event(), list[str]()

    class GivesBackOnce:
        def run(self, step: StepRow, control: object) -> None:
            given.append(step.id)
            if len(given) == 1:
                life.engine._hand_out(step)  # as its claim does, when the step is claimable before this one has left
            else:
                may_end.wait(30)

    setattr(life.engine, "_worker", GivesBackOnce())  # noqa: B010 - a double of another type
    life.engine._hand_out(step)
    assert life.engine._wake.wait(30)  # set when a worker has left

    assert list(life.engine._in_hand) == [step.id]
    may_end.set()


def _probe(number: int) -> dict[str, Any]:
    return {"module": "probe", "config": {"note": str(number)}, "resources": {"cpu": 0.5, "memory": "1MiB"}}


def test_what_a_dead_engine_ran_is_watched_at_once_by_one_that_has_no_room(cluster: Cluster) -> None:
    dying, other = cluster.start_engine(), cluster.start_engine()
    left = [cluster.submit(_probe(number)) for number in range(4)]
    dying.work()
    own = [cluster.submit(_probe(number)) for number in range(4, 8)]
    other.work()
    with suppress(Killed):
        dying.kill()

    other.work()
    for job in left:
        cluster.database.jobs.request_cancel(job)
    other.work()

    assert len(cluster.world.starts) == 8
    assert list(cluster.world.ends.values()) == ["cancelled"] * 4
    assert {cluster.database.jobs.get(job).state for job in own} == {State.RUNNING}


def test_what_a_dead_engine_had_not_begun_is_begun_where_there_is_room(cluster: Cluster) -> None:
    """The course that left a step in the hands of an engine all of whose threads watched others."""
    other, dying = cluster.start_engine(), cluster.start_engine()
    jobs = [cluster.submit(_probe(number)) for number in range(3)]
    other.work()
    jobs.append(cluster.submit(_probe(3)))
    dying.work()
    jobs.append(cluster.submit(_probe(4)))
    dying.engine._planning.run()
    cluster.database.steps.claim(dying.owner, ["local"], 1, 60)
    with suppress(Killed):
        dying.kill()

    other.work()
    cluster.start_engine().work()

    assert {cluster.database.jobs.get(job).state for job in jobs} == {State.RUNNING}
    assert cluster.database.steps.owners() == {life.owner for life in cluster.alive}


def test_what_may_run_in_a_place_out_of_reach_is_not_begun_anew(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, other = cluster.start_engine(), cluster.start_engine()
    job = cluster.submit(_probe(0))
    monkeypatch.setattr(dying.database.steps, "started", lambda *_: dying.kill())
    dying.work()
    cluster.world.refusals = 1

    other.work()
    [unreached] = cluster.database.steps.of_job(job)
    other.engine._cleaner.leftovers()
    other.work()

    assert len(cluster.world.present) == 1
    [found] = cluster.database.steps.of_job(job)
    assert "cannot be reached" in unreached.message
    assert found.state is State.RUNNING
    assert cluster.world.starts == {found.attempt_id: 1}
