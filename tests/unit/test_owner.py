"""Whether an engine is alive, as others on its machine see it."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.engine.running.owner import Owner, alive, surely_dead


def test_engine_is_alive_until_it_lets_go(tmp_path: Path) -> None:
    engine = Owner(tmp_path)
    assert alive(tmp_path) == [engine.name]
    assert surely_dead(tmp_path, {engine.name}, engine.host) == []

    engine.release()

    assert alive(tmp_path) == []
    assert surely_dead(tmp_path, {engine.name}, engine.host) == [engine.name]


def test_engine_that_begins_while_another_looks_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def looked_at_first(file: Any, how: int) -> None:
        monkeypatch.undo()
        alive(tmp_path)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", looked_at_first)
    engine = Owner(tmp_path)

    assert surely_dead(tmp_path, {engine.name}, engine.host) == []
    engine.release()
