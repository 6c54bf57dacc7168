"""Jobs: taken in, listed, shown, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema, create_model

from calculation_engine.api.bodies import Body
from calculation_engine.api.problems import as_sent
from calculation_engine.api.query import cursor_checked
from calculation_engine.api.routes import PREFIX, Call, Reply
from calculation_engine.api.uploads import delete_uploads, store_uploads
from calculation_engine.api.views import job_path, job_summary, job_view
from calculation_engine.db.rows import JobFilter, JobRow
from calculation_engine.engine.intake.rerunning import Rerunner
from calculation_engine.engine.intake.unreadable import unreadable
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.job import JobPage, JobRequest, JobView
from calculation_engine.schemas.workflow import Process, Workflow
from calculation_engine.states import ENDED, State


def _fields(model: type[Schema], names: Sequence[str]) -> dict[str, Any]:
    return {name: (model.model_fields[name].annotation, model.model_fields[name]) for name in names}


_COMMON = _fields(JobRequest, ["name", "description", "tags", "slot", "priority", "reuse"])
_SHORT = _fields(Process, ["config", "inputs", "executor", "resources", "retry"])

#: What a request may be besides :class:`JobRequest`, for the documentation: that class reads these forms as well.
ModuleJob = create_model(
    "ModuleJob",
    __base__=Schema,
    __doc__="A job of one module, in short.",
    **_COMMON,
    **_fields(Process, ["module"]),
    **_SHORT,
)
FlowJob = create_model(
    "FlowJob",
    __base__=Schema,
    __doc__="A job whose workflow stands at its top.",
    **_COMMON,
    **_fields(Workflow, ["processes", "components"]),
)
#: What ``/solve`` takes: the module is in the address.
SolveRequest = create_model(
    "SolveRequest", __base__=Schema, __doc__="One module's config and inputs.", **_COMMON, **_SHORT
)


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("expected a time of the years 1 to 9999 in UTC") from error


def _time(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        told = "expected a day or a time, as 2030-01-31 or 2030-01-31T12:00:00Z"
        raise ValueError(f"{told}, got {value!r}") from error


def _key_value(value: str) -> str:
    key, _, rest = value.partition(":")
    if not key or not rest:
        raise ValueError(f"expected a tag as key:value, got {value[:80]!r}")
    return value


#: A day is its first instant; what names no zone is in UTC.
Time = Annotated[datetime, BeforeValidator(_time), AfterValidator(_in_utc)]
KeyValue = Annotated[str, AfterValidator(_key_value), WithJsonSchema({"type": "string", "pattern": "^[^:]+:.+$"})]


class JobQuery(Schema):
    """Which jobs are listed, and how."""

    state: list[State] = Field(default=[])
    """State of the job; may be repeated."""
    module: str | None = None
    """Module that it runs."""
    slot: str | None = None
    """Slot that it has or had."""
    name: str | None = None
    """Beginning of its name."""
    tag: list[KeyValue] = Field(default=[])
    """Tag, as `key:value`; may be repeated, and all must match."""
    owner: str | None = None
    """Whose it is."""
    created_after: Time | None = None
    """Time, as `2030-01-31T12:00:00Z`, or day, as `2030-01-31`; included."""
    created_before: Time | None = None
    """Time, or day; not included."""
    sort: Literal["created", "-created", "name", "-name"] = "-created"
    """Order; the minus sign turns it round."""
    limit: int = Field(default=50, ge=1, le=500)
    """Jobs of a page."""
    cursor: str | None = Field(default=None, max_length=1000)
    """Where the page begins, as `next` of the page before says."""


def list_jobs(call: Call) -> Reply:
    """Answer one page of jobs."""
    query: JobQuery = call.query
    tags = dict(tag.split(":", 1) for tag in query.tag)
    wanted = JobFilter(
        owner=query.owner if call.sees_all else call.owner,
        states=frozenset(query.state),
        module=query.module,
        slot=query.slot,
        tags=tags,
        name_prefix=query.name,
        created_after=query.created_after,
        created_before=query.created_before,
    )
    if not call.sees_all and query.owner not in {None, call.owner}:
        return Reply(JobPage(jobs=[], next=None))
    with cursor_checked(query.cursor):
        rows, cursor = call.context.database.jobs.find(wanted, query.sort, query.limit, query.cursor)
    given = query.model_dump(mode="json", exclude_unset=True, exclude={"cursor"})
    following = urlencode({**given, "cursor": cursor}, doseq=True) if cursor else None
    return Reply(JobPage(jobs=[job_summary(row) for row in rows], next=following and f"{PREFIX}/job?{following}"))


def show_job(call: Call) -> Reply:
    """Answer a job, whole."""
    return Reply(view_of(call, call.load_job()))


def submit_job(call: Call) -> Reply:
    """Take a job in under an id that the server chooses."""
    job, _ = take_in(call, document_of(call.body), None)
    return Reply(view_of(call, job), 201, {"Location": job_path(job.id)})


def put_job(call: Call) -> Reply:
    """Take a job in under the id that the client chose; the same again is the same job."""
    try:
        job_id = str(UUID(call.path["id"]))
    except ValueError as error:
        fault = Fault("id", f"expected a UUID, got {call.path['id']!r}", "leave it out and the server chooses one")
        raise InvalidInput("the job's id cannot be used", faults=[fault]) from error
    job, is_new = take_in(call, document_of(call.body), job_id)
    return Reply(view_of(call, job), 201 if is_new else 200, {"Location": job_path(job.id)})


def cancel_job(call: Call) -> Reply:
    """Ask for a job's end."""
    job = call.context.database.jobs.request_cancel(call.load_job().id)
    call.context.wake()
    return Reply(view_of(call, job), 200 if job.state in ENDED else 202)


