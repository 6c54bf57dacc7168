"""Equal steps: computed once, waited for, reused."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.adding import took
from calculation_engine.db.attempting import finish
from calculation_engine.db.history import stored_result
from calculation_engine.db.rows import Joined, JoinMode, OutputFile, Own, Reused, StepEnd, Waits, names_of
from calculation_engine.db.session import Again, Transaction
from calculation_engine.db.tables import key_holders, outputs, steps
from calculation_engine.db.writing import give_back, guarded, lock_job_of, release_keys
from calculation_engine.errors import NotFound
from calculation_engine.states import State


def join(tx: Transaction, step_id: str, token: str, key: str, mode: JoinMode) -> Joined:
    """Ask for a key; see :meth:`Steps.join`."""
    job = lock_job_of(tx, step_id)
    guarded(tx, step_id, token, [State.QUEUED], {"key": key})
    release_keys(tx, step_id, but=key)
    holder = _lock_key(tx, key, step_id)
    if holder != step_id:
        message = f"waits for step {holder}, which computes the same"
        give_back(tx, job, step_id, token, {"waits_for": key, "message": message})
        return Waits(holder)
    if mode is JoinMode.REUSE:
        # Looked for while the key is locked: whoever computed it has committed its end, and nobody begins meanwhile.
        result = stored_result(tx, key, job.owner)
        if result is not None:
            release_keys(tx, step_id)
            return Reused(result)
    return Own()


def _lock_key(tx: Transaction, key: str, step_id: str) -> str:
    """Lock the key's row, which is made if need be; return the step that holds it."""
    held = select(key_holders.c.step_id).where(key_holders.c.key == key).with_for_update()
    holder = tx.run(held).scalar()
    if holder is not None:
        return str(holder)
    try:
        tx.run(insert(key_holders).values(key=key, step_id=step_id))
    except IntegrityError as error:
        raise Again from error
    return step_id


def reuse(tx: Transaction, step_id: str, token: str, from_step: str, scalars: dict[str, float | None] | None) -> None:
    """Take another step's result; see :meth:`Steps.reuse`."""
    job = lock_job_of(tx, step_id)
    step = guarded(tx, step_id, token, [State.QUEUED], {"reused_from": from_step})
    found = tx.run(
        select(steps.c.verdict, steps.c.exit_code, steps.c.module_version, steps.c.image)
        .where(steps.c.id == from_step, steps.c.key == step.key, steps.c.state == State.SUCCEEDED)
        .with_for_update(read=True)  # not deleted before its outputs are copied
    ).one_or_none()
    if found is None:
        raise NotFound(f"step {from_step} has no result for step {step_id} any more", hint="join again")
    guarded(tx, step_id, token, [State.QUEUED], {"module_version": found.module_version, "image": found.image})
    columns = [outputs.c[name] for name in names_of(OutputFile)]
    ending = StepEnd(
        state=State.SUCCEEDED,
        message=took(from_step),
        exit_code=found.exit_code,
        verdict=found.verdict,
        scalars=scalars,
        outputs=[OutputFile(**row._mapping) for row in tx.run(select(*columns).where(outputs.c.step_id == from_step))],
    )
    finish(tx, job, step_id, token, ending)
