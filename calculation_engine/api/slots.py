"""Slots: what stands in a named place among jobs."""

from __future__ import annotations

from urllib.parse import urlencode

from pydantic import Field

from calculation_engine.api.routes import PREFIX, Call, Reply
from calculation_engine.api.views import job_summary
from calculation_engine.db.rows import JobRow
from calculation_engine.errors import NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.job import SlotPage, SlotView


class SlotQuery(Schema):
    """Which slots are listed."""

    limit: int = Field(default=50, ge=1, le=500)
    """Slots of a page."""
    after: str = Field(default="", max_length=100)
    """Name of the last slot of the page before."""


def list_slots(call: Call) -> Reply:
    """Answer one page of the slots that have a job, by name: each with its newest job and its last result."""
    query: SlotQuery = call.query
    found = call.context.database.jobs.slots(call.owner, query.after, query.limit + 1)
    views = [_view(call, name, *jobs) for name, jobs in found.items()]
    shown, more = views[: query.limit], len(views) > query.limit
    following = f"{PREFIX}/slot?{urlencode({'limit': query.limit, 'after': shown[-1].name})}" if more else None
    return Reply(SlotPage(slots=shown, next=following))


def show_slot(call: Call) -> Reply:
    """Answer a slot's newest job, and its last result, which stays until the newest job has one."""
    name = call.path["path"]
    newest, result = call.context.database.jobs.slot(call.owner, name)
    if newest is None and result is None:
        raise NotFound(
            f"no job of {call.owner} has the slot {name!r}", hint="`ce slot list` shows the slots that there are"
        )
    return Reply(_view(call, name, newest, result))


def _view(call: Call, name: str, newest: JobRow | None, result: JobRow | None) -> SlotView:
    return SlotView(
        name=name,
        owner=call.owner,
        newest=None if newest is None else job_summary(newest),
        result=None if result is None else job_summary(result),
        is_outdated=result is not None and newest is not None and result.id != newest.id,
    )
