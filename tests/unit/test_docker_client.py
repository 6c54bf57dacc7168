"""What the ways in which a Docker engine fails are told as."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors._docker_client import Engine, NotFound


class Failing(BaseHTTPRequestHandler):
    """Answers what an engine of version 1.45 does whose files of a container cannot be read."""

    message = ""

    def do_GET(self) -> None:
        known = self.path.endswith("/version")
        body = json.dumps({"ApiVersion": "1.45"} if known else {"message": self.message}).encode()
        self.send_response(200 if known else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Engine(f"tcp://127.0.0.1:{server.server_port}", 5)
        server.shutdown()


def test_a_container_that_is_half_removed_is_not_found(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Failing, "message", "RWLayer of container d8d2905dfbb3 is unexpectedly nil")

    with pytest.raises(NotFound):
        next(iter(engine.get("ce-1", "/ce/record/exit")))


def test_a_failure_of_the_engine_is_its_absence(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Failing, "message", "no space left on device")

    with pytest.raises(ExecutorUnavailable, match="no space left"):
        next(iter(engine.get("ce-1", "/ce/record/exit")))
