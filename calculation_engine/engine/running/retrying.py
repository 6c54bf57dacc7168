"""Which failures are tried again: those that can heal by themselves, as often as the process says."""

from __future__ import annotations

from calculation_engine.db.rows import Requeue, StepRow
from calculation_engine.engine.running.outcome import Outcome
from calculation_engine.schemas.resources import Retry
from calculation_engine.states import Reason, State

Again = Requeue

_HEAL = frozenset({Reason.LOST, Reason.ENGINE_ERROR, Reason.OUT_OF_MEMORY})


def again_after(step: StepRow, outcome: Outcome, attempts: int, most_memory_bytes: int) -> Again | None:
    """Return how a step is tried again after its attempt ended so; None when it is not.

    Args:
        step: with the attempt that ended as its current one.
        outcome: how it ended.
        attempts: of a lost step that says nothing of retries itself.
        most_memory_bytes: of the machine.
    """
    if outcome.state is not State.FAILED or outcome.reason not in _HEAL:
        return None
    if step.retry is None:
        lost = outcome.reason is Reason.LOST and step.attempt < attempts
        return Again(Reason.LOST, outcome.message) if lost else None
    retry = Retry.model_validate(step.retry)
    if step.attempt >= retry.attempts:
        return None
    memory = None
    if outcome.reason is Reason.OUT_OF_MEMORY:
        memory = _more_memory(step, retry, most_memory_bytes)
        if memory is None:
            return None
    return Again(outcome.reason, outcome.message, retry.delay_seconds(step.attempt), memory)


def _more_memory(step: StepRow, retry: Retry, most_memory_bytes: int) -> int | None:
    now = int((step.spec or {}).get("resources", {}).get("memory") or step.memory_bytes)
    allowed = min(int(retry.memory_limit or 0), most_memory_bytes)
    more = min(int(now * retry.memory_growth), allowed)
    return more if more > now else None
