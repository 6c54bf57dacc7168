"""A Docker engine on another machine, behind TLS: steps run there, and only certificates let anybody ask."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors.registry import make_executor
from calculation_engine.states import Reason
from tests.contract.executor_bench import Bench, read, until
from tests.faults.servers import free_port

pytestmark = pytest.mark.needs("docker")


def make_certificates(folder: Path) -> Path:
    """Make an authority, and a certificate of it that serves both ends."""
    folder.mkdir()
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
    new = "req -newkey rsa:2048 -nodes -subj"
    for line in (
        f"{new} /CN=authority -x509 -days 2 -keyout ca-key.pem -out ca.pem",
        f"{new} /CN=engine -keyout key.pem -out request.pem",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -days 2 -extfile names -out cert.pem",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls") / "certificates")


@pytest.fixture(scope="module")
def address(certificates: Path) -> Iterator[str]:
    """Where TLS is spoken with those who have a certificate, and passed on to the Docker engine's socket."""
    if not shutil.which("socat"):
        pytest.skip("no socat, which speaks TLS before the Docker engine's socket")
    port = free_port()
    files = f"cert={certificates}/cert.pem,key={certificates}/key.pem,cafile={certificates}/ca.pem"
    words = [
        f"OPENSSL-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,verify=1,{files}",
        "UNIX-CONNECT:/var/run/docker.sock",
    ]
    with subprocess.Popen(["socat", *words], stderr=subprocess.DEVNULL) as front:
        until(lambda: is_open(port), 10)
        yield f"tcp://127.0.0.1:{port}"
        front.terminate()


def is_open(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("way", ["settings", "environment", "host in the settings"])
def test_step_runs_on_an_engine_behind_tls(
    address: str, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    options = {} if way == "environment" else {"host": address}
    if way == "settings":
        options["certificates"] = str(certificates)
    else:
        monkeypatch.setenv("DOCKER_HOST", address)
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    bench = Bench("docker", tmp_path, options)

    with closing(bench.executor):
        bench.send_there_and_back()
        held, handle = bench.hold()
        until(lambda: b"ready" in read(held.log))
        bench.executor.cancel(held, handle)
        assert bench.finish(held, handle).reason is Reason.CANCELLED
        bench.executor.remove(held)
        assert not bench.executor.capabilities.uses_machine


def test_engine_behind_tls_is_out_of_reach_without_its_certificates(
    address: str, certificates: Path, tmp_path: Path
) -> None:
    others = make_certificates(tmp_path / "others")
    mixed = make_certificates(tmp_path / "mixed")
    (mixed / "ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    for options in ({}, {"certificates": str(others)}, {"certificates": str(mixed)}):
        executor = make_executor("docker", {"host": address, **options}, tmp_path)
        with closing(executor), pytest.raises(ExecutorUnavailable, match="no engine answers"):
            executor.check()


def test_certificates_that_are_not_there_are_named(tmp_path: Path) -> None:
    options = {"host": "tcp://127.0.0.1:2376", "certificates": str(tmp_path)}
    executor = make_executor("docker", options, tmp_path)
    with closing(executor), pytest.raises(ExecutorUnavailable, match=r"ca\.pem, no .*cert\.pem, no .*key\.pem"):
        executor.check()
