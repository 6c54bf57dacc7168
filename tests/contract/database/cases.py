"""What the database's tests share: rows to store, threads that begin together, steps on their way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, JobFilter, JobRow, NewJob, NewStep, NewUpload, StepRow, UploadRow
from calculation_engine.schemas.files import Blob
from calculation_engine.states import Reason, State

#: Runs a function in so many threads that begin together, each with its number; returns what they return.
Together = Callable[[int, Callable[[int], Any]], list[Any]]

SHA = "0123456789abcdef" * 4


def run_together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """See :data:`Together`."""
    barrier = Barrier(count)

    def one(number: int) -> Any:
        barrier.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


class Maker:
    """Makes rows, and brings steps into the state that a test begins with."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def id(self) -> str:
        """Return a new id."""
        return str(uuid7())

    def step(self, path: str, **values: Any) -> NewStep:
        """Return a step to be queued."""
        given = {
            "id": self.id(), "path": path, "process": path, "module": "cbc", "executor": "local",
            "config": {"model": "osemosys"}, "files": {"data.txt": Blob(sha256=SHA, size=3)}, "resources": {"cpu": 1},
        }  # fmt: skip
        return NewStep(**given | values)

    def job(self, *steps: NewStep, **values: Any) -> NewJob:
        """Return a job to be stored."""
        modules = sorted({step.module for step in steps}) or ["cbc"]
        given = {
            "id": self.id(), "owner": "local", "name": "a job", "description": "", "tags": {}, "slot": None,
            "request_hash": "0" * 64, "steps": list(steps),
            "workflow": {"processes": [{"name": name, "module": name} for name in modules]},
        }  # fmt: skip
        return NewJob(**given | values)

    def stored(self, *steps: NewStep, **values: Any) -> str:
        """Store a job and return its id."""
        return self.database.jobs.create(self.job(*steps, **values))[0].id

    def planned(self, job_id: str) -> None:
        """Clear the mark that the job is due."""
        seen = dict(self.database.jobs.due(1000))[job_id]
        self.database.jobs.plan(job_id, seen, [])

    def claimed(self, owner: str = "engine", **values: Any) -> StepRow:
        """Store a job of one step and claim it."""
        new = self.step("a", **values)
        self.stored(new)
        (step,) = (step for step in self.database.steps.claim(owner, [new.executor], 1, 30) if step.id == new.id)
        return step

    def begun(self, step: StepRow, host: str = "here", key: str | None = None) -> StepRow:
        """Begin an attempt of a claimed step."""
        return self.database.steps.begin(
            step.id, self.token(step), attempt_increment=True, spec={"command": ["true"]}, key=key,
            module_version="1.0.0", host=host, image="an image",
        )  # fmt: skip

    def running(self, step: StepRow, host: str = "here", key: str | None = None) -> StepRow:
        """Begin and start an attempt of a claimed step."""
        begun = self.begun(step, host, key)
        self.database.steps.started(step.id, self.token(step), f"handle of {begun.attempt_id}", host)
        return self.database.steps.get(step.id)

    def upload(self, **values: Any) -> UploadRow:
        """Store an upload."""
        given: dict[str, Any] = {"owner": "local", "name": "data.txt", "size": 3, "sha256": SHA}
        new = NewUpload(**{"id": self.id(), "media_type": "text/plain"} | given | values)
        return self.database.uploads.create(new)

    @staticmethod
    def token(step: StepRow) -> str:
        """Return the token of a leased step."""
        assert step.lease_token is not None
        return step.lease_token


def end_job(database: Database, job_id: str) -> None:
    """End a job of which nothing runs as cancelled."""
    database.jobs.request_cancel(job_id)
    database.jobs.plan(job_id, dict(database.jobs.due(1000))[job_id], [], JobChange(State.CANCELLED, Reason.CANCELLED))


def pages_of(database: Database, wanted: JobFilter, sort: str, limit: int) -> list[list[JobRow]]:
    """Return all pages of a list."""
    pages, cursor = [], None
    while True:
        page, cursor = database.jobs.find(wanted, sort, limit, cursor)
        pages.append(page)
        if cursor is None:
            return pages


def is_before(first: datetime | None, second: datetime | None) -> bool:
    """Whether both are set and the first is not later."""
    return first is not None and second is not None and first <= second
