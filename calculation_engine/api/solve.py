"""One module, run and waited for in one request."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from pydantic import Field

from calculation_engine.api.jobs import document_of, take_in, view_of
from calculation_engine.api.problems import PROBLEM_TYPE, MethodNotAllowed
from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import job_path
from calculation_engine.errors import Fault, InvalidInput, JobFailed
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.job import JobView
from calculation_engine.schemas.problem import Problem
from calculation_engine.states import ENDED, Reason, State

_FIRST_LOOK_SECONDS = 0.02
_LAST_LOOK_SECONDS = 0.25
#: Failures that the request can be changed to avoid; the others are the server's or the module's.
_YOURS = frozenset(
    {Reason.INPUT_INVALID, Reason.NO_SOLUTION, Reason.TIME_LIMIT, Reason.OUT_OF_MEMORY, Reason.DISK_LIMIT}
)


class SolveQuery(Schema):
    """How long to wait."""

    wait: float | None = Field(default=None, ge=0, le=3600)
    """Seconds to wait for the result; then the reply is the job's address. Default: a setting of the server."""


class JobProblem(Problem):
    """What is wrong with a request; or why its job has no result, then with ``reason`` and ``job``."""

    reason: Reason | None = None
    job: JobView | None = None


async def run_default(call: Call) -> Reply:
    """Run a module without any input and wait for it."""
    module = await call.run(call.context.catalogue.get, call.path["name"])
    if not module.manifest.default_run:
        labels = ", ".join(slot.label for slot in module.manifest.inputs) or "its config"
        message = f"module {module.manifest.name} does not run without input"
        raise MethodNotAllowed(message, "OPTIONS, POST", hint=f"POST its config and inputs ({labels})")
    return await _solve(call, {})


async def run_module(call: Call) -> Reply:
    """Run a module with the request's config and inputs and wait for it."""
    return await _solve(call, document_of(call.body, required=False))


async def _solve(call: Call, document: dict[str, Any]) -> Reply:
    wrong = sorted({"module", "workflow", "processes"} & document.keys())
    if wrong:
        faults = [
            Fault(name, "the address names the module", "leave it out, or send the job to PUT /api/job")
            for name in wrong
        ]
        raise InvalidInput("the request says what runs a second time", faults=faults)
    job_id = await call.run(_start, call, {"module": call.path["name"]} | document)
    query: SolveQuery = call.query
    seconds = call.context.settings.solve_timeout_seconds if query.wait is None else query.wait
    await _wait(call, job_id, seconds)
    view: JobView = await call.run(_view, call, job_id)
    location = {"Location": job_path(job_id)}
    if view.state not in ENDED:
        return Reply(view, 202, location)
    if view.state is State.SUCCEEDED:
        return Reply(view, 200, location)
    return _failure(view, location)


def _start(call: Call, document: dict[str, Any]) -> str:
    call.context.catalogue.get(call.path["name"])  # an unknown module is an unknown address here
    return take_in(call, document, None)[0].id


async def _wait(call: Call, job_id: str, seconds: float) -> None:
    """Return when the job has ended, the time is over, or nobody waits any more."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_LOOK_SECONDS
    while not await call.run(_has_ended, call, job_id):
        left = deadline - time.monotonic()
        if left <= 0 or await call.pause(min(pause, left)):
            return
        pause = min(pause * 1.5, _LAST_LOOK_SECONDS)


def _has_ended(call: Call, job_id: str) -> bool:
    return call.context.database.jobs.get(job_id).state in ENDED


def _view(call: Call, job_id: str) -> JobView:
    return view_of(call, call.context.database.jobs.get(job_id))


def _failure(view: JobView, headers: dict[str, str]) -> Reply:
    if view.state is State.CANCELLED:
        status = HTTPStatus.CONFLICT
    elif view.reason in _YOURS:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    problem = JobProblem(
        type=f"about:blank#{JobFailed.__name__}",
        title=f"The job {view.state}",
        status=status,
        detail=view.message or f"the job {view.state}: {view.reason}",
        hint=f"its log: GET {view.links.log}",
        reason=view.reason,
        job=view,
    )
    return Reply(problem, status, headers | {"Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store"})
