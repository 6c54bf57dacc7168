"""What a step in a container tries to reach, take or break, and does not.

Where it can be done without harm, the same program does it in a container that is let: there it must succeed, so that
what is refused to a step is refused to the step, and not out of reach for everybody.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import docker
import pytest

from calculation_engine.client import Client, Job
from calculation_engine.states import Reason, State
from tests.integration.conftest import PROGRAMS
from tests.integration.place import Place, until

MEBIBYTE = 1 << 20
SECRET = f"secret{uuid4().hex}"
IMAGE = "calculation-engine/intruder:1.0.0"
SOCKET = "/var/run/docker.sock"
NO_WAY = "OSError: Network is unreachable"
NO_NAME = "gaierror: Temporary failure in name resolution"
#: What each attempt must come to in a step.
REFUSED = {
    "host": NO_WAY,
    "host by name": NO_NAME,
    "database": NO_WAY,
    "database by name": NO_NAME,
    "API": NO_WAY,
    "API by name": NO_NAME,
    "socket": "no socket of 0",
    "other job": "no table.csv below ",
    "other job by process": "no table.csv below ",
}

pytestmark = pytest.mark.needs("docker")


@dataclass(frozen=True)
class Scene:
    """A system that others can reach, with its database in a container, and another's job in it."""

    place: Place
    findings: dict[str, str]  #: what came of each attempt in a step
    freely: dict[str, str]  #: and in a container that is let

    def overstep(self, way: list[str], **resources: Any) -> Job:
        """Run an intruder that goes on until it is ended."""
        attempts = {"attempts": {"it": way}}
        return self.place.run("intruder", executor="docker", config=attempts, resources=resources)


def attempts_on(gateway: str, database: str, api_port: int, host_port: int) -> dict[str, list[Any]]:
    """Return what an intruder tries that harms nothing."""
    return {
        "host": ["connect", gateway, host_port],
        "host by name": ["connect", "host.docker.internal", host_port],
        "database": ["connect", database, 3306],
        "database by name": ["connect", "db", 3306],
        "API": ["connect", gateway, api_port],
        "API by name": ["connect", "ce", api_port],
        "metadata": ["connect", "169.254.169.254", 80],
        "socket": ["call_sockets"],
        "other job": ["find", "table.csv", f"{docker_root()}/volumes".lstrip("/"), "ce", "var", "tmp"],
        "other job by process": ["find", "table.csv", "proc/[0-9]*/root/ce"],
        "outside": ["write_everywhere"],
        "rights": ["gain_rights"],
        "interfaces": ["interfaces"],
    }


def try_in_step(place: Place, attempts: dict[str, list[Any]], **resources: Any) -> dict[str, str]:
    """Return what comes of attempts in a step."""
    job = place.run("intruder", executor="docker", config={"attempts": attempts}, resources=resources)
    assert job.state is State.SUCCEEDED, job.message
    found: dict[str, str] = json.loads(job.results.read("intruder/output/findings.json"))
    return found


def try_freely(folder: Path, network: str, attempts: dict[str, list[Any]]) -> dict[str, str]:
    """Return what comes of attempts in a container with the network, Docker's socket and all volumes, as root."""
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
    (folder / "input" / "config.yaml").write_text(json.dumps({"attempts": attempts}))
    volumes = f"{docker_root()}/volumes"
    words = ["docker", "run", "--rm", "--user=0", "--privileged", "--pid=host", f"--network={network}"]
    words += ["--add-host=ce:host-gateway", "--add-host=host.docker.internal:host-gateway", "--workdir=/job"]
    words += [f"--volume={SOCKET}:{SOCKET}", f"--volume={volumes}:{volumes}:ro", f"--volume={folder}:/job"]
    subprocess.run([*words, IMAGE, "python", "/opt/images/intruder/run.py"], check=True, timeout=60)
    found: dict[str, str] = json.loads((folder / "output" / "findings.json").read_text())
    return found


def docker_root() -> str:
    with closing(docker.APIClient(version="auto")) as api:
        return str(api.info()["DockerRootDir"])


@contextmanager
def database(name: str, network: str) -> Iterator[str]:
    """Yield the address of a MariaDB in a container that is called ``db`` in a network."""
    client = docker.from_env()
    words = {"DATABASE": "ce", "USER": "ce", "PASSWORD": "ce", "ROOT_PASSWORD": secrets.token_hex(8)}
    container = client.containers.run(
        "mariadb:10.11",
        name=name,
        detach=True,
        environment={f"MARIADB_{word}": value for word, value in words.items()},
        tmpfs={"/var/lib/mysql": ""},
        networking_config={network: client.api.create_endpoint_config(aliases=["db"])},
        network=network,
    )
    try:
        until(lambda: container.exec_run(["healthcheck.sh", "--connect"]).exit_code == 0, 60)
        container.reload()
        yield container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
    finally:
        container.remove(force=True, v=True)
        client.close()


