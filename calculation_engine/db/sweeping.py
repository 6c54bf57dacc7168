"""What planning writes of a job's sweeps: rows that begin and end, and the step that keeps a sweep's table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from calculation_engine.db.rows import NewOutput, RowEnd, SweepChange, SweepEnd, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import job_files, outputs, steps, sweep_rows
from calculation_engine.db.writing import add_files, insert_all, tell
from calculation_engine.schemas.files import SWEEP_MODULE
from calculation_engine.states import State

_IDS_AT_ONCE = 500
#: What stands for the executor of a step that nobody runs.
_NOWHERE = "engine"


def change_sweeps(tx: Transaction, job_id: str, change: SweepChange, *, begin: bool) -> None:
    """Write what planning changes of a job's sweeps; the job's row is locked. Twice is harmless."""
    if begin:
        _begin(tx, job_id, change.begun)
    if change.ended:
        tx.run(_END, [_ended(job_id, end) for end in change.ended])
    for start in range(0, len(change.settled), _IDS_AT_ONCE):
        ids = change.settled[start : start + _IDS_AT_ONCE]
        tx.run(update(steps).where(steps.c.id.in_(ids)).values(settled=1))
    if change.files:
        kept = select(job_files.c.process).where(job_files.c.job_id == job_id)
        there = set(tx.run(kept.where(job_files.c.process.in_(list(change.files)))).scalars())
        add_files(tx, job_id, {place: files for place, files in change.files.items() if place not in there})
    for done in change.done:
        _add_end(tx, job_id, done)


#: Ends a row that is under way; for many at once.
_END = (
    update(sweep_rows)
    .where(
        sweep_rows.c.job_id == bindparam("of_job"),
        sweep_rows.c.sweep == bindparam("of_sweep"),
        sweep_rows.c.number == bindparam("of_number"),
        sweep_rows.c.state == State.RUNNING,
    )
    .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "message", "result")})
)


def _ended(job_id: str, end: RowEnd) -> dict[str, Any]:
    values = {f"new_{name}": getattr(end, name) for name in ("state", "reason", "message", "result")}
    return values | {"of_job": job_id, "of_sweep": end.sweep, "of_number": end.number}


def _begin(tx: Transaction, job_id: str, begun: Sequence[tuple[str, int]]) -> None:
    if not begun:
        return
    numbers = [number for _, number in begun]
    key = (sweep_rows.c.job_id == job_id) & sweep_rows.c.sweep.in_({sweep for sweep, _ in begun})
    query = select(sweep_rows.c.sweep, sweep_rows.c.number).where(key, sweep_rows.c.number.in_(numbers))
    there = {(row.sweep, row.number) for row in tx.run(query)}
    empty: dict[str, Any] = {"job_id": job_id, "state": State.RUNNING, "reason": None, "message": "", "result": None}
    rows = [empty | {"sweep": sweep, "number": number} for sweep, number in begun if (sweep, number) not in there]
    insert_all(tx, sweep_rows, rows)


def _add_end(tx: Transaction, job_id: str, end: SweepEnd) -> None:
    if tx.run(select(steps.c.id).where(steps.c.job_id == job_id, steps.c.path == end.path)).first():
        return
    row: dict[str, Any] = dict.fromkeys(column.name for column in steps.columns if column.nullable)
    row |= {"id": end.id, "job_id": job_id, "path": end.path, "process": end.path}
    row |= {"module": SWEEP_MODULE, "executor": _NOWHERE, "config": {}, "files": {}, "resources": {}}
    row |= {
        "cpu": 0.0,
        "memory_bytes": 0,
        "turn": 0,
        "priority": 0,
        "attempt": 0,
        "settled": 0,
        "queued": tx.now,
        "started": tx.now,
        "ended": tx.now,
    }
    told = {"state": end.state, "reason": end.reason, "message": end.message, "attempt": 0}
    insert_all(tx, steps, [row | told | {"fraction": 1.0}])
    columns = names_of(NewOutput)
    insert_all(
        tx, outputs, [{name: getattr(file, name) for name in columns} | {"step_id": end.id} for file in end.outputs]
    )
    tell(tx, job_id, "step", [{"step": end.id, "path": end.path, **told}])
