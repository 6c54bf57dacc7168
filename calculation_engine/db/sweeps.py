"""Sweeps: which of their rows have begun, and how those ended."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, func, select

from calculation_engine.db.rows import RowEnd, SweepStand, names_of
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import outputs, steps, sweep_rows
from calculation_engine.schemas.files import Blob
from calculation_engine.states import State


class Sweeps:
    """The rows of the database's sweeps. They are written by :meth:`Jobs.plan`. Every method is one transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def stand(self, job_id: str, sweep: str) -> SweepStand:
        """Return how far a sweep is; this costs the same however many rows have ended well."""
        return self._sessions.read(lambda tx: _stand(tx, job_id, sweep))

    def states(self, job_id: str, sweep: str) -> Mapping[int, State]:
        """Return the state of every row that has begun, by its number."""
        query = select(sweep_rows.c.number, sweep_rows.c.state).where(_of(job_id, sweep))
        return self._sessions.read(lambda tx: {row.number: row.state for row in tx.run(query)})

    def ends(self, job_id: str, sweep: str | None = None, limit: int | None = None) -> list[RowEnd]:
        """Return how the ended rows of one or all of a job's sweeps ended, by number.

        Args:
            job_id: whose sweeps.
            sweep: which; None: all.
            limit: so many of the highest numbers.
        """
        query = select(*(sweep_rows.c[name] for name in names_of(RowEnd)))
        query = query.where(sweep_rows.c.job_id == job_id, sweep_rows.c.state != State.RUNNING)
        if sweep is not None:
            query = query.where(sweep_rows.c.sweep == sweep)
        query = query.order_by(sweep_rows.c.sweep.desc(), sweep_rows.c.number.desc()).limit(limit)
        rows = self._sessions.read(lambda tx: [RowEnd(**row._mapping) for row in tx.run(query)])
        return rows[::-1]

    def files(self, job_id: str, process: str, label: str) -> dict[str, Blob]:
        """Return the files that a job's steps of a process have left under a label, by the path of the step."""
        query = select(steps.c.path, outputs.c.sha256, outputs.c.size).join(steps, steps.c.id == outputs.c.step_id)
        query = query.where(steps.c.job_id == job_id, steps.c.process == process, outputs.c.label == label)
        rows = self._sessions.read(lambda tx: tx.run(query).all())
        return {row.path: Blob(sha256=row.sha256, size=row.size) for row in rows}

    def counts(self, job_id: str) -> dict[str, dict[State, int]]:
        """Return for each sweep of a job that has begun how many of its rows are in which state."""
        query = select(sweep_rows.c.sweep, sweep_rows.c.state, func.count().label("rows"))
        query = query.where(sweep_rows.c.job_id == job_id).group_by(sweep_rows.c.sweep, sweep_rows.c.state)
        found: dict[str, dict[State, int]] = {}
        for row in self._sessions.read(lambda tx: tx.run(query).all()):
            found.setdefault(row.sweep, {})[row.state] = row.rows
        return found


def _of(job_id: str, sweep: str) -> ColumnElement[bool]:
    return (sweep_rows.c.job_id == job_id) & (sweep_rows.c.sweep == sweep)


def _stand(tx: Transaction, job_id: str, sweep: str) -> SweepStand:
    running = select(sweep_rows.c.number).where(_of(job_id, sweep), sweep_rows.c.state == State.RUNNING)
    last = select(func.max(sweep_rows.c.number)).where(_of(job_id, sweep))
    failed = select(func.count()).where(_of(job_id, sweep), sweep_rows.c.state == State.FAILED)
    return SweepStand(
        running=sorted(tx.run(running).scalars()), last=tx.run(last).scalar() or 0, failed=tx.run(failed).scalar() or 0
    )
