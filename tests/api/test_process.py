"""A server process of its own: its memory, and that nothing holds up its loop."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, StepEnd
from calculation_engine.states import State
from tests.api.conftest import Site, wait_until

MEBIBYTE = 1 << 20
LARGE = 300 * MEBIBYTE
HALF = 150 * MEBIBYTE  # for what is compressed as well
LIMIT = 200 * MEBIBYTE
GROWTH = 80 * MEBIBYTE


@dataclass
class Server:
    process: psutil.Process
    http: httpx2.Client
    idle: int = 0
    peak: int = 0

    def look(self) -> None:
        """Note how much memory the process has."""
        self.peak = max(self.peak, self.process.memory_info().rss)

    def assert_small(self) -> None:
        self.look()
        assert self.peak < LIMIT
        assert self.peak - self.idle < GROWTH


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Return a process that answers requests and runs no steps."""
    command = [sys.executable, "-m", "calculation_engine", "serve", "--no-engine", "--port", "0", "--json"]
    with subprocess.Popen([*command, "--data-dir", str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            text = ""
            while not text.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, "the server ended before it was ready"
                text += line
            with httpx2.Client(base_url=json.loads(text)["server"], timeout=120) as http:
                running = psutil.Process(process.pid)
                yield Server(running, http, idle=running.memory_info().rss)
        finally:
            process.terminate()


def content(server: Server, size: int) -> Iterator[bytes]:
    block = os.urandom(MEBIBYTE)
    for n in range(size // MEBIBYTE):
        if n % 8 == 0:
            server.look()
        yield n.to_bytes(4, "big") + block[4:]


def form(server: Server) -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="job"\r\n\r\n{"module": "cbc"}\r\n'
    yield b'--b\r\nContent-Disposition: form-data; name="mps"; filename="model.mps"\r\n\r\n'
    yield from content(server, LARGE)
    yield b"\r\n--b--\r\n"


def test_a_large_file_is_taken_in_and_is_not_held_in_memory(server: Server) -> None:
    response = server.http.put("/api/upload", content=content(server, LARGE))

    assert response.status_code == 201, response.text
    assert response.json()["size"] == LARGE
    server.assert_small()


def test_a_form_with_a_large_file_is_not_held_in_memory(server: Server) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    response = server.http.put("/api/job", content=form(server), headers=headers)

    assert response.status_code == 201, response.text
    server.assert_small()


def test_a_large_result_is_sent_to_a_slow_client_and_is_not_held_in_memory(server: Server, tmp_path: Path) -> None:
    upload = server.http.put("/api/upload", content=content(server, HALF)).json()
    server.http.put(
        "/api/job", json={"module": "cbc", "inputs": {"data": {"type": "inline", "text": "end;"}}}
    ).raise_for_status()
    job_id = _finished_job(tmp_path, upload["sha256"])
    for path, least in (
        (f"/api/job/{job_id}/results/cbc/output/large.bin", HALF),
        (f"/api/job/{job_id}/results.zip", HALF),
    ):
        digest, size = hashlib.sha256(), 0
        with server.http.stream("GET", path) as response:
            for chunk in response.iter_bytes(8 * MEBIBYTE):
                server.look()
                digest.update(chunk)
                size += len(chunk)
        assert size >= least
        assert path.endswith(".zip") or digest.hexdigest() == upload["sha256"]
    server.assert_small()


def _finished_job(data_dir: Path, sha256: str) -> str:
    """Play the engine of that data folder: end its one step with a file that is stored already."""
    database = Database(f"sqlite:///{data_dir / 'calculation-engine.sqlite'}")
    (step,) = database.steps.claim("test", ["local"], 1, 60)
    assert step.lease_token
    output = NewOutput("large.bin", sha256, HALF, None, "application/octet-stream")
    database.steps.end(step.id, step.lease_token, StepEnd(State.SUCCEEDED, outputs=[output]))
    database.close()
    return step.job_id


def test_a_slow_database_holds_up_nobody_who_does_not_need_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    entered = threading.Event()
    find: Callable[..., object] = site.database.jobs.find

    def slow(*arguments: object) -> object:
        entered.set()
        assert release.wait(30)
        return find(*arguments)

    monkeypatch.setattr(site.database.jobs, "find", slow)
    replies: list[int] = []
    thread = threading.Thread(target=lambda: replies.append(site.http.get("/api/job").status_code))
    thread.start()
    assert entered.wait(30)

    assert site.http.get("/healthz").status_code == 200
    assert replies == []
    release.set()
    thread.join(30)
    assert replies == [200]


def test_a_server_that_stops_lets_go_of_those_who_wait(
    make_site: Callable[..., Site], capfd: pytest.CaptureFixture[str], stop_sites: Callable[[], None]
) -> None:
    site = make_site()
    job_id = site.job()
    site.start(job_id)
    broken: list[str] = []

    def ask(method: str, path: str) -> None:
        try:
            with site.http.stream(method, path) as response:
                response.read()
        except httpx2.TransportError as error:
            broken.append(type(error).__name__)

    asked = [
        ("GET", f"/api/job/{job_id}/events"),
        ("GET", f"/api/job/{job_id}/log?follow=1"),
        ("POST", "/api/solve/idle"),
    ]
    threads = [threading.Thread(target=ask, args=arguments, daemon=True) for arguments in asked]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(site.wakes) == 2)

    stop_sites()

    for thread in threads:
        thread.join(20)
    assert len(broken) == 3
    printed = "".join(capfd.readouterr())
    assert "Traceback" not in printed
    assert "rror" not in printed
