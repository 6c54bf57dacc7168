"""Two jobs held against each other, in threads of their own: large tables take a while."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pydantic import Field

from calculation_engine.api.routes import Call, Reply
from calculation_engine.comparison.files import Comparer
from calculation_engine.engine.explaining.jobdiff import JobDiffer
from calculation_engine.engine.steps.paths import scratch
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.jobdiff import JobDiff
from calculation_engine.schemas.reuse import Nearness

#: Comparisons at a time; further ones wait, and hold up no other request.
_POOL = ThreadPoolExecutor(2, "jobdiff")


class DiffQuery(Schema):
    """What is compared, and how exactly."""

    step: str | None = Field(default=None, max_length=500)
    """Path of the one step that is meant."""
    results: bool = True
    """Whether result files are compared."""
    relative: float = Field(default=1e-6, ge=0, lt=1)
    """How far numbers may lie apart, of the larger of the two."""
    absolute: float = Field(default=1e-9, ge=0)
    """How far numbers may lie apart, in their own unit."""


async def show_diff(call: Call) -> Reply:
    """Answer what differs between two jobs: settings, versions, inputs, and the results by their numbers."""
    return Reply(await asyncio.get_running_loop().run_in_executor(_POOL, _diff, call))


def _diff(call: Call) -> JobDiff:
    query: DiffQuery = call.query
    a, b = call.load_job(), call.load_job("other")
    context = call.context
    nearness = Nearness(relative=query.relative, absolute=query.absolute)
    comparer = Comparer(context.store.path, nearness, scratch(context.settings.data_dir))
    return JobDiffer(context.database, comparer).diff(a, b, results=query.results, step=query.step)
