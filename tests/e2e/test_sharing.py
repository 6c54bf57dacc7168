"""Jobs that share a machine, by the command line against a real server: room, priorities, retries, limits, failures."""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calculation_engine.cli.main import run_command
from calculation_engine.client import Client, Job
from calculation_engine.schemas.job import AttemptView
from calculation_engine.states import Reason, State
from tests.e2e.cli_place import Place, read_document, running
from tests.e2e.test_cli import wait_until

LIMIT_SECONDS = 60.0
PROGRAMS = Path(__file__).parents[1] / "programs"
ANNE, BOB = "token-of-anne-0123456789", "token-of-bob-0123456789"
#: What the engine may give to steps.
ROOM = {"CE_CPUS": "2", "CE_MEMORY": "1GiB"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("sharing")
    (folder / "tokens").write_text(f"anne: {ANNE}\nbob: {BOB}\n")
    settings = {
        "CE_MODULE_PATH": str(PROGRAMS),
        "CE_DATA_DIR": str(folder / "data"),
        "CE_TOKENS_FILE": str(folder / "tokens"),
        "CE_PRIORITY_OWNERS": "anne",
    }
    with running("serve", "--port", "0", "--json", folder=folder, **settings, **ROOM) as process:
        yield Place(folder, read_document(process)["server"])


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with Client(place.url, ANNE) as client:
        yield client


@pytest.fixture(autouse=True)
def _on_the_server(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CE_") and not name.startswith("CE_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CE_SERVER", place.url)
    monkeypatch.setenv("CE_TOKEN", ANNE)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def held(client: Client) -> Iterator[Callable[..., Job]]:
    """Return a function that starts a job which holds cores and memory until the test ends."""
    jobs: list[Job] = []

    def hold(**resources: Any) -> Job:
        job = client.submit(one("probe", {"sleep": 600, "note": f"hold {len(jobs)}"}, resources=resources))
        jobs.append(job)
        wait_until(lambda: job.refresh().state is State.RUNNING)
        return job

    yield hold
    for job in jobs:
        if not job.refresh().ended:
            job.cancel().wait(LIMIT_SECONDS)


def one(module: str, config: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the document of a job of one process."""
    return {"processes": [{"name": "only", "module": module, "config": dict(config), **more}]}


def ended(job: Job) -> Job:
    assert job.wait(LIMIT_SECONDS).ended
    return job


def seconds_between(attempts: list[AttemptView]) -> list[float]:
    """Return how long it was from the end of each attempt to the beginning of the next."""
    times = [(datetime.fromisoformat(one.begun), datetime.fromisoformat(one.ended or "")) for one in attempts]
    return [(begun - end).total_seconds() for (_, end), (begun, _) in itertools.pairwise(times)]


def test_step_without_room_says_what_it_waits_for_and_runs_when_there_is(
    client: Client, held: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    holder = held(cpu=1.5, memory="768MiB")
    wide = client.submit(one("probe", {"note": "wide"}, resources={"cpu": 1, "memory": "128MiB"}))
    large = client.submit(one("probe", {"note": "large"}, resources={"cpu": 0.5, "memory": "512MiB"}))

    for job, told in (
        (wide, "waits for cores: it asks for 1, and 0.5 of the 2 of engine "),
        (large, "waits for memory: it asks for 512 MiB, and 256 MiB of the 1 GiB of engine "),
    ):
        assert run_command(["job", "why", job.id]) == 0
        assert told in capsys.readouterr().out

    holder.cancel()
    assert [ended(job).state for job in (wide, large)] == [State.SUCCEEDED] * 2


def test_process_that_asks_for_more_than_the_machine_has_is_refused(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "job.json").write_text(json.dumps(one("probe", {}, resources={"cpu": 3, "memory": "2GiB"})))

    assert run_command(["run", "job.json"]) == 1

    told = capsys.readouterr().err
    assert "processes[0].resources.cpu" in told
    assert "processes[0].resources.memory" in told


def test_larger_priority_goes_first_and_is_for_its_owners_only(
    place: Place, client: Client, held: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    refused = httpx2.put(
        f"{place.url}/api/job", json={"module": "probe", "priority": 1}, headers={"Authorization": f"Bearer {BOB}"}
    )
    assert (refused.status_code, refused.json()["detail"][:33]) == (403, "priority: bob may use -10 to 0, g")
    assert run_command(["run", "--module", "probe", "--priority", "1", "--token", BOB]) == 1
    assert "ask the administrator to add the owner to the setting priority_owners" in capsys.readouterr().err

    holder = held(cpu=2)
    whole = {"cpu": 2}
    later = client.submit(one("probe", {"note": "later", "sleep": 0.1}, resources=whole))
    first = client.submit(one("probe", {"note": "first", "sleep": 0.1}, resources=whole), priority=5)
    holder.cancel()

    assert (ended(first).view.steps[0].ended or "") <= (ended(later).view.steps[0].started or "")


def test_attempt_that_ran_out_of_memory_is_tried_again_with_more_after_longer_and_longer_waits(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    retry = {"attempts": 20, "wait": 0.3, "memory_limit": "256MiB", "memory_growth": 2}
    config = {"base": 1, "parts": [], "wait": 0.3}
    job = client.submit(one("sum", config, resources={"memory": "2MiB"}, retry=retry))

    assert ended(job).state is State.SUCCEEDED, job.message
    attempts = job.attempts()
    *failed, last = attempts
    assert len(failed) >= 2
    assert [one.reason for one in failed] == [Reason.OUT_OF_MEMORY] * len(failed)
    limits = [f"{2 << (20 + number):,} are allowed" for number in range(len(failed))]
    assert all(limit in one.message for limit, one in zip(limits, failed, strict=True))
    assert (last.state, last.number) == (State.SUCCEEDED, len(attempts))
    waits = seconds_between(attempts)
    assert all(wait >= 0.3 * 2**number for number, wait in enumerate(waits)), waits
    assert run_command(["job", "show", job.id]) == 0
    assert capsys.readouterr().out.count("out_of_memory") == len(failed)


@pytest.mark.parametrize(("policy", "other"), [("finish", State.SUCCEEDED), ("stop", State.CANCELLED)])
def test_time_limit_of_one_process_fails_its_group_which_finishes_or_stops(
    tmp_path: Path, client: Client, policy: str, other: State
) -> None:
    sleeps = {"limited": 600, "beside": 4 if policy == "finish" else 600}
    processes = [
        {"name": name, "module": "probe", "config": {"sleep": sleep, "note": policy}, "resources": {"cpu": 0.5}}
        for name, sleep in sleeps.items()
    ]
    processes[0]["resources"] |= {"time_limit": "1s"}  # type: ignore[operator]
    group = {"type": "group", "name": "both", "group": ["limited", "beside"], "on_failure": policy}
    name = f"limited, {policy}"
    (tmp_path / "job.json").write_text(json.dumps({"name": name, "processes": processes, "components": [group]}))

    assert run_command(["run", "job.json"]) == 1

    [job] = client.jobs(name=name)
    steps = {step.path: step for step in job.steps}
    assert (job.state, job.reason) == (State.FAILED, Reason.TIME_LIMIT)
    assert (steps["limited"].reason, steps["beside"].state) == (Reason.TIME_LIMIT, other)
    assert "1 s are allowed; raise resources.time_limit" in steps["limited"].message
    assert policy == "finish" or steps["beside"].message == "limited failed, and its group both stops then"
