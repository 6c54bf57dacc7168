"""A log of a gigabyte passes by the memory of the server, and is read from it while the step runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from calculation_engine.client import Client, Job
from calculation_engine.states import State
from tests.integration.place import EXECUTORS, until

MEGABYTE = 1_000_000
LINE = 100
#: CI machines are small.
LOG_BYTES = (200 if "CI" in os.environ else 1000) * MEGABYTE
GROWTH = 20 * MEGABYTE
MANIFEST = """
name: talker
version: "1.0.0"
title: Says as many numbered lines as it is told
licence: Apache-2.0
source: tests of the engine
command: [sh, "{module}/run.sh"]
image: {repository: calculation-engine/talker, tag: "1.0.0"}
config_schema: {type: object, properties: {lines: {type: integer}}}
resources: {memory: 256MiB, disk: 64MiB, log: 2GiB, time_limit: 20min}
"""
SCRIPT = """
lines=$(sed -n 's/.*"lines": *\\([0-9]*\\).*/\\1/p' input/config.yaml)
awk -v lines="$lines" 'BEGIN { for (i = 1; i <= lines; i++) printf "%099d\\n", i }'
echo 'code: 200' >output/status.yaml
"""
DOCKERFILE = "FROM python:3.12-slim\nCOPY talker /opt/images/talker\nUSER 65534:65534\n"


@dataclass
class Watched:
    """A server process, and the most memory that it was seen with since it was last asked."""

    process: psutil.Process
    client: Client
    http: httpx2.Client
    peak: int = 0

    def look(self) -> int:
        """Return the memory that the process has now."""
        memory = self.process.memory_info().rss
        self.peak = max(self.peak, memory)
        return memory

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Look again and again while the block runs."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.05):
                self.look()

        thread = threading.Thread(target=look)
        self.peak = self.look()
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("large_log")
    try:
        yield from serve(folder)
    finally:
        shutil.rmtree(folder)  # pytest would keep it for a while, and it is large


def serve(folder: Path) -> Iterator[Watched]:
    """Start a server process on a folder and the module that talks."""
    module = folder / "modules" / "talker"
    module.mkdir(parents=True)
    for name, content in {"module.yaml": MANIFEST, "run.sh": SCRIPT, "Dockerfile": DOCKERFILE}.items():
        (module / name).write_text(content)
    command = [sys.executable, "-m", "calculation_engine", "serve", "--port", "0", "--json"]
    env = os.environ | {"CE_MODULE_PATH": str(module.parent), "CE_DATA_DIR": str(folder / "data")}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "the server ended before it was ready"
            text += line
        url = json.loads(text)["server"]
        try:
            with Client(url) as client, httpx2.Client(base_url=url, timeout=60) as http:
                yield Watched(psutil.Process(process.pid), client, http)
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_large_log_is_read_while_it_grows_and_is_not_held_in_memory(server: Watched, executor: str) -> None:
    first = talk(server, executor, lines=50_000)  # what every job takes is taken before it is measured
    until(lambda: first.refresh().ended)
    read(server, first.id, 0, 4 * MEGABYTE)
    idle = server.look()

    with server.measured():
        job = talk(server, executor, lines=LOG_BYTES // LINE)
        offset, while_running = 0, 0
        while not job.refresh().ended:
            chunk = read(server, job.id, offset, 4 * MEGABYTE)
            if not job.refresh().ended:
                while_running += len(chunk)
            check_lines(chunk, offset)
            offset += len(chunk)
            time.sleep(0.1)

    assert job.state is State.SUCCEEDED, job.message
    assert while_running > MEGABYTE
    tail = server.http.get(f"/api/job/{job.id}/log", params={"tail": 2}).text
    assert tail.splitlines()[-1] == f"{LOG_BYTES // LINE:099d}"
    assert server.peak - idle < GROWTH, f"{idle=:,} peak={server.peak:,}"


def talk(server: Watched, executor: str, *, lines: int) -> Job:
    process = {"name": "talker", "module": "talker", "executor": executor, "config": {"lines": lines}}
    return server.client.submit({"processes": [process]})


def read(server: Watched, job_id: str, offset: int, size: int) -> bytes:
    """Return a part of the log as it stands; nothing where there is none yet."""
    headers = {"Range": f"bytes={offset}-{offset + size - 1}"}
    response = server.http.get(f"/api/job/{job_id}/log", headers=headers)
    return response.content if response.status_code == 206 else b""


def check_lines(chunk: bytes, offset: int) -> None:
    """See that a part of the log is the lines that stand there."""
    first = offset // LINE + (1 if offset % LINE == 0 else 2)
    whole = chunk[-offset % LINE :].split(b"\n")[:-1]
    assert [int(line) for line in whole] == list(range(first, first + len(whole)))
