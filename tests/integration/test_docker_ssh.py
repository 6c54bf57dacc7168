"""A Docker engine on another machine, by ssh: steps run there, also when the way breaks in between."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from calculation_engine.errors import ExecutorUnavailable, InvalidInput
from calculation_engine.executors._docker_ssh import Target
from calculation_engine.executors.base import Exit, Task
from calculation_engine.executors.registry import make_executor
from calculation_engine.states import Reason
from tests.contract.executor_bench import Bench, read, until
from tests.faults.servers import free_port
from tests.integration.test_docker_tls import is_open

pytestmark = pytest.mark.usefixtures("unclosed_sockets")


class Server:
    """An ssh server of this test's own, which lets this user in with a key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        for name in ("host", "key", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name], cwd=folder, check=True)
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": folder / "host",
            "AuthorizedKeysFile": folder / "key.pub",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
        }
        (folder / "server").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        known = f"[127.0.0.1]:{self.port} {(folder / 'host.pub').read_text()}"
        (folder / "known_hosts").write_text(known)
        self.config = self.configured("key")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    def configured(self, key: str) -> Path:
        """Write a configuration of ssh that uses a key and knows this server."""
        path = self._folder / f"config-{key}"
        path.write_text(
            f"IdentityFile {self._folder}/{key}\nIdentitiesOnly yes\nUserKnownHostsFile {self._folder}/known_hosts\n"
        )
        return path

    def start(self) -> None:
        words = [str(shutil.which("sshd", path=PATH)), "-D", "-e", "-f", str(self._folder / "server")]
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        until(lambda: is_open(self.port), 10)

    def stop(self) -> None:
        """End it with all connections."""
        if self._process is None or self._process.poll() is not None:
            return
        for process in psutil.Process(self._process.pid).children(recursive=True):
            process.kill()
        self._process.terminate()
        self._process.wait()


PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not shutil.which("sshd", path=PATH) or not shutil.which("ssh"):
        pytest.skip("no sshd and ssh: install openssh-server and openssh-client")
    Path("/run/sshd").mkdir(exist_ok=True)
    made = Server(tmp_path_factory.mktemp("ssh"))
    yield made
    made.stop()


def programs_of(process_id: int) -> list[psutil.Process]:
    return [each for each in psutil.Process(process_id).children() if each.name() == "ssh"]


@pytest.mark.needs("docker")
@pytest.mark.parametrize("way", ["settings", "environment"])
def test_step_runs_on_an_engine_by_ssh(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options = {"ssh_config": str(server.config)}
    if way == "settings":
        options["host"] = f"{server.address}/var/run/docker.sock"
    else:
        monkeypatch.setenv("DOCKER_HOST", server.address)
    bench = Bench("docker", tmp_path, options)

    with closing(bench.executor):
        bench.send_there_and_back()
        held, handle = bench.hold()
        bench.executor.cancel(held, handle)
        assert bench.finish(held, handle).reason is Reason.CANCELLED
        bench.executor.remove(held)
        assert not bench.executor.capabilities.uses_machine
        assert len(programs_of(os.getpid())) == 1
    assert programs_of(os.getpid()) == []


@pytest.mark.needs("docker")
def test_step_goes_on_while_the_way_is_broken_and_its_log_is_whole(server: Server, tmp_path: Path) -> None:
    bench = Bench("docker", tmp_path, {"host": server.address, "ssh_config": str(server.config)})
    with closing(bench.executor):
        bench.executor.prepare(bench.program(), lambda _: None)
        task = bench.task("count", "60", "0.1")
        handle = bench.executor.submit(task)
        until(lambda: read(task.log).count(b"\n") > 3)
        [program] = programs_of(os.getpid())
        program.send_signal(signal.SIGKILL)
        until(lambda: read(task.log).count(b"\n") > 10)
        server.stop()
        until(lambda: re.search("no way to .* by ssh: .*Connection refused", refusal(bench)))
        server.start()
        assert finish(bench, task, handle).exit_code == 0
        assert read(task.log).decode().splitlines() == ["started count", *(f"line {number}" for number in range(60))]
        bench.executor.remove(task)


def refusal(bench: Bench) -> str:
    """Return why the engine is out of reach; "" when it is not."""
    try:
        bench.executor.check()
    except ExecutorUnavailable as error:
        return error.message
    return ""


def finish(bench: Bench, task: Task, handle: str) -> Exit:
    """Wait for the end as the engine does: what cannot be reached now is asked again."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            ended = bench.executor.wait(task, handle, 5)
        except ExecutorUnavailable:
            time.sleep(0.5)
        else:
            if ended:
                return ended
    raise TimeoutError(read(task.log).decode())


def test_server_that_does_not_let_in_is_told_as_ssh_tells_it(server: Server, tmp_path: Path) -> None:
    options = {"host": server.address, "ssh_config": str(server.configured("stranger"))}
    with closing(make_executor("docker", options, tmp_path)) as executor:
        with pytest.raises(ExecutorUnavailable, match=r"no way to .* by ssh: .*Permission denied") as refused:
            executor.check()
        assert f"ssh -p {server.port} {getpass.getuser()}@127.0.0.1 docker version" in str(refused.value.hint)
        with pytest.raises(ExecutorUnavailable, match="Permission denied"):
            executor.check()
        assert programs_of(os.getpid()) == []


def test_machine_without_a_docker_engine_at_the_socket_is_told(server: Server, tmp_path: Path) -> None:
    options = {"host": f"{server.address}/nowhere/docker.sock", "ssh_config": str(server.config)}
    told = pytest.raises(ExecutorUnavailable, match=r"no engine answers at ssh://.*/nowhere/docker\.sock")
    with closing(make_executor("docker", options, tmp_path)) as executor, told:
        executor.check()


HOLD = """
import os, signal, sys
from pathlib import Path
from calculation_engine.executors.base import Exit, Task
from calculation_engine.executors.registry import make_executor
executor = make_executor("docker", {"host": sys.argv[1], "ssh_config": sys.argv[2]}, Path(sys.argv[3]))
executor.check()
print("there", flush=True)
signal.pause()
"""


@pytest.mark.needs("docker")
def test_way_is_shut_when_its_process_is_killed(server: Server, tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD, server.address, str(server.config), str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"there\n"
        [program] = programs_of(holder.pid)
        holder.kill()
        program.wait(20)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("ssh://ada@host", Target("ada@host", None, "/var/run/docker.sock")),
        ("ssh://host:2222", Target("host", 2222, "/var/run/docker.sock")),
        ("ssh://ada@[::1]:22/run/user/1000/docker.sock", Target("ada@::1", 22, "/run/user/1000/docker.sock")),
    ],
)
def test_address_says_where_to(address: str, target: Target) -> None:
    assert Target.parse(address) == target


@pytest.mark.parametrize(
    "address",
    [
        "ssh://",
        "ssh://-oProxyCommand=touch%20x",
        "ssh://ada:secret@host",
        "ssh://-l@host",
        "ssh://host:port",
        "ssh://a host",
        "ssh://host?x=1",
    ],
)
def test_address_that_is_none_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"ssh://"):
        make_executor("docker", {"host": address}, tmp_path)
