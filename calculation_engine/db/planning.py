"""Planning: what a job does next, decided from the states of its steps by whoever calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from sqlalchemy import case, func, literal, null, select, update

from calculation_engine.db.adding import add_steps
from calculation_engine.db.rows import JobChange, NewStep, SweepChange
from calculation_engine.db.session import Transaction
from calculation_engine.db.sweeping import change_sweeps
from calculation_engine.db.tables import jobs, steps
from calculation_engine.db.writing import before, cancel_unclaimed, lock_job, tell_job, touch_job
from calculation_engine.errors import Stale
from calculation_engine.states import ENDED, State

#: Paths or ids looked for in one query.
_AT_ONCE = 500


def plan(
    tx: Transaction,
    job_id: str,
    seen: int,
    new_steps: Sequence[NewStep],
    change: JobChange | None,
    cancel: Mapping[str, str],
    sweeps: SweepChange | None = None,
) -> int:
    """Queue steps and change the job; see :meth:`Jobs.plan`."""
    job, taken = lock_job(tx, job_id), 0
    if job is None:
        raise Stale(f"job {job_id}: it is gone")
    if job.state not in ENDED:
        if sweeps is not None:
            change_sweeps(tx, job_id, sweeps, begin=not job.is_cancelled)
        if new_steps and not job.is_cancelled:
            there = _paths_there(tx, job_id, [step.path for step in new_steps])
            taken = add_steps(tx, job_id, [step for step in new_steps if step.path not in there])
            if taken:
                touch_job(tx, job_id)
        _cancel_steps(tx, job_id, cancel)
        if change is not None:
            _change(tx, job_id, change)
    # What changed meanwhile is planned again after the others that are due.
    is_settled = (jobs.c.changes == seen) | jobs.c.due.is_(None)
    later = case((is_settled, null()), else_=literal(tx.now, jobs.c.due.type))
    tx.run(update(jobs).where(jobs.c.id == job_id).values(due=later))
    return taken


def _cancel_steps(tx: Transaction, job_id: str, cancel: Mapping[str, str]) -> None:
    cancelled = sum(cancel_unclaimed(tx, job_id, [step_id], message) for step_id, message in cancel.items())
    for ids in batched(sorted(cancel), _AT_ONCE):
        held = (steps.c.job_id == job_id) & steps.c.state.not_in(ENDED) & steps.c.cancel_requested.is_(None)
        for message in sorted({cancel[step_id] for step_id in ids}):
            mine = steps.c.id.in_([step_id for step_id in ids if cancel[step_id] == message])
            tx.run(update(steps).where(held, mine).values(cancel_requested=tx.now, message=message))
    if cancelled:
        touch_job(tx, job_id)


def _paths_there(tx: Transaction, job_id: str, paths: Sequence[str]) -> set[str]:
    there: set[str] = set()
    for start in range(0, len(paths), _AT_ONCE):
        part = list(paths[start : start + _AT_ONCE])
        there.update(tx.run(select(steps.c.path).where(steps.c.job_id == job_id, steps.c.path.in_(part))).scalars())
    return there


def _change(tx: Transaction, job_id: str, change: JobChange) -> None:
    names = ("reason", "message", "fraction", "loops")
    wanted = {name: getattr(change, name) for name in names}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    guard = jobs.c.id == job_id
    if change.state is not None:
        guard &= jobs.c.state.in_(before(change.state))
        values["state"] = change.state
        if change.state == State.RUNNING:
            values["started"] = func.coalesce(jobs.c.started, tx.now)
        if change.state in ENDED:
            cancel_unclaimed(tx, job_id)
            _refuse_while_steps_run(tx, job_id)
            values["ended"] = tx.now
    if values and tx.run(update(jobs).where(guard).values(**values)).rowcount == 0:
        raise Stale(f"job {job_id}: its state does not allow {change.state}")
    tell_job(tx, job_id)


def _refuse_while_steps_run(tx: Transaction, job_id: str) -> None:
    # The rows are locked, so that none is claimed between this look and the commit.
    running = tx.run(
        select(steps.c.path).where(steps.c.job_id == job_id, steps.c.state.not_in(ENDED)).with_for_update()
    ).scalars()
    paths = sorted(running)
    if paths:
        raise Stale(f"job {job_id}: it cannot end while an engine holds its step {paths[0]} ({len(paths)} in all)")
