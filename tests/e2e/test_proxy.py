"""``COMPOSE_PROFILES=proxy``: the engine works through the socket proxy, and gets nothing else of the host's Docker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from calculation_engine.client import Client
from calculation_engine.states import Reason, State
from tests.e2e.stack import Stack, make_modules, stack

pytestmark = [pytest.mark.needs("compose"), pytest.mark.timeout(300)]

TABLE_INPUT = {"table": {"type": "inline", "text": "REGION,VALUE\nnorth,1\nsouth,2\n"}}
#: Sends requests from where the engine is, through the socket that it has: one a line.
ASK = """
import http.client, json, socket, sys
for line in sys.stdin:
    method, path, body = json.loads(line)
    connection = http.client.HTTPConnection("docker", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/run/engine/docker.sock")
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    print(json.dumps([answer.status, answer.read(20000).decode(errors="replace")]), flush=True)
"""
ATTEMPT = "proxy-test-1"
NAME = f"ce-{ATTEMPT}"
LABELS = {"calculation-engine.attempt": ATTEMPT, "calculation-engine.instance": "test"}
#: What the engine creates for a step, as the Docker SDK words it.
CREATE: dict[str, Any] = {
    "Image": "calculation-engine/eos_demo:1.0.0",
    "User": "65534:65534",
    "Cmd": ["true"],
    "Entrypoint": ["/bin/sh", "-c", "exit 0"],
    "Labels": LABELS,
    "HostConfig": {
        "NetworkMode": "none",
        "IpcMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Memory": 1 << 26,
        "MemorySwap": 1 << 26,
        "NanoCpus": 1000000000,
        "PidsLimit": 10,
        "Ulimits": [{"Name": "fsize", "Soft": 1 << 26, "Hard": 1 << 26}],
        "Init": True,
        "Tmpfs": {"/tmp": "size=1048576"},
        "LogConfig": {"Type": "local", "Config": {}},
        "Mounts": [
            {
                "Target": "/ce",
                "Source": NAME,
                "Type": "volume",
                "ReadOnly": False,
                "VolumeOptions": {"NoCopy": True, "Labels": LABELS},
            }
        ],
    },
}
BIND = {"type": "none", "device": "/", "o": "bind"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("proxy")
    with stack(folder, "proxy", "BUILD_IMAGES=no") as made:
        make_modules(folder)
        made.compose("up", "--detach", "--wait", "--wait-timeout", "120", "ce")
        yield made
        for name in ("eos_demo", "slow_demo"):
            remove = ["docker", "image", "rm", "--force", f"calculation-engine/{name}:1.0.0"]
            subprocess.run(remove, capture_output=True, check=False)


Ask = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def ask(running: Stack) -> Iterator[Ask]:
    """Send a request through the proxy, and return status and body of its answer."""
    with running.talk("ce", "python", "-c", ASK) as talking:
        to_proxy, from_proxy = talking.stdin, talking.stdout
        assert to_proxy is not None
        assert from_proxy is not None

        def asked(method: str, path: str, body: Any = None) -> tuple[int, str]:
            sent = None if body is None else json.dumps(body)
            print(json.dumps([method, f"/v1.45{path}", sent]), file=to_proxy, flush=True)
            status, answer = json.loads(from_proxy.readline())
            return status, answer

        yield asked
        to_proxy.close()


@pytest.fixture(scope="module")
def client(running: Stack) -> Iterator[Client]:
    with Client(running.url) as client:
        yield client


@pytest.fixture(scope="module")
def job_state(client: Client) -> State:
    job = client.submit({"module": "eos_demo", "config": {"factor": 3}, "inputs": TABLE_INPUT}).wait(200)
    assert job.state is State.SUCCEEDED, job.message
    assert job.results["totals"]["sum"] == pytest.approx(9)
    assert "2 rows, their sum is 9" in job.log()
    return job.state


def test_engine_has_no_socket_but_the_proxys_and_the_proxy_no_network(running: Stack) -> None:
    assert running.inside("ce", "ls", "/var/run/docker.sock", user="root").returncode != 0
    names = running.inside("proxy", "ls", "/sys/class/net", user="root").stdout.split()
    assert set(names) <= {"lo", "tunl0", "ip6tnl0", "sit0", "gre0"}
    status = running.inside("proxy", "sh", "-c", "cat /proc/[0-9]*/status", user="root").stdout
    assert "Uid:\t65534\t65534" in status


def test_job_runs_through_the_proxy_and_leaves_nothing(running: Stack, ask: Ask, job_state: State) -> None:
    assert job_state is State.SUCCEEDED
    filters = quote(json.dumps({"label": ["calculation-engine.attempt"]}))
    status, listed = ask("GET", f"/containers/json?all=1&filters={filters}")
    assert status == 200
    assert isinstance(json.loads(listed), list)
    assert "refused" not in running.logs("proxy")


def test_container_as_the_engine_asks_for_it_is_created_and_removed(ask: Ask, job_state: State) -> None:
    assert ask("POST", f"/containers/create?name={NAME}", CREATE)[0] == 201
    assert ask("GET", f"/containers/{NAME}/json")[0] == 200
    assert ask("DELETE", f"/containers/{NAME}?v=True&link=False&force=True")[0] == 204
    assert ask("DELETE", f"/volumes/{NAME}")[0] == 204


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return what the engine creates with one field set, by its path; None: taken out."""
    document = deepcopy(CREATE)
    *parents, last = path.split(".")
    place: Any = document
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


FORBIDDEN = [
    ("HostConfig.Privileged", True, "privileged mode"),
    ("HostConfig.privileged", True, "privileged"),
    ("HostConfig.Binds", ["/:/host"], "host binds"),
    ("HostConfig.Mounts.0.Type", "bind", "mounts but the step's own volume"),
    ("HostConfig.Mounts.0.Source", "ce-another", "mounts but the step's own volume"),
    ("HostConfig.Mounts.0.VolumeOptions.DriverConfig", {"Name": "local", "Options": BIND}, "mounts but the step's"),
    ("HostConfig.Mounts.0.VolumeOptions.Subpath", "../..", "mounts but the step's own volume"),
    ("HostConfig.VolumesFrom", ["db"], "volumes of other containers"),
    ("HostConfig.CapAdd", ["SYS_ADMIN"], "added capabilities"),
    ("HostConfig.CapDrop", None, "CapDrop must be there"),
    ("HostConfig.capdrop", ["NET_RAW"], "never asks for"),
    ("HostConfig.Devices", [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}], "devices"),
    ("HostConfig.DeviceCgroupRules", ["a *:* rwm"], "devices"),
    ("HostConfig.DeviceRequests", [{"Count": -1, "Capabilities": [["gpu"]]}], "graphics processors"),
    ("HostConfig.NetworkMode", "host", "a network, or the host's"),
    ("HostConfig.NetworkMode", "bridge", "a network, or the host's"),
    ("HostConfig.NetworkMode", None, "NetworkMode must be there"),
    ("HostConfig.PidMode", "host", "host's processes"),
    ("HostConfig.IpcMode", "host", "host's memory"),
    ("HostConfig.UTSMode", "host", "host's name"),
    ("HostConfig.UsernsMode", "host", "host's users"),
    ("HostConfig.CgroupnsMode", "host", "host's control groups"),
    ("HostConfig.CgroupParent", "/", "another control group"),
    ("HostConfig.Sysctls", {"kernel.msgmax": "1"}, "kernel settings"),
    ("HostConfig.SecurityOpt", ["no-new-privileges", "apparmor=unconfined"], "other security options"),
    ("HostConfig.ReadonlyRootfs", None, "ReadonlyRootfs must be there"),
    ("HostConfig.PidsLimit", -1, "PidsLimit"),
    ("HostConfig.Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 1 << 20}], "Ulimits"),
    ("HostConfig.Ulimits", None, "Ulimits must be there"),
    ("HostConfig.Runtime", "other", "Runtime"),
    ("HostConfig.PortBindings", {"80/tcp": [{"HostPort": "80"}]}, "published ports"),
    ("HostConfig.RestartPolicy", {"Name": "always"}, "RestartPolicy"),
    ("NetworkingConfig", {"EndpointsConfig": {"host": {}}}, "NetworkingConfig"),
    ("User", "0:0", "User"),
    ("User", None, "User must be there"),
    ("Labels", {}, "Labels must be there"),
    ("Image", "mariadb:10.11", "is no module's"),
    ("Image", "a/../../containers/db", "Image"),
    ("Volumes", {"/host": {}}, "Volumes"),
]


@pytest.mark.parametrize(
    ("path", "value", "why"), FORBIDDEN, ids=[f"{path}={value}"[:60] for path, value, _ in FORBIDDEN]
)
def test_container_with_more_than_a_step_needs_is_refused(
    ask: Ask, job_state: State, path: str, value: Any, why: str
) -> None:
    status, answer = ask("POST", f"/containers/create?name={NAME}", changed(path, value))
    assert status == 403, answer
    assert "refused by the socket proxy" in json.loads(answer)["message"]
    assert why in json.loads(answer)["message"]
    assert ask("GET", f"/containers/{NAME}/json")[0] == 404


def build(**parameters: str) -> str:
    asked = {"t": "calculation-engine/own:1", "labels": '{"calculation-engine.content-hash": "a"}'} | parameters
    return "/build?" + "&".join(f"{key}={quote(value)}" for key, value in asked.items())


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("POST", "/containers/STACK/exec", "no call that the engine makes"),
        ("POST", "/exec/abc/start", "no call that the engine makes"),
        ("POST", "/containers/STACK/attach", "no call that the engine makes"),
        ("POST", "/containers/STACK/update", "no call that the engine makes"),
        ("POST", "/containers/STACK/kill", "is not the engine's"),
        ("GET", "/containers/STACK/json", "is not the engine's"),
        ("GET", "/containers/STACK/archive?path=/secrets", "is not the engine's"),
        ("DELETE", "/containers/STACK?force=1", "is not the engine's"),
        ("GET", f"/containers/{NAME}/../db/json", "no call that the engine makes"),
        ("GET", f"/containers/{NAME}%2f..%2fdb/json", "no call that the engine makes"),
        ("GET", "/containers/json?all=1", "not the engine's"),
        ("GET", '/containers/json?all=1&filters={"status":["running"]}', "not the engine's"),
        ("GET", '/containers/json?all=1&filters={"label":{"calculation-engine.attempt":true}}', "not the engine's"),
        ("GET", "/volumes", "not the engine's"),
        ("GET", "/system/df", "sizes of anything but volumes"),
        ("GET", "/system/df?type=container&type=volume", "sizes of anything but volumes"),
        ("DELETE", "/images/a/../../volumes/STACK_secrets", "no call that the engine makes"),
        ("GET", "/images/a/../../containers/STACK_db/json", "no call that the engine makes"),
        ("GET", "//images/a/json", "no call that the engine makes"),
        ("POST", "/volumes/create", "no call that the engine makes"),
        ("DELETE", "/volumes/STACK_secrets", "no call that the engine makes"),
        ("GET", "/images/json", "no call that the engine makes"),
        ("GET", "/images/mariadb:10.11/json", "is no module's"),
        ("DELETE", "/images/mariadb:10.11", "is no module's"),
        ("DELETE", "/images/calculation-engine/eos_demo:1.0.0", "has a name, and stays"),
        ("DELETE", "/images/calculation-engine/eos_demo:1.0.0?force=1", "never uses the parameter force"),
        ("POST", "/images/load", "no call that the engine makes"),
        ("POST", "/images/calculation-engine/eos_demo:1.0.0/tag?repo=mariadb&tag=10.11", "no call"),
        ("POST", "/images/create?fromImage=calculation-engine/x&tag=1", "pull is not allowed here"),
        ("POST", build(t="mariadb:10.11"), "names of modules' images"),
        ("POST", build(t="calculation-engine/proxy:0.1.0"), "names of modules' images"),
        ("POST", build(labels="{}"), "without the label"),
        ("POST", build(networkmode="host"), "networkmode"),
        ("POST", build(version="2"), "version"),
        ("POST", build(remote="https://example.org/x.git"), "remote"),
        ("GET", "/networks", "no call that the engine makes"),
        ("POST", "/networks/create", "no call that the engine makes"),
        ("POST", "/swarm/init", "no call that the engine makes"),
        ("GET", "/secrets", "no call that the engine makes"),
        ("POST", "/plugins/pull", "no call that the engine makes"),
        ("GET", "/events", "no call that the engine makes"),
        ("POST", "/session", "no call that the engine makes"),
        ("POST", "/containers/prune", "no call that the engine makes"),
    ],
)
def test_call_that_the_engine_does_not_make_is_refused(
    running: Stack, ask: Ask, job_state: State, method: str, path: str, why: str
) -> None:
    status, answer = ask(method, path.replace("STACK", f"{running.name}-db-1" if "_" not in path else running.name))
    assert status == 403, answer
    assert why in json.loads(answer)["message"]


