"""Profile ``dind``: the engine has a Docker of its own, and all that steps make is in it and goes with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from calculation_engine.client import Client
from calculation_engine.client.job import Job
from calculation_engine.states import State
from tests.e2e.stack import Stack, make_slow_module, stack

pytestmark = [pytest.mark.needs("compose"), pytest.mark.timeout(300)]

IMAGE = "calculation-engine/slow_demo:1.0.0"
#: The volumes of a container, those without a name of their own included, one a line.
VOLUMES = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("dind")
    with stack(folder, "dind", "BUILD_IMAGES=no") as made:
        make_slow_module(folder)
        made.compose("up", "--detach", "--wait", "--wait-timeout", "120", "dind")
        made.load("dind", "python:3.12-slim")
        made.compose("up", "--detach", "--wait", "--wait-timeout", "120", "ce")
        yield made


@pytest.fixture
def client(running: Stack) -> Iterator[Client]:
    with Client(running.url) as client:
        yield client


def submit(client: Client, seconds: float) -> Job:
    table = {"type": "inline", "text": "REGION,VALUE\nnorth,1\nsouth,2\n"}
    return client.submit({"module": "slow_demo", "config": {"factor": seconds}, "inputs": {"table": table}})


def host_docker(*words: str) -> list[str]:
    done = subprocess.run(["docker", *words], check=True, capture_output=True, text=True)
    return done.stdout.split()


def inner_docker(running: Stack, *words: str) -> list[str]:
    done = running.inside("dind", "docker", *words, user="root")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_job_through_the_published_port_runs_in_an_image_built_inside(running: Stack, client: Client) -> None:
    before = host_docker("images", "--quiet", "--no-trunc", IMAGE)
    job = submit(client, 1).wait(200)

    assert job.state is State.SUCCEEDED, job.message
    assert job.results["totals"]["sum"] == pytest.approx(3)
    assert "2 rows, their sum is 3" in job.log()
    inside = inner_docker(running, "images", "--quiet", "--no-trunc", IMAGE)
    assert len(inside) == 1
    assert inside[0] in str(job.steps[0].image)
    assert host_docker("images", "--quiet", "--no-trunc", IMAGE) == before


def test_steps_containers_are_inside_and_the_hosts_socket_is_not(running: Stack, client: Client) -> None:
    job = submit(client, 300)
    while job.refresh().state is State.QUEUED:
        pass
    step = job.steps[0]
    label = f"label=calculation-engine.step={step.id}"
    try:
        assert len(inner_docker(running, "ps", "--quiet", "--filter", label)) == 1
        assert host_docker("ps", "--all", "--quiet", "--filter", label) == []
        assert running.inside("ce", "ls", "/var/run/docker.sock", user="root").returncode != 0
    finally:
        job.cancel()
    assert job.wait(60).state is State.CANCELLED


def test_step_that_a_stop_ends_is_begun_once_more_at_the_next_start(running: Stack, client: Client) -> None:
    job = submit(client, 8)
    while job.refresh().state is State.QUEUED:
        pass
    running.compose("stop")
    running.compose("up", "--detach", "--wait", "--wait-timeout", "120", "ce")

    ended = client.job(job.id).wait(100)
    assert ended.state is State.SUCCEEDED, ended.message
    assert [step.attempt for step in ended.steps] == [2]
    [why] = [event.data["message"] for event in ended.events() if event.data.get("lost")]
    assert "its container" in why


def test_nothing_is_left_when_it_is_taken_down(running: Stack) -> None:
    assert inner_docker(running, "ps", "--all", "--quiet") == []
    assert inner_docker(running, "volume", "ls", "--quiet") == []
    containers = running.compose("ps", "--all", "--quiet").stdout.split()
    mounted = {volume for one in containers for volume in host_docker("inspect", "--format", VOLUMES, one)}
    assert {f"{running.name}_{name}" for name in ("data", "db", "dind", "engine", "secrets")} <= mounted

    running.compose("down", "--volumes")

    project = f"label=com.docker.compose.project={running.name}"
    assert host_docker("ps", "--all", "--quiet", "--filter", project) == []
    assert host_docker("network", "ls", "--quiet", "--filter", project) == []
    assert mounted & set(host_docker("volume", "ls", "--quiet")) == set()
