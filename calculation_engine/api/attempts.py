"""Attempts: every time that a step of a job was begun, where, and how that ended."""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import Field

from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import attempt_view, job_path
from calculation_engine.errors import NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.job import AttemptPage


class AttemptQuery(Schema):
    """Whose attempts."""

    step: str | None = Field(default=None, max_length=500)
    """Path of the one step that is meant."""
    limit: int = Field(default=100, ge=1, le=500)
    """Attempts of a page."""
    after: str = Field(default="", pattern=r"^([0-9a-f-]{36}/[0-9]{1,9})?$")
    """Id of the step and number of the last attempt of the page before, as `next` says."""


def list_attempts(call: Call) -> Reply:
    """Answer one page of a job's attempts: number, place, times, how each ended and why.

    A step that was reused, or that has not begun, has none.
    """
    query: AttemptQuery = call.query
    job, database = call.load_job(), call.context.database
    if query.step is not None and database.history.step_at(job.id, query.step) is None:
        raise NotFound(f"job {job.id} has no step {query.step!r}", hint="`ce job show` lists its steps")
    step_id, _, number = query.after.partition("/")
    found = database.steps.attempts_of_job(job.id, query.step, (step_id, int(number or 0)), query.limit + 1)
    shown = [attempt_view(path, attempt) for path, attempt in found[: query.limit]]
    address = None
    if len(found) > query.limit:
        given = {"limit": query.limit, "after": f"{shown[-1].step}/{shown[-1].number}"}
        chosen = {} if query.step is None else {"step": query.step}
        address = f"{job_path(job.id, 'attempts')}?{urlencode(chosen | given)}"
    return Reply(AttemptPage(job=job.id, attempts=shown, next=address))
