"""Which Docker engines are gone for good, as an address tells that answers with another id."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import pytest

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors import _docker_client
from calculation_engine.executors._docker_client import Engine
from calculation_engine.executors._docker_place import Place


class Docker(BaseHTTPRequestHandler):
    """Says who it is."""

    protocol_version = "HTTP/1.1"
    who: Callable[[], tuple[str, str]] = staticmethod(lambda: ("", ""))

    def do_GET(self) -> None:
        engine_id, name = type(self).who()
        about = {
            "message": "shutting down",
            "ID": engine_id,
            "Name": name,
            "Architecture": "x86_64",
            "NCPU": 2,
            "ServerVersion": "28.0",
        }
        body = json.dumps(
            about if self.path.split("?")[0].endswith("/info") else {"ApiVersion": "1.45", "message": ""}
        ).encode()
        self.send_response(200 if engine_id else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Docker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Let an engine answer from now on, which is asked at once."""
    monkeypatch.setattr(_docker_client, "_HOST_SECONDS", 0)

    def set_answer(engine_id: str, name: str = "laptop") -> None:
        monkeypatch.setattr(Docker, "who", staticmethod(lambda: (engine_id, name)))

    return set_answer


Answer = Callable[..., None]


@contextmanager
def place_at(address: str, folder: Path) -> Iterator[Place]:
    with closing(Engine(address, 5)) as engine:
        yield Place(engine, folder)


def test_another_engine_of_the_same_machine_has_replaced_the_one_before(
    address: str, answer: Answer, tmp_path: Path
) -> None:
    with place_at(address, tmp_path) as place:
        answer("one")
        assert (place.name, place.replaced) == ("docker-one", frozenset())
        answer("two")
        assert (place.name, place.replaced) == ("docker-two", frozenset({"docker-one"}))

    answer("three")
    with place_at(address, tmp_path) as place:
        assert (place.name, place.replaced) == ("docker-three", frozenset({"docker-one", "docker-two"}))
        answer("one")  # its data were put back
        assert (place.name, place.replaced) == ("docker-one", frozenset({"docker-two", "docker-three"}))


def test_address_that_leads_to_another_machine_says_nothing_of_the_one_before(
    address: str, answer: Answer, tmp_path: Path
) -> None:
    with place_at(address, tmp_path) as place:
        for engine_id, name in (("one", "laptop"), ("two", "cluster"), ("one", "laptop")):
            answer(engine_id, name)
            assert (place.name, place.replaced) == (f"docker-{engine_id}", frozenset())


def test_engine_that_makes_up_an_id_at_each_question_is_known_by_its_machine(
    address: str, monkeypatch: pytest.MonkeyPatch, answer: Answer, tmp_path: Path
) -> None:
    monkeypatch.setattr(Docker, "who", staticmethod(lambda: (uuid4().hex, "laptop")))
    with place_at(address, tmp_path) as place:
        for _ in range(3):
            assert (place.name, place.replaced) == ("docker-laptop", frozenset())


def test_engine_that_does_not_answer_stays_who_it_was(address: str, answer: Answer, tmp_path: Path) -> None:
    with place_at(address, tmp_path) as place:
        answer("")
        with pytest.raises(ExecutorUnavailable):
            _ = place.name
        answer("one")
        assert place.name == "docker-one"
        answer("")
        assert (place.name, place.replaced) == ("docker-one", frozenset())


def test_after_a_silence_it_is_asked_anew_who_answers(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def become(engine_id: str) -> None:
        monkeypatch.setattr(Docker, "who", staticmethod(lambda: (engine_id, "laptop")))

    become("one")
    with closing(Engine(address, 5)) as engine:
        place = Place(engine, tmp_path)
        assert place.name == "docker-one"
        become("")
        with pytest.raises(ExecutorUnavailable):
            engine.ask_host()
        become("two")
        assert place.name == "docker-one"  # nothing was heard since
        engine.ask_host()
        assert place.name == "docker-two"
        assert place.replaced == {"docker-one"}
