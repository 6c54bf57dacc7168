"""How a step's row is read, with what its job says about it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, select

from calculation_engine.db.rows import StepRow, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import jobs, steps

_COLUMNS = [
    *(steps.c[name] for name in names_of(StepRow) if name != "cancel_requested"),
    or_(jobs.c.cancel_requested.is_not(None), steps.c.cancel_requested.is_not(None)).label("cancel_requested"),
]


def load_steps(tx: Transaction, condition: ColumnElement[bool]) -> list[StepRow]:
    """Return the steps that meet ``condition``, by id."""
    query = select(*_COLUMNS).join(jobs, jobs.c.id == steps.c.job_id).where(condition).order_by(steps.c.id)
    return [StepRow(**row._mapping) for row in tx.run(query)]