def test_container_and_volume_that_only_bear_such_a_name_are_left_alone(ask: Ask, job_state: State) -> None:
    name = "ce-of-somebody-else"
    docker = ["docker", "create", "--name", name, "--label", "a=b", "calculation-engine/eos_demo:1.0.0", "true"]
    subprocess.run(docker, check=True, capture_output=True)
    subprocess.run(["docker", "volume", "create", name], check=True, capture_output=True)
    try:
        for method, path in (
            ("GET", f"/containers/{name}/json"),
            ("PUT", f"/containers/{name}/archive?path=/"),
            ("POST", f"/containers/{name}/start"),
            ("DELETE", f"/containers/{name}?force=1"),
            ("DELETE", f"/volumes/{name}"),
        ):
            status, answer = ask(method, path)
            assert status == 403, answer
            assert "is not the engine's" in json.loads(answer)["message"]
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)
        subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)


def test_running_job_is_found_again_and_cancelled_through_the_proxy(running: Stack, client: Client) -> None:
    job = client.submit({"module": "slow_demo", "config": {"factor": 300}, "inputs": TABLE_INPUT})
    while job.refresh().state is State.QUEUED:
        pass
    running.compose("restart", "ce")
    running.compose("up", "--detach", "--wait", "ce")
    job.cancel()
    assert job.wait(60).state is State.CANCELLED
    assert [step.attempt for step in job.steps] == [1]
    assert job.steps[0].id not in running.logs("proxy")  # of what it does not refuse it says nothing


def test_administrator_says_what_else_is_allowed(running: Stack, client: Client) -> None:
    settings = running.folder / "env"
    settings.write_text(settings.read_text() + "PROXY_ALLOWS=\n")
    running.compose("up", "--detach", "--wait", "proxy")
    job = client.submit({"module": "user_demo", "config": {"factor": 3}, "inputs": TABLE_INPUT}).wait(60)
    assert (job.state, job.steps[0].reason) == (State.FAILED, Reason.IMAGE_MISSING)
    assert "refused by the socket proxy: build is not allowed here; PROXY_ALLOWS=build does" in job.steps[0].message
    assert "build is not allowed here" in running.logs("proxy")
