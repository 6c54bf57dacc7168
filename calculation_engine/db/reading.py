"""How a step's row is read, with what its job says about it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select

from calculation_engine.db.rows import StepRow, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, steps

_COLUMNS = [
    *(steps.c[name] for name in names_of(StepRow) if name != "job_cancel_requested"),
    jobs.c.cancel_requested.is_not(None).label("job_cancel_requested"),
]


def load_steps(tx: Transaction, condition: ColumnElement[bool]) -> list[StepRow]:
    """Return the steps that meet ``condition``, by id."""
    query = select(*_COLUMNS).join(jobs, jobs.c.id == steps.c.job_id).where(condition).order_by(steps.c.id)
    return [StepRow(**row._mapping) for row in tx.run(query)]
