"""Slots: what stands in a named place among jobs."""

from __future__ import annotations

from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import job_summary
from calculation_engine.errors import NotFound
from calculation_engine.schemas.job import SlotView


def show_slot(call: Call) -> Reply:
    """Answer a slot's newest job, and its last result, which stays until the newest job has one."""
    name = call.path["path"]
    newest, result = call.context.database.jobs.slot(call.owner, name)
    if newest is None and result is None:
        raise NotFound(
            f"no job of {call.owner} has the slot {name!r}", hint="`ce job list --slot` finds jobs by theirs"
        )
    return Reply(
        SlotView(
            name=name,
            owner=call.owner,
            newest=None if newest is None else job_summary(newest),
            result=None if result is None else job_summary(result),
            is_outdated=result is not None and newest is not None and result.id != newest.id,
        )
    )
