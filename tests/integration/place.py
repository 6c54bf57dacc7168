"""The whole system as a user meets it, API, engine and client, and what it has of this machine at an instant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from calculation_engine.cli.session import embedded_client
from calculation_engine.client import Client, Job
from calculation_engine.settings import load_settings
from tests.integration.conftest import PROGRAMS

#: Each executor that steps can be sent to on one machine, as parameters of a test.
EXECUTORS = ["local", pytest.param("docker", marks=pytest.mark.needs("docker"))]
LIMIT_SECONDS = 100


@dataclass(frozen=True)
class Place:
    """A server with an engine on a data folder of its own, and a client of it."""

    client: Client
    data_dir: Path

    def run(self, module: str, *, timeout: float = LIMIT_SECONDS, **options: Any) -> Job:
        """Run one module and return its job, which has ended however it may be; ``options`` as of :meth:`submit`."""
        job = self.submit(module, **options).wait(timeout)
        assert job.ended, f"{job} has not ended within {timeout} s"
        return job

    def submit(self, module: str, *, executor: str, resources: Mapping[str, Any] | None = None, **options: Any) -> Job:
        """Store a job of one module."""
        process = {"name": module, "module": module, "executor": executor, "resources": dict(resources or {})}
        return self.client.submit({"processes": [process | options]})

    def files(self) -> list[str]:
        """Return what is on disk that should not outlive a step: scratch, records of attempts, unfinished files."""
        folders = (self.data_dir / name for name in ("work", "incoming", "local/attempts"))
        return sorted(str(path) for folder in folders for path in folder.rglob("*") if path.is_file())

    def processes(self) -> list[str]:
        """Return the command lines of the processes that are in the data folder or name it, the server left out."""
        found = (
            (" ".join(process.info["cmdline"] or []), process.info["cwd"] or "")
            for process in psutil.process_iter(["cmdline", "cwd"])
        )
        return sorted(line for line, folder in found if str(self.data_dir) in f"{line} {folder}")

    def docker_objects(self) -> list[str]:
        """Return the containers and volumes of this data folder's engine."""
        instance = self.data_dir / "docker" / "instance"
        if not instance.exists():
            return []
        filters: dict[str, Any] = {"label": f"calculation-engine.instance={instance.read_text()}"}
        client = docker.from_env()
        try:
            found = [*client.containers.list(all=True, filters=filters), *client.volumes.list(filters=filters)]
            return sorted(str(each.attrs.get("Name") or each.id) for each in found)
        finally:
            client.close()

    def everything(self) -> list[str]:
        """Return all that a step may leave behind."""
        return self.files() + self.processes() + self.docker_objects()


@contextmanager
def open_place(folder: Path, **settings: Any) -> Iterator[Place]:
    """Start a system with the test programs beside its modules; stop it at the end."""
    made = load_settings({"data_dir": folder, "module_path": [PROGRAMS], **settings})
    with embedded_client(made, engine=True) as client:
        yield Place(client, folder)


def until(condition: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
    """Return as soon as a condition holds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not after {seconds} s"
        time.sleep(0.02)
