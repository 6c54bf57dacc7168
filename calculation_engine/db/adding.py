"""Steps of a job as they are stored first: queued, or with the result of an equal step that succeeded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from calculation_engine.db.queueing import lane_of, next_turns, rank_of
from calculation_engine.db.rows import NewOutput, NewStep, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, outputs, step_files, steps
from calculation_engine.db.writing import insert_all, tell
from calculation_engine.states import State

_FILE = names_of(NewOutput)


def add_steps(tx: Transaction, job_id: str, new: Sequence[NewStep]) -> int:
    """Store steps of a job, none of whose paths may be there; return how many took a stored result."""
    job = tx.run(select(jobs.c.owner, jobs.c.turn).where(jobs.c.id == job_id)).one()
    sources = _sources(tx, {step.reused_from for step in new if step.reused_from is not None})
    taken = [step for step in new if step.reused_from in sources and sources[step.reused_from].key == step.key]
    ids = {step.id for step in taken}
    queued = [step for step in new if step.id not in ids]
    turns = next_turns(tx, job_id, job.owner, job.turn, queued)
    rows = {step.id: _queued(tx, step, job.owner, turn) for step, turn in zip(queued, turns, strict=True)}
    rows |= {step.id: _ended(tx, step, sources) for step in taken}
    insert_all(tx, steps, [_EMPTY | _given(step) | {"job_id": job_id} | rows[step.id] for step in new])
    _add_inputs(tx, new)
    _copy_outputs(tx, sorted(ids))
    tell(tx, job_id, "step", [{"step": step.id, "path": step.path} | _told(rows[step.id]) for step in new])
    return len(taken)


_EMPTY: dict[str, Any] = dict.fromkeys(column.name for column in steps.columns if column.nullable)


def _given(step: NewStep) -> dict[str, Any]:
    return {name: getattr(step, name) for name in names_of(NewStep)}


def _queued(tx: Transaction, step: NewStep, owner: str, turn: int) -> dict[str, Any]:
    state = {"state": State.QUEUED, "message": "", "attempt": 0, "queued": tx.now, "turn": turn, "settled": 0}
    place = {"queue_lane": lane_of(owner, step.module), "queue_rank": rank_of(step.priority, turn)}
    return state | place | {"key": None, "reused_from": None, "scalars": None}


def _ended(tx: Transaction, step: NewStep, sources: Mapping[str, Row[Any]]) -> dict[str, Any]:
    source = sources[step.reused_from or ""]
    values = {name: getattr(source, name) for name in ("verdict", "exit_code", "module_version", "image")}
    values |= {"state": State.SUCCEEDED, "message": took(source.id), "fraction": 1.0, "attempt": 0}
    return values | {"queued": tx.now, "ended": tx.now, "turn": 0, "settled": 0}


def took(step_id: str) -> str:
    """Return the message of a step that took another's result."""
    return f"took the result of step {step_id}, which computed the same"


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row.get(name) for name in ("state", "reason", "message", "attempt")}
    if row["state"] is State.SUCCEEDED:
        told |= {name: row[name] for name in ("exit_code", "verdict")}
    return told


def _sources(tx: Transaction, ids: Collection[str]) -> dict[str, Row[Any]]:
    """Return the steps that have a result, by id; none of them is deleted before this transaction ends."""
    if not ids:
        return {}
    columns = (steps.c.id, steps.c.key, steps.c.verdict, steps.c.exit_code, steps.c.module_version, steps.c.image)
    found = select(*columns).where(steps.c.id.in_(sorted(ids)), steps.c.state == State.SUCCEEDED)
    return {row.id: row for row in tx.run(found.with_for_update(read=True))}


def _add_inputs(tx: Transaction, new: Sequence[NewStep]) -> None:
    rows = [
        {"sha256": sha256, "step_id": step.id}
        for step in new
        for sha256 in sorted({blob.sha256 for blob in step.files.values()})
    ]
    insert_all(tx, step_files, rows)


def _copy_outputs(tx: Transaction, ids: Sequence[str]) -> None:
    """Give steps the outputs of those whose result they took."""
    if not ids:
        return
    files = select(steps.c.id, *(outputs.c[name] for name in _FILE)).join(
        outputs, outputs.c.step_id == steps.c.reused_from
    )
    tx.run(insert(outputs).from_select(["step_id", *_FILE], files.where(steps.c.id.in_(ids))))
