"""Engines that sleep, or come back as another machine: what runs is found again, or its loss is noticed, once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docker
import psutil
import pytest

from calculation_engine.api.server import Parts
from calculation_engine.db.rows import StepRow
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, Reason, State
from tests.faults.servers import PROBE_IMAGE, OwnDocker, build_probe
from tests.integration.conftest import PROGRAMS, wait_for

LEASE_SECONDS = 3.0
ASLEEP_SECONDS = LEASE_SECONDS + 1.5
SERVE = """
import sys
from calculation_engine.api.server import serve
from calculation_engine.settings import Settings
serve(Settings.model_validate_json(sys.argv[1]), with_api=False)
"""

pytestmark = pytest.mark.needs("docker")


@dataclass(frozen=True)
class Scene:
    """A database and a data folder, and engines on them in processes of their own."""

    settings: Settings
    parts: Parts
    ending: ExitStack
    log: Path

    def submit(self, executor: str, sleep: float, note: str) -> str:
        """Store a job of one step."""
        submission = self.parts.context(lambda: None).submission
        body = {"module": "probe", "executor": executor, "config": {"sleep": sleep, "note": note}}
        return submission.submit(JobRequest.model_validate(body), "local")[0].id

    def step(self, job_id: str) -> StepRow:
        """Return the step of a job as it stands."""
        return self.parts.database.steps.of_job(job_id)[0]

    def start_engine(self, host: str | None = None, **settings: Any) -> subprocess.Popen[bytes]:
        """Start an engine, on a machine of that name."""
        document = self.settings.model_copy(update=settings).model_dump_json()
        words = [sys.executable, "-c", SERVE, document]
        if host:
            words = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, *words]
        with self.log.open("ab") as log:
            process = self.ending.enter_context(subprocess.Popen(words, stdout=log, stderr=log))
        self.ending.callback(process.kill)
        return process

    def wait_until_running(self, *jobs: str) -> None:
        """Wait until the steps of all jobs run and say so."""
        wait_for(lambda: all(self.step(job).state is State.RUNNING and self.says(job, "50%") for job in jobs))

    def says(self, job_id: str, word: str) -> bool:
        """Whether a step has written a word."""
        log = step_log(self.settings.data_dir, self.step(job_id).id)
        return log.exists() and word in log.read_text()

    def wait_until_ended(self, *jobs: str) -> None:
        """Wait until all jobs have ended, as they are to end."""
        wait_for(lambda: all(self.parts.database.jobs.get(job).state in ENDED for job in jobs), 90)
        states = {job: self.step(job) for job in jobs}
        assert all(step.state is State.SUCCEEDED for step in states.values()), states

    def attempts(self, job_id: str) -> list[Reason | None]:
        """Return why each attempt of a step failed, after seeing that none began before the one before had ended."""
        found = self.parts.database.steps.attempts(self.step(job_id).id)
        for one, two in pairwise(found):
            assert one.ended is not None
            assert one.ended <= two.begun
        return [attempt.reason for attempt in found]

    def starts(self, job_id: str) -> int:
        """Return how often the current attempt of a step was started."""
        return step_log(self.settings.data_dir, self.step(job_id).id).read_text().count("start\n")

    def processes(self, mark: str = "") -> list[psutil.Process]:
        """Return the processes of local steps whose command line or folder has a mark."""
        found = []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            line = " ".join([*(process.info["cmdline"] or []), process.info["cwd"] or ""])
            if mark in line and any(str(self.settings.data_dir / name) in line for name in ("local", "work")):
                found.append(process)
        return found


def wake(process: psutil.Process) -> None:
    """Let a process go on, if it is there."""
    if process.is_running():
        process.resume()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    settings = Settings(
        data_dir=tmp_path / "data", module_path=[PROGRAMS], steps_at_once=6, lease_seconds=LEASE_SECONDS
    )
    with closing(Parts.assemble(settings)) as parts, ExitStack() as ending:
        yield Scene(settings, parts, ending, tmp_path / "engine.log")


def test_machine_that_sleeps_longer_than_a_lease_goes_on_with_what_runs_and_notices_what_is_lost(scene: Scene) -> None:
    kept = [scene.submit(executor, 7, "kept") for executor in ("local", "docker")]
    lost = [scene.submit(executor, 3, "lost") for executor in ("local", "docker")]
    engine = scene.start_engine()
    scene.wait_until_running(*kept, *lost)

    asleep = [psutil.Process(engine.pid), *scene.processes()]
    for process in asleep:
        process.suspend()
        scene.ending.callback(wake, process)
    begun = time.monotonic()
    for process in scene.processes(scene.step(lost[0]).attempt_id):
        process.kill()
    with closing(docker.from_env()) as client:
        client.containers.get(f"ce-{scene.step(lost[1]).attempt_id}").remove(force=True)
    time.sleep(ASLEEP_SECONDS - (time.monotonic() - begun))  # how long it sleeps is what is tried here
    for process in asleep:
        wake(process)

    scene.wait_until_ended(*kept, *lost)
    assert [scene.attempts(job) for job in kept] == [[None], [None]]
    assert [scene.attempts(job) for job in lost] == [[Reason.LOST, None], [Reason.LOST, None]]
    assert {scene.starts(job) for job in kept + lost} == {1}


def test_engine_that_sleeps_longer_than_its_lease_leaves_its_steps_to_another(scene: Scene) -> None:
    jobs = [scene.submit(executor, 9, "taken over") for executor in ("local", "docker")]
    sleeper = scene.start_engine()
    scene.wait_until_running(*jobs)
    before = {job: scene.step(job).lease_owner for job in jobs}

    sleeper.send_signal(signal.SIGSTOP)
    scene.start_engine()
    wait_for(lambda: all(scene.step(job).lease_owner != before[job] for job in jobs))
    sleeper.send_signal(signal.SIGCONT)

    scene.wait_until_ended(*jobs)
    assert [scene.attempts(job) for job in jobs] == [[None], [None]]
    assert {scene.starts(job) for job in jobs} == {1}


def test_engine_that_comes_back_under_another_name_finds_its_containers(scene: Scene) -> None:
    if os.geteuid() != 0:
        pytest.skip("it gives an engine another host name: be root")
    in_container, local = scene.submit("docker", 8, "found again"), scene.submit("local", 2, "given up")
    first = scene.start_engine("first")
    scene.wait_until_running(in_container, local)
    first.kill()

    scene.start_engine("second", gone_places=["first"])

    scene.wait_until_ended(in_container, local)
    assert scene.attempts(in_container) == [None]
    assert scene.starts(in_container) == 1
    assert scene.attempts(local) == [Reason.LOST, None]
    with closing(docker.from_env()) as client:
        assert scene.step(in_container).host == f"docker-{client.info()['ID']}"
    assert scene.step(local).host == "second"


@pytest.fixture
def own_docker() -> Iterator[OwnDocker]:
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("it starts a Docker engine of its own: be root, and have dockerd")
    build_probe()
    with TemporaryDirectory(prefix="ce-") as folder, closing(OwnDocker(Path(folder) / "docker")) as made:
        made.load(PROBE_IMAGE)
        yield made


@pytest.mark.timeout(240)
def test_step_of_a_docker_engine_that_was_replaced_is_begun_once_more_and_found_in_the_new_one(
    scene: Scene, own_docker: OwnDocker
) -> None:
    here: dict[str, Any] = {"attempts": 3, "executors": {"docker": {"host": own_docker.host, "build_missing": False}}}
    job = scene.submit("docker", 15, "lost")
    first = scene.start_engine(**here)
    scene.wait_until_running(job)
    places = [scene.step(job).host]

    own_docker.replace()
    wait_for(lambda: scene.step(job).attempt == 2)
    scene.wait_until_running(job)
    places.append(scene.step(job).host)

    first.kill()
    second = scene.start_engine(**here)
    wait_for(lambda: "step_attached" in scene.log.read_text())

    second.kill()
    own_docker.replace()
    scene.start_engine(**here)
    scene.wait_until_ended(job)
    places.append(scene.step(job).host)

    assert len(set(places)) == 3
    assert scene.attempts(job) == [Reason.LOST, Reason.LOST, None]
    _, lost, _ = scene.parts.database.steps.attempts(scene.step(job).id)
    assert lost.message == f"it was begun on {places[1]}, in whose stead there is {places[2]} now"
    assert scene.starts(job) == 1
    wait_for(lambda: not own_docker.objects())