def rerun_job(call: Call) -> Reply:
    """Repeat a job that has ended, exactly: every step is computed anew, and its result held against the first one."""
    job = Rerunner(call.context.submission).rerun(call.load_job(), call.owner)
    call.context.wake()
    return Reply(view_of(call, job), 201, {"Location": job_path(job.id)})


def delete_job(call: Call) -> Reply:
    """Delete an ended job with its logs; its files go when nothing else uses them."""
    job = call.load_job()
    steps = call.context.database.steps.of_job(job.id)
    call.context.database.jobs.delete(job.id)
    for step in steps:
        step_log(call.context.settings.data_dir, step.id).unlink(missing_ok=True)
    return Reply(status=204)


def take_in(call: Call, document: dict[str, Any], job_id: str | None) -> tuple[JobRow, bool]:
    """Store a job with the files of its request, and return it and whether it is new.

    Raises:
        InvalidInput: with all faults, their paths as in the document; nothing is stored then.
    """
    with_parts = _with_parts(document, [file.part for file in call.body.files])
    try:
        request = JobRequest.model_validate(with_parts)
    except ValidationError as error:
        raise as_sent(unreadable(call.context.submission, with_parts, error, call.owner), document) from error
    parts = store_uploads(call)
    is_new = False
    try:
        job, is_new = call.context.submission.submit(request, call.owner, job_id, parts)
    except InvalidInput as error:
        raise as_sent(error, document) from error
    finally:
        if not is_new:
            delete_uploads(call, parts.values())
    if is_new:
        call.context.wake()
    return job, is_new


def view_of(call: Call, job: JobRow) -> JobView:
    """Return the job with its steps as they stand now."""
    return job_view(job, call.context.database.steps.of_job(job.id))


def document_of(body: Body, *, required: bool = True) -> dict[str, Any]:
    """Return the document of a request.

    Raises:
        InvalidInput: it is no object, or a form came without it.
    """
    if body.document is None and not required:
        return {}
    if not isinstance(body.document, dict):
        kind = {type(None): "nothing", list: "a list", str: "a text", bool: "true or false"}.get(
            type(body.document), "a number"
        )
        hint = "in a form, the part `job` holds it" if body.files else None
        raise InvalidInput(f'the job: expected an object such as {{"module": "cbc"}}, got {kind}', hint=hint)
    return body.document


def _with_parts(document: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the document with the files of the form that nothing refers to as the inputs of their names."""
    free = [name for name in names if name not in _referred(document)]
    if not free:
        return document
    if "module" not in document or "workflow" in document:
        faults = [
            Fault(name, "no input refers to this part", 'write {"type": "part", "name": ...} where it belongs')
            for name in free
        ]
        raise InvalidInput("the form has files that the job does not use", faults=faults)
    inputs = document.get("inputs") or {}
    if not isinstance(inputs, dict):
        return document
    return document | {"inputs": {name: {"type": "part", "name": name} for name in free} | inputs}


def _referred(value: Any) -> set[str]:
    """Return the names of all parts that a document refers to."""
    if isinstance(value, list):
        return {name for item in value for name in _referred(item)}
    if not isinstance(value, dict):
        return set()
    if value.get("type") == "part" and isinstance(value.get("name"), str):
        return {value["name"]}
    return {name for item in value.values() for name in _referred(item)}
