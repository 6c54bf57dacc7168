"""Why a job's steps were computed or reused, and what they wait for."""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import Field

from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import job_path
from calculation_engine.engine.explaining.reasons import RULE, Reasons, summary
from calculation_engine.engine.explaining.waits import Waits
from calculation_engine.errors import NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.why import JobWhy, PartWait


class WhyQuery(Schema):
    """Which steps."""

    step: str | None = Field(default=None, max_length=500)
    """Path or id of the one step that is meant."""
    limit: int = Field(default=100, ge=1, le=500)
    """Steps of a page."""
    after: str = Field(default="", max_length=36)
    """Id of the last step of the page before."""


def show_why(call: Call) -> Reply:
    """Answer for each step why it was computed or reused: against which earlier run, and what differs.

    A step that is queued says what it waits for, and so does a part of the workflow that has no step yet.
    """
    query: WhyQuery = call.query
    job = call.load_job()
    history = call.context.database.history
    waits = Waits(call.context.database, call.context.settings, job)
    parts: list[PartWait] = []
    if query.step is not None:
        step = history.step_at(job.id, query.step) or history.steps([query.step]).get(query.step)
        if step is None or step.job_id != job.id:
            parts = [part for part in waits.parts() if part.name == query.step]
            if not parts:
                raise NotFound(f"job {job.id} has no step {query.step!r}", hint="`ce job show` lists its steps")
            steps, more = [], False
        else:
            steps, more = [step], False
    else:
        found = history.page(job.id, query.after, query.limit + 1)
        steps, more = found[: query.limit], len(found) > query.limit
        parts = [] if query.after else waits.parts()
    whys = Reasons(call.context.database, job, waits).of(steps)
    following = urlencode({"limit": query.limit, "after": steps[-1].id}) if more else None
    address = f"{job_path(job.id, 'why')}?{following}" if following else None
    return Reply(JobWhy(job=job.id, rule=RULE, sentence=summary(whys), steps=whys, waiting=parts, next=address))
