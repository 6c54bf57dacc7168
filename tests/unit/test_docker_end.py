"""Which ends of a container are taken for the attempt's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from calculation_engine.errors import AttemptLost
from calculation_engine.executors import _docker_end as end
from calculation_engine.executors._docker_container import Record, Standing
from calculation_engine.executors.base import Task

TASK = cast(Task, SimpleNamespace(attempt_id="a-1"))


def ended(exit_code: int) -> Standing:
    return Standing("exited", exit_code, out_of_memory=False, started=1.0, ended=2.0)


def record(code: int, *, terminated: bool = False) -> Record:
    return Record(code, terminated, cpu_seconds=None, peak_memory_bytes=None, kills=0)


@pytest.mark.parametrize(
    ("last", "written"),
    [(ended(137), None), (ended(255), None), (ended(2), None), (ended(0), record(0, terminated=True))],
    ids=["killed", "while the engine was down", "asked before it began", "asked while it ran"],
)
def test_an_end_from_outside_is_a_loss(last: Standing, written: Record | None) -> None:
    with pytest.raises(AttemptLost):
        end.check_not_lost(TASK, last, written)


@pytest.mark.parametrize(("last", "written"), [(ended(2), record(2)), (ended(137), record(137)), (ended(1), None)])
def test_an_end_of_its_own_is_none(last: Standing, written: Record | None) -> None:
    end.check_not_lost(TASK, last, written)
