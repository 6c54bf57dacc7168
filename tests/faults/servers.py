"""Servers that a fault may end: a Docker engine, a MariaDB and a way to it, each this run's own and on its own port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import sqlalchemy

PROGRAMS = Path(__file__).parents[1] / "programs"
#: Of the engines that are started here; a client that knows it asks nothing when it is made.
API_VERSION = "1.45"
PROBE_IMAGE = "calculation-engine/probe:1.0.0"


def build_probe() -> None:
    """Build the image of the probe on the machine's first Docker engine."""
    words = [sys.executable, "-m", "calculation_engine", "module", "build", "probe"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"CE_MODULE_PATH": str(PROGRAMS)})


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as a condition holds."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"not after {seconds} s")
        time.sleep(0.05)


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class OwnDocker:
    """A second Docker engine, without a network, in a folder whose path is short: those of its sockets are not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.host = f"unix://{folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def load(self, image: str) -> None:
        """Copy an image of the machine's first engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            words = ["docker", "-H", self.host, "load", "-q"]
            subprocess.run(words, stdin=saved.stdout, check=True, capture_output=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        (self.folder / "docker.pid").unlink(missing_ok=True)
        options = {"data-root": "data", "exec-root": "exec", "pidfile": "docker.pid"}
        words = [f"--{name}={self.folder / path}" for name, path in options.items()]
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                # in a network of its own, for without a bridge it deletes the one of the machine's first engine
                ["unshare", "--net", "dockerd", *words, "-H", self.host, "--bridge=none", "--iptables=false"],
                stdout=log,
                stderr=log,
            )
        until(self.answers)

    def answers(self) -> bool:
        """Whether it does."""
        with socket.socket(socket.AF_UNIX) as caller:  # the SDK leaves those open that nobody takes
            if caller.connect_ex(f"{self.folder}/docker.sock"):
                return False
        with closing(docker.DockerClient(self.host, version=API_VERSION, timeout=5)) as client:
            try:
                return bool(client.ping())
            except (OSError, docker.errors.DockerException):
                return False

    def stop(self) -> None:
        """End it in good order, as a restart does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(90)

    def replace(self) -> None:
        """Put another engine in its stead, at the same address: one that has the images, and nothing else of it."""
        self.stop()
        for name in ("engine-id", "containers", "volumes"):
            path = self.folder / "data" / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.start()

    def objects(self) -> list[str]:
        """Return the containers and volumes that there are."""
        client = docker.DockerClient(self.host)
        found = [str(each.id) for each in client.containers.list(all=True)]
        found += [str(each.id) for each in client.volumes.list()]
        client.close()
        return found

    def running(self) -> int:
        """Return how many containers run."""
        client = docker.DockerClient(self.host)
        found = client.containers.list()
        client.close()
        return len(found)

    def remove_one(self) -> bool:
        """Delete a running container as somebody would by hand; False when none runs.

        A second attempt is spared: a step that is lost twice fails, as it should.
        """
        client = docker.DockerClient(self.host)
        found = client.containers.list()
        first = next((each for each in found if each.labels["calculation-engine.attempt"].endswith("-1")), None)
        removed = False
        with suppress(docker.errors.APIError):  # it has just ended
            if first is not None:
                first.remove(force=True)
                removed = True
        client.close()
        return removed

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        subprocess.run(["umount", "--recursive", "--lazy", str(self.folder / "data")], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class OwnMariaDB:
    """A MariaDB of this run, with one empty database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(["install", "-d", "-o", "mysql", "-g", "mysql", str(folder)], check=True)
        words = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}/data"]
        words += [f"--tmpdir={folder}", "--skip-test-db"]
        subprocess.run([*words, "--auth-root-authentication-method=socket"], check=True, capture_output=True)
        self.start()
        made = (
            "CREATE DATABASE ce; CREATE USER 'ce'@'127.0.0.1' IDENTIFIED BY 'ce'; GRANT ALL ON ce.* TO 'ce'@'127.0.0.1'"
        )
        client = ["mariadb", "--no-defaults", f"--socket={folder}/db.sock", "--user=root", "-e"]
        until(lambda: subprocess.run([*client, "SELECT 1"], check=False, capture_output=True).returncode == 0)
        subprocess.run([*client, made], check=True)

    def start(self) -> None:
        """Start it; it answers a little later."""
        words = [f"--datadir={self.folder}/data", f"--socket={self.folder}/db.sock", f"--pid-file={self.folder}/pid"]
        words += [
            f"--tmpdir={self.folder}",
            "--user=mysql",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(["mariadbd", "--no-defaults", *words], stdout=log, stderr=log)

    def stop(self) -> None:
        """End it in good order, as a restart does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(90)

    def url(self, port: int) -> str:
        """Return the URL of its database by way of a port."""
        parts: dict[str, Any] = {
            "username": "ce",
            "password": "ce",
            "host": "127.0.0.1",
            "port": port,
            "database": "ce",
        }
        return sqlalchemy.URL.create("mysql+pymysql", **parts).render_as_string(hide_password=False)

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Wire:
    """A port that leads to another, and forwards nothing while it is cut: connections stay open, as on a dead line."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Forward nothing from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Forward again, what was held back as well."""
        self._whole.set()

    def close(self) -> None:
        """Listen no more."""
        self._whole.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._whole.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        threading.Thread(target=self._pump, args=(far, near), daemon=True).start()
        self._pump(near, far)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                sink.sendall(data)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
