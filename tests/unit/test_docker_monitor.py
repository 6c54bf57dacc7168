"""The safety net helps a watch that has missed the end of its container, and leaves one alone that still reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from calculation_engine.executors import _docker_monitor
from calculation_engine.executors._docker_monitor import Monitor


class Ended:
    """A Docker engine on which one container has ended."""

    def __init__(self) -> None:
        self.looks = 0

    def volume_bytes(self) -> dict[str, int]:
        return {}

    def containers(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        self.looks += 1
        return [{"Names": ["/ce-a"]}]


class Reading:
    """A watch of that container."""

    name = "ce-a"

    def __init__(self, received: Callable[[], int]) -> None:
        self._received = received
        self.done = threading.Event()
        self.nudged = threading.Event()

    @property
    def received_bytes(self) -> int:
        return self._received()

    def check(self, volume_bytes: int | None) -> None: ...

    def nudge(self) -> None:
        self.nudged.set()


def looked_at(watch: Any, engine: Any, until: Callable[[], bool]) -> None:
    monitor = Monitor(engine, "instance", 0.01)
    monitor.add(watch)
    deadline = time.monotonic() + 20
    while not until() and time.monotonic() < deadline:
        time.sleep(0.005)
    monitor.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_docker_monitor, "_SAFETY_NET_SECONDS", 0.02)


def test_watch_whose_log_stands_still_after_the_end_is_nudged() -> None:
    watch = Reading(lambda: 7)
    looked_at(watch, Ended(), watch.nudged.is_set)
    assert watch.nudged.is_set()


def test_watch_that_still_reads_a_large_log_after_the_end_is_left_alone() -> None:
    engine = Ended()
    watch = Reading(time.monotonic_ns)
    looked_at(watch, engine, lambda: engine.looks > 5)
    assert engine.looks > 5
    assert not watch.nudged.is_set()
