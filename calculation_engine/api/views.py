"""Rows of the database as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from calculation_engine.api.routes import PREFIX
from calculation_engine.db.rows import AttemptRow, EventRow, JobRow, OutputFile, StepRow, UploadRow
from calculation_engine.schemas.event import Event
from calculation_engine.schemas.files import ResultFile, Upload, result_path
from calculation_engine.schemas.job import AttemptView, JobSummary, JobView, Links, Range, StepView
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.states import ENDED, State

#: How far the time left may lie from what the past suggests: half of it to twice.
_SPREAD = (0.5, 2.0)
_LEAST_FRACTION = 0.02  # below this the past suggests nothing


def job_path(job_id: str, *parts: str) -> str:
    """Return the address of a job, or of something of it."""
    return "/".join([f"{PREFIX}/job/{job_id}", *(quote(part) for part in parts)])


def job_summary(job: JobRow) -> JobSummary:
    """Return a job as lists show it."""
    return JobSummary(**_summary(job, job.fraction))


def job_view(job: JobRow, steps: Sequence[StepRow]) -> JobView:
    """Return a job, whole."""
    workflow = Workflow.model_validate(job.workflow)
    # The job's own is from the last time that it was planned; a step may have gone on since. How many steps a loop
    # will have is not known, nor are the steps of a sweep that are still to come.
    repeats = any(component.type in {"loop", "sweep"} for component in workflow.components)
    since = None if repeats else _fraction(steps, len(workflow.processes))
    known = [part for part in (job.fraction, since) if part is not None]
    summary = _summary(job, max(known, default=None))
    return JobView(
        **summary, workflow=workflow, origin=job.origin, loops=job.loops, steps=[step_view(step) for step in steps]
    )


def step_view(step: StepRow) -> StepView:
    """Return a step as its job shows it."""
    return StepView(
        id=step.id,
        path=step.path,
        process=step.process,
        module=step.module,
        module_version=step.module_version,
        executor=step.executor,
        attempt=step.attempt,
        state=step.state,
        reason=step.reason,
        message=step.message,
        progress=step.fraction,
        reused_from=step.reused_from,
        verdict=step.verdict,
        scalars=step.scalars,
        exit_code=step.exit_code,
        queued=time_text(step.queued),
        started=_text(step.started),
        ended=_text(step.ended),
        cpu_seconds=step.cpu_seconds,
        peak_memory_bytes=step.peak_memory_bytes,
        host=step.host,
        image=step.image,
        key=step.key,
    )


def attempt_view(path: str, attempt: AttemptRow) -> AttemptView:
    """Return an attempt of the step at a path."""
    return AttemptView(
        step=attempt.step_id,
        path=path,
        number=attempt.number,
        executor=attempt.executor,
        host=attempt.host,
        image=attempt.image,
        begun=time_text(attempt.begun),
        ended=_text(attempt.ended),
        state=attempt.state,
        reason=attempt.reason,
        message=attempt.message,
        exit_code=attempt.exit_code,
    )


def result_files(job_id: str, steps: Sequence[StepRow], outputs: Sequence[OutputFile]) -> list[ResultFile]:
    """Return a job's results in the order of its steps; a module may choose longer paths than a request could."""
    order = {step.id: (number, step.path) for number, step in enumerate(steps)}
    files = []
    for file in sorted(outputs, key=lambda file: (order[file.step_id][0], file.path)):
        path = result_path(order[file.step_id][1], steps[order[file.step_id][0]].module, file.path)
        link = job_path(job_id, "results", path)
        files.append(
            ResultFile.model_construct(
                path=path,
                sha256=file.sha256,
                size=file.size,
                media_type=file.media_type,
                label=file.label,
                step=file.step_id,
                link=link,
            )
        )
    return files


def upload_view(upload: UploadRow) -> Upload:
    """Return an upload as its sender sees it."""
    return Upload(
        uuid=upload.id,
        name=upload.name,
        size=upload.size,
        sha256=upload.sha256,
        media_type=upload.media_type,
        created=time_text(upload.created),
        link=f"{PREFIX}/upload/{upload.id}",
    )


def event_view(event: EventRow) -> Event:
    """Return an event as the stream tells it."""
    return Event(id=event.id, time=time_text(event.time), kind=event.kind, data=event.data)


def time_text(time: datetime) -> str:
    """Return a time as RFC 3339, in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(time: datetime | None) -> str | None:
    return None if time is None else time_text(time)


def _summary(job: JobRow, fraction: float | None) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "owner": job.owner,
        "description": job.description,
        "tags": job.tags,
        "slot": job.slot,
        "superseded_by": job.superseded_by,
        "priority": job.priority,
        "imported": _text(job.imported),
        "state": job.state,
        "reason": job.reason,
        "message": job.message,
        "progress": _progress(job, fraction),
        "created": time_text(job.created),
        "started": _text(job.started),
        "ended": _text(job.ended),
        "cancel_requested": _text(job.cancel_requested),
        "links": Links(
            self=job_path(job.id),
            log=job_path(job.id, "log"),
            events=job_path(job.id, "events"),
            results=job_path(job.id, "results"),
            cancel=job_path(job.id, "cancel"),
        ),
    }


def _progress(job: JobRow, fraction: float | None) -> Range:
    if job.state is State.SUCCEEDED:
        return Range(fraction=1.0)
    if job.state is not State.RUNNING or job.started is None or fraction is None:
        return Range(fraction=fraction)
    seconds = None
    if _LEAST_FRACTION <= fraction < 1:
        left = (datetime.now(UTC) - job.started).total_seconds() * (1 - fraction) / fraction
        seconds = (round(max(left, 0) * _SPREAD[0], 1), round(max(left, 0) * _SPREAD[1], 1))
    return Range(fraction=fraction, seconds_left=seconds)


def _fraction(steps: Sequence[StepRow], processes: int) -> float | None:
    """Return the part of all processes that is done; unknown until a step has told something."""
    if not any(step.state in ENDED or step.fraction is not None for step in steps):
        return None
    done = sum(1.0 if step.state in ENDED else step.fraction or 0.0 for step in steps)
    return min(1.0, done / max(processes, len(steps)))
