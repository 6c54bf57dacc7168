"""Which failures are tried again, and how; and for which step room is kept free."""

from dataclasses import fields
from typing import Any

import pytest

from calculation_engine.db.rows import StepRow
from calculation_engine.engine.running.outcome import Outcome
from calculation_engine.engine.running.retrying import Again, again_after
from calculation_engine.engine.steps.machine import Reservation
from calculation_engine.states import Reason, State

GIB = 1 << 30


def again(reason: Reason, retry: dict[str, Any] | None, attempt: int = 1, most: int = 64 * GIB) -> Again | None:
    """Return what follows an attempt that failed for a reason."""
    values: dict[str, Any] = {field.name: None for field in fields(StepRow)} | {"attempt": attempt, "retry": retry}
    step = StepRow(**values | {"memory_bytes": GIB, "spec": {"resources": {"memory": GIB}}})
    return again_after(step, Outcome(State.FAILED, reason, "why"), 2, most)


def test_lost_step_is_tried_again_at_once_as_the_settings_say() -> None:
    assert again(Reason.LOST, None) == Again(Reason.LOST, "why")
    assert again(Reason.LOST, None, attempt=2) is None
    assert again(Reason.ENGINE_ERROR, None) is None


@pytest.mark.parametrize("reason", [Reason.EXIT_CODE, Reason.NO_SOLUTION, Reason.TIME_LIMIT, Reason.OUT_OF_MEMORY])
def test_what_cannot_heal_is_not_tried_again(reason: Reason) -> None:
    assert again(reason, {"attempts": 5}) is None


def test_wait_doubles_up_to_an_hour_and_attempts_end() -> None:
    retry = {"attempts": 20, "wait": 10}
    found = [again(Reason.LOST, retry, attempt) for attempt in (1, 2, 3, 15, 20)]
    assert [each and each.delay_seconds for each in found] == [10, 20, 40, 3600, None]


def test_memory_grows_to_its_limit_and_no_further_than_the_machine() -> None:
    retry = {"attempts": 5, "memory_limit": 3 * GIB, "memory_growth": 2}
    wide = again(Reason.OUT_OF_MEMORY, retry | {"memory_growth": 4})
    narrow = again(Reason.OUT_OF_MEMORY, retry, most=GIB + 5)
    assert [each and each.memory_bytes for each in (again(Reason.OUT_OF_MEMORY, retry), wide, narrow)] == [
        2 * GIB, 3 * GIB, GIB + 5,
    ]  # fmt: skip
    assert again(Reason.OUT_OF_MEMORY, retry, most=GIB) is None


def test_room_is_kept_for_the_step_that_was_overtaken_longest() -> None:
    clock = [0.0]
    reservation = Reservation(30, lambda: clock[0])
    reservation.note(["a"])
    clock[0] = 20.0
    reservation.note(["b", "a"])
    kept = [reservation.step_id]
    clock[0] = 31.0
    for passed_over in ([], ["a"], []):
        reservation.note(passed_over)
        kept.append(reservation.step_id)
    assert kept == [None, "a", "a", None]
