"""Which ends of a container are taken for the attempt's own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from calculation_engine.errors import AttemptLost
from calculation_engine.executors import _docker_end as end
from calculation_engine.executors._docker_container import Record, Standing
from calculation_engine.executors.base import Task
from calculation_engine.states import Reason

TASK = cast(Task, SimpleNamespace(attempt_id="a-1", resources=SimpleNamespace(memory=64 << 20, disk=32 << 20)))


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


def test_peak_is_what_was_written_down_else_what_was_seen_else_all_that_it_may_use() -> None:
    written = Record(137, terminated=False, cpu_seconds=None, peak_memory_bytes=5, kills=1)

    assert end.peak_memory(TASK, Reason.OUT_OF_MEMORY, written, None) == 5
    assert end.peak_memory(TASK, Reason.TIME_LIMIT, None, 7) == 7
    assert end.peak_memory(TASK, Reason.OUT_OF_MEMORY, None, None) == 64 << 20
    assert end.peak_memory(TASK, Reason.TIME_LIMIT, None, None) is None


@pytest.mark.parametrize(("code", "size", "is_over"), [(0, 32 << 20, False), (1, (32 << 20) + 1, True), (153, 0, True)])
def test_disk_is_over_its_limit_by_its_size_or_by_the_bound_of_one_file(code: int, size: int, is_over: bool) -> None:
    assert ("its limit is 32 MiB" in end.disk_excess(TASK, ended(code), size)) is is_over
