"""Random workflows, faults and cancels against real engines: every job ends, nothing runs twice, order is kept.

``CE_TEST_SCHEDULER=500`` tries so many courses of events instead of the few that a test run has time for;
``CE_TEST_SHRINK=1`` looks for the shortest course that fails, which takes many more.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from calculation_engine.db.database import Database
from calculation_engine.db.rows import StepRow
from calculation_engine.engine.running import attempts, worker
from calculation_engine.states import State
from tests.integration.scheduling.cluster import Cluster
from tests.integration.scheduling.machine import Scheduling
from tests.integration.scheduling.world import Killed

COURSES = int(os.environ.get("CE_TEST_SCHEDULER", "12"))


def _run(courses: int, database_url: str | None = None) -> None:
    machine: Any = partial(Scheduling, database_url)
    chosen = settings(
        max_examples=courses,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[phase for phase in Phase if phase is not Phase.shrink or "CE_TEST_SHRINK" in os.environ],
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(machine, settings=chosen)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines wait for a place that cannot be reached no longer than a test has time for."""
    for module in (attempts, worker):
        monkeypatch.setattr(module, "_RETRY_SECONDS", 0.01)


@pytest.mark.usefixtures("hurried")
@pytest.mark.timeout(max(300, 20 * COURSES))
def test_every_job_ends_and_no_step_runs_twice_whatever_happens() -> None:
    _run(COURSES)


@pytest.mark.usefixtures("hurried")
@pytest.mark.timeout(max(300, 20 * COURSES))
def test_every_job_ends_and_no_step_runs_twice_on_mariadb(mariadb_url: str) -> None:
    database = Database(mariadb_url)
    database.migrate()
    database.close()
    _run(max(1, COURSES // 4), mariadb_url)


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
    monkeypatch.setattr(attempts, "_RETRY_SECONDS", 0.01)
    dying.work()
    cluster.world.refusals = 2

    other.work()
    other.engine._cleaner.leftovers()
    other.work()

    [found] = cluster.database.steps.of_job(job)
    assert found.state is State.RUNNING
    assert cluster.world.starts == {found.attempt_id: 1}
    told = [event.data["message"] for event in cluster.database.events.since(job) if event.kind == "progress"]
    assert told == ["the place cannot be reached"]
