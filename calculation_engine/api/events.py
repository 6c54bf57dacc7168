"""What happens to a job, as it happens: server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import event_view
from calculation_engine.db.rows import EventRow
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.states import ENDED

EVENT_TYPE = "text/event-stream"
_LOOK_SECONDS = 0.2
_ALIVE_SECONDS = 10.0
_PAGE = 500
_RETRY = b"retry: 1000\n\n"  # milliseconds after which a browser comes back


async def stream_events(call: Call) -> Reply:
    """Answer a job's events from the beginning, or from behind ``Last-Event-ID``; ends when the job has."""
    after = _last_seen(call)
    job = await call.run(call.load_job)
    first = await call.run(_load, call, job.id, after)
    if after and not first and job.state in ENDED:
        return Reply(status=204)  # the one answer after which a browser does not come back
    headers = {"Content-Type": EVENT_TYPE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Reply(headers=headers, content=_stream(call, job.id, after))


async def _stream(call: Call, job_id: str, after: int) -> AsyncGenerator[bytes]:
    yield _RETRY
    told = time.monotonic()
    while True:
        ended = await call.run(_has_ended, call, job_id)  # asked first: its last event is then there as well
        while events := await call.run(_load, call, job_id, after):
            after = events[-1].id
            told = time.monotonic()
            yield b"".join(_encoded(event) for event in events)
        if ended or await call.pause(_LOOK_SECONDS):
            return
        if time.monotonic() - told > _ALIVE_SECONDS:
            told = time.monotonic()
            yield b": alive\n\n"


def _has_ended(call: Call, job_id: str) -> bool:
    return call.context.database.jobs.get(job_id).state in ENDED


def _load(call: Call, job_id: str, after: int) -> list[EventRow]:
    return call.context.database.events.since(job_id, after, _PAGE)


def _encoded(event: EventRow) -> bytes:
    return f"id: {event.id}\ndata: {event_view(event).model_dump_json()}\n\n".encode()


def _last_seen(call: Call) -> int:
    given = call.headers.get("Last-Event-ID", "0").strip()
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        fault = Fault("Last-Event-ID", f"expected the id of an event, got {given!r}")
        raise InvalidInput("the header Last-Event-ID cannot be used", faults=[fault])
    return int(given)