@contextmanager
def server(folder: Path, database_address: str) -> Iterator[tuple[Client, int]]:
    """Yield a client of a server that every address of this machine leads to, and its port."""
    token = secrets.token_urlsafe(32)
    (folder / "tokens").write_text(f"local:{token}\n")
    settings = {
        "host": "0.0.0.0", "port": 0, "data_dir": str(folder / "data"), "module_path": [str(PROGRAMS)],
        "database": f"mysql+pymysql://ce:ce@{database_address}/ce", "tokens_file": str(folder / "tokens"),
        "executor": "docker", "job_executors": ["docker"], "steps_at_once": 4, "log_level": "error",
    }  # fmt: skip
    (folder / "settings.toml").write_text(
        "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    )
    words = [sys.executable, "-m", "calculation_engine", "serve", "--json"]
    environment = {"CE_SETTINGS": str(folder / "settings.toml"), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = "".join(iter(process.stdout.readline, "}\n")) + "}"
            port = int(json.loads(told)["server"].rpartition(":")[2])
            with Client(f"http://127.0.0.1:{port}", token) as client:
                yield client, port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("containment")
    name = f"ce-test-{uuid4().hex[:12]}"
    client = docker.from_env()
    with ExitStack() as ending:
        ending.callback(client.close)
        network = client.networks.create(name)
        ending.callback(network.remove)
        address = ending.enter_context(database(name, name))
        connected, port = ending.enter_context(server(folder, address))
        listener = ending.enter_context(socket.create_server(("0.0.0.0", 0)))
        place = Place(connected, folder / "data")
        inputs = {"table": f"VALUE,secret\n1,{SECRET}\n"}
        victim = place.submit("probe", executor="docker", config={"sleep": 600}, inputs=inputs)
        until(lambda: "50%" in victim.log())
        network.reload()
        gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
        attempts = attempts_on(gateway, address, port, listener.getsockname()[1])
        findings = try_in_step(place, attempts)
        yield Scene(place, findings, try_freely(folder / "freely", name, attempts))
        assert victim.refresh().state is State.RUNNING
        victim.cancel().wait(30)
        until(lambda: place.everything() == [])


@pytest.mark.parametrize("what", REFUSED)
def test_step_does_not_reach(scene: Scene, what: str) -> None:
    assert scene.freely[what].startswith("reached")
    assert scene.findings[what].startswith(REFUSED[what])
    assert SECRET not in scene.findings[what]


def test_step_does_not_reach_the_metadata_of_its_machine(scene: Scene) -> None:
    assert scene.findings["metadata"] == NO_WAY


def test_step_has_no_way_to_a_network(scene: Scene) -> None:
    assert "eth0" in scene.freely["interfaces"]
    assert scene.findings["interfaces"] == "lo"


def test_step_writes_nowhere_but_in_its_own_folders(scene: Scene) -> None:
    freely, found = (set(each["outside"].split()[1:]) for each in (scene.freely, scene.findings))
    assert {"/", "/etc", "/opt/images/intruder", "/proc/sys/kernel/domainname"} <= freely
    assert {path for path in found if not path.startswith("/ce/")} == {"/dev/shm", "/tmp"}


def test_step_gains_no_rights(scene: Scene) -> None:
    assert "namespace of mounts" in scene.freely["rights"]
    assert scene.findings["rights"] == "nothing worked"


def test_step_that_starts_ten_thousand_processes_has_as_many_as_its_limit(scene: Scene) -> None:
    found = try_in_step(scene.place, {"fork": ["fork", 10_000]}, pids=50)

    started, _, failure = found["fork"].partition(" of 10000, then: ")
    assert (int(started), failure) == (49, "Resource temporarily unavailable")


@pytest.mark.parametrize("way", [["hoard"], ["fill", "/dev/shm", "named"], ["fill", "/tmp", "unlinked"]])
def test_step_that_takes_all_memory_ends_as_out_of_memory(scene: Scene, way: list[str]) -> None:
    job = scene.overstep(way, memory=48 * MEBIBYTE)

    assert (job.state, job.reason) == (State.FAILED, Reason.OUT_OF_MEMORY), job.message
    assert 40 * MEBIBYTE < (job.steps[0].peak_memory_bytes or 0) <= 48 * MEBIBYTE


@pytest.mark.parametrize("way", [["fill", "output", "named"], ["grow", "output/deleted.bin"], ["print_for_ever"]])
def test_step_that_fills_the_disk_or_its_log_ends_as_disk_limit(scene: Scene, way: list[str]) -> None:
    job = scene.overstep(way, disk=64 * MEBIBYTE, log=4 * MEBIBYTE)

    assert (job.state, job.reason) == (State.FAILED, Reason.DISK_LIMIT), job.message
    assert "MiB; raise resources." in job.message
