"""How large things are: the database itself, and the results of each job."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text

from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import jobs, outputs, steps
from calculation_engine.states import State

_MARIADB = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"


@dataclass(frozen=True, slots=True)
class JobSize:
    """A job and its results' bytes; what several jobs have in common counts for each."""

    id: str
    name: str
    owner: str
    state: State
    bytes: int


class Sizes:
    """Answers how large things are."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def database_bytes(self) -> int:
        """Return what the database uses on its disk, about."""

        def query(tx: Transaction) -> int:
            if self._sessions.is_sqlite:
                pages, size = (tx.run(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size"))
                return int(pages) * int(size)
            return int(tx.run(text(_MARIADB)).scalar() or 0)

        return self._sessions.read(query)

    def jobs_by_state(self) -> dict[State, int]:
        """Return how many jobs there are in each state."""
        query = select(jobs.c.state, func.count().label("jobs")).group_by(jobs.c.state)
        return self._sessions.read(lambda tx: {row.state: row.jobs for row in tx.run(query)})

    def largest_jobs(self, limit: int) -> list[JobSize]:
        """Return the jobs with the largest results."""
        size = func.sum(outputs.c.size)
        query = (
            select(jobs.c.id, jobs.c.name, jobs.c.owner, jobs.c.state, size.label("bytes"))
            .join(steps, steps.c.job_id == jobs.c.id)
            .join(outputs, outputs.c.step_id == steps.c.id)
            .group_by(jobs.c.id, jobs.c.name, jobs.c.owner, jobs.c.state)
            .order_by(size.desc(), jobs.c.id)
            .limit(limit)
        )
        return self._sessions.read(
            lambda tx: [JobSize(row.id, row.name, row.owner, row.state, int(row.bytes)) for row in tx.run(query)]
        )
