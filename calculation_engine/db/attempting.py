"""Attempts: begun, started, ended, lost or released. Whatever happens is in one transaction with the step's own row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, func, insert, select, update

from calculation_engine.db.history import note_run
from calculation_engine.db.queueing import NOT_QUEUED, queued_later
from calculation_engine.db.reading import load_steps
from calculation_engine.db.rows import NewRun, OutputFile, Requeue, StepEnd, StepRow, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import attempts, jobs, outputs, steps
from calculation_engine.db.writing import (
    NO_LEASE,
    LockedJob,
    before,
    end_attempt,
    give_back,
    guarded,
    insert_all,
    lock_job_of,
    release_keys,
    tell,
    tell_job,
    tell_step,
    touch_job,
)
from calculation_engine.states import State

#: Whether the end of the step alone was asked for: its message says why, and stays.
_ENDS_ALONE = steps.c.cancel_requested.is_not(None)
_OPEN = [State.QUEUED, State.RUNNING]


def begin(
    tx: Transaction, step_id: str, token: str, increment: bool, values: dict[str, Any], run: NewRun | None
) -> StepRow:
    """Begin an attempt, or go on with one; see :meth:`Steps.begin`."""
    kept = {name: value for name, value in values.items() if name != "key" or value is not None}
    step = guarded(tx, step_id, token, [State.QUEUED], kept)
    current = (attempts.c.step_id == step_id) & (attempts.c.number == step.attempt) & attempts.c.ended.is_(None)
    goes_on = not increment and tx.run(select(attempts.c.number).where(current)).first() is not None
    place = {"host": values["host"], "image": values["image"]}
    if goes_on:
        tx.run(update(attempts).where(current).values(**place))
    else:
        end_attempt(tx, step, {"message": "another attempt began"})
        guarded(tx, step_id, token, [State.QUEUED], {"attempt": step.attempt + 1})
        held = select(steps.c.lease_owner, steps.c.executor).where(steps.c.id == step_id)
        who = tx.run(held).one()
        row = {"step_id": step_id, "number": step.attempt + 1, "begun": tx.now, "message": ""}
        tx.run(insert(attempts).values(**row, **place, owner=who.lease_owner, executor=who.executor))
    if run is not None:
        note_run(tx, step_id, run)
    return load_steps(tx, steps.c.id == step_id)[0]


def started(tx: Transaction, step_id: str, token: str, handle: str, host: str, image: str | None) -> None:
    """Note that an attempt runs; see :meth:`Steps.started`."""
    job = lock_job_of(tx, step_id)
    was = tx.run(select(steps.c.state).where(steps.c.id == step_id)).scalar()
    place: dict[str, Any] = {"handle": handle, "host": host} | ({} if image is None else {"image": image})
    values = place | {"state": State.RUNNING, "started": func.coalesce(steps.c.started, tx.now)}
    if was != State.RUNNING:
        values["message"] = case((_ENDS_ALONE, steps.c.message), else_="")
    step = guarded(tx, step_id, token, _OPEN, values)
    tx.run(update(attempts).where(attempts.c.step_id == step_id, attempts.c.number == step.attempt).values(**place))
    if was != State.RUNNING:
        tell_step(tx, step)
    if job.state == State.QUEUED:
        tx.run(update(jobs).where(jobs.c.id == job.id).values(state=State.RUNNING, started=tx.now))
        tell_job(tx, job.id)


def progress(tx: Transaction, step_id: str, token: str, fraction: float | None, message: str) -> None:
    """Store how far a step is; see :meth:`Steps.progress`."""
    job = lock_job_of(tx, step_id)
    said = case((_ENDS_ALONE, steps.c.message), else_=message)
    step = guarded(tx, step_id, token, _OPEN, {"fraction": fraction, "message": said})
    tell(tx, job.id, "progress", [{"step": step_id, "path": step.path, "fraction": fraction, "message": message}])


def end(tx: Transaction, step_id: str, token: str, ending: StepEnd) -> None:
    """Store a step's end; see :meth:`Steps.end`."""
    finish(tx, lock_job_of(tx, step_id), step_id, token, ending)


def finish(tx: Transaction, job: LockedJob, step_id: str, token: str, ending: StepEnd) -> None:
    """Store a step's end; its job's row is locked already."""
    kept = ("state", "reason", "message", "exit_code", "verdict", "scalars", "cpu_seconds", "peak_memory_bytes")
    values = {name: getattr(ending, name) for name in kept} | NO_LEASE | NOT_QUEUED
    values["ended"] = ending.ended or tx.now
    if ending.started is not None:
        values["started"] = ending.started
    if ending.state == State.SUCCEEDED:
        values["fraction"] = 1.0
    if ending.state == State.CANCELLED:
        values["message"] = case((_ENDS_ALONE, steps.c.message), else_=ending.message)
    step = guarded(tx, step_id, token, before(ending.state), values)
    insert_all(
        tx,
        outputs,
        [
            {name: getattr(file, name) for name in names_of(OutputFile) if name != "step_id"} | {"step_id": step_id}
            for file in ending.outputs
        ],
    )
    told = {name: getattr(ending, name) for name in ("state", "reason", "message", "exit_code")}
    end_attempt(tx, step, told)
    release_keys(tx, step_id)
    touch_job(tx, job.id)
    tell_step(tx, step, exit_code=ending.exit_code, verdict=ending.verdict)


def requeue(tx: Transaction, step_id: str, token: str, again: Requeue) -> None:
    """Give a step back whose attempt failed; see :meth:`Steps.requeue`."""
    job = lock_job_of(tx, step_id)
    nothing: dict[str, Any] = {"handle": None, "host": None, "started": None, "fraction": None}
    step = guarded(tx, step_id, token, _OPEN, nothing | {"state": State.QUEUED, "message": again.message})
    tell_step(tx, step, lost=again.reason)
    more: dict[str, Any] = {}
    if again.memory_bytes is not None:
        asked = tx.run(select(steps.c.resources).where(steps.c.id == step_id)).scalar_one()
        more = {"memory_bytes": again.memory_bytes, "resources": asked | {"memory": again.memory_bytes}}
    give_back(tx, job, step_id, token, more | queued_later(tx, again.delay_seconds))
    told = {"reason": again.reason, "message": again.message, "exit_code": again.exit_code}
    end_attempt(tx, step, {"state": State.FAILED} | told)
    touch_job(tx, job.id)


def release(tx: Transaction, step_id: str, token: str, delay_seconds: float, message: str) -> None:
    """Give a step back of which nothing was started; see :meth:`Steps.release`."""
    job = lock_job_of(tx, step_id)
    step = guarded(tx, step_id, token, [State.QUEUED], {"message": message})
    begun = tx.run(
        delete(attempts).where(
            attempts.c.step_id == step_id, attempts.c.number == step.attempt, attempts.c.ended.is_(None)
        )
    ).rowcount
    back = {"host": None, "image": None, "attempt": step.attempt - begun}
    give_back(tx, job, step_id, token, back | queued_later(tx, delay_seconds))
