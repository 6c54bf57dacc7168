"""An engine that is killed at any instant loses nothing, and nothing runs twice."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import docker
import psutil
import pytest

from calculation_engine.engine.steps.paths import step_log
from calculation_engine.schemas.job import JobRequest
from calculation_engine.states import ENDED, State
from tests.integration.conftest import engine_process, make_parts, wait_for

JOBS = 50
KILLS = 8


def containers() -> set[str]:
    client = docker.from_env()
    listed = client.api.containers(all=True, filters={"label": "calculation-engine.attempt"})
    found = {name for item in listed for name in item["Names"]}
    client.close()
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("executor", ["local", pytest.param("docker", marks=pytest.mark.needs("docker"))])
def test_all_jobs_end_and_no_step_runs_twice_when_the_engine_is_killed_again_and_again(
    tmp_path: Path, executor: str
) -> None:
    chance = random.Random()
    data_dir = tmp_path / "data"
    parts = make_parts(data_dir)
    submission = parts.context(lambda: None).submission
    jobs = []
    for number in range(JOBS):
        config = {"sleep": round(chance.uniform(0, 1.5), 2), "note": str(number)}
        body = {"module": "probe", "config": config, "executor": executor}
        jobs.append(submission.submit(JobRequest.model_validate(body), "local")[0].id)

    log = tmp_path / "engine.log"
    for _ in range(KILLS):
        with engine_process(data_dir, log) as process:
            time.sleep(chance.uniform(0.8, 3.0))  # the instant of the kill is what is tried here
            process.send_signal(signal.SIGKILL)
    with engine_process(data_dir, log) as process:
        limit = time.monotonic() + 400
        while any(parts.database.jobs.get(job).state not in ENDED for job in jobs):
            assert time.monotonic() < limit, log.read_text()[-4000:]
            assert process.poll() is None, log.read_text()[-4000:]
            time.sleep(0.2)
        process.terminate()
        process.wait(60)

    states = [parts.database.jobs.get(job) for job in jobs]
    assert {job.state for job in states} == {State.SUCCEEDED}, [
        job.message for job in states if job.message != "as told"
    ]
    steps = [parts.database.steps.of_job(job)[0] for job in jobs]
    assert {step.attempt for step in steps} == {1}
    logs = [step_log(data_dir, step.id).read_text() for step in steps]
    assert {text.count("start") for text in logs} == {1}
    assert {text.count("end") for text in logs} == {1}
    assert list((data_dir / "work").iterdir()) == []
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if str(data_dir) in command] == []
    if executor == "docker":
        assert [name for name in containers() if any(step.id in name for step in steps)] == []
    parts.close()


def test_sweep_goes_on_after_its_engine_was_killed_and_computes_no_row_twice(tmp_path: Path) -> None:
    data_dir, log, rows = tmp_path / "data", tmp_path / "engine.log", 30
    parts = make_parts(data_dir)
    process = {"name": "probe", "module": "probe", "config": {"note": "0", "sleep": 0.05}}
    design = {"type": "grid", "columns": {"probe.config.note": [str(number) for number in range(rows)]}}
    sweep = {"type": "sweep", "name": "scan", "component": "probe", "design": design}
    body = JobRequest.model_validate({"processes": [process], "components": [sweep]})
    job_id = parts.context(lambda: None).submission.submit(body, "local")[0].id

    def ended() -> int:
        return len(parts.database.sweeps.ends(job_id))

    with engine_process(data_dir, log) as process_:
        wait_for(lambda: ended() >= rows // 3)
        process_.send_signal(signal.SIGKILL)
        process_.wait()
    at_kill = ended()
    with engine_process(data_dir, log) as process_:
        wait_for(lambda: parts.database.jobs.get(job_id).state in ENDED, 100)
        process_.terminate()
        process_.wait(60)

    assert rows // 3 <= at_kill < rows
    assert parts.database.jobs.get(job_id).state is State.SUCCEEDED
    steps = [step for step in parts.database.steps.of_job(job_id) if step.path != "scan"]
    assert sorted(int(step.path.split("/")[1]) for step in steps) == list(range(1, rows + 1))
    assert {(step.state, step.attempt) for step in steps} == {(State.SUCCEEDED, 1)}
    assert {step_log(data_dir, step.id).read_text().count("start") for step in steps} == {1}
    parts.close()
