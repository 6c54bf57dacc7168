"""Uploads: files sent before the job that reads them, or along with it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlencode

from pydantic import Field
from uuid_utils import uuid7

from calculation_engine.api.bodies import StoredFile
from calculation_engine.api.query import cursor_checked
from calculation_engine.api.routes import PREFIX, Call, Reply
from calculation_engine.api.views import upload_view
from calculation_engine.db.rows import NewUpload, UploadRow
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.files import Upload


class UploadPage(Schema):
    """One page of a list of uploads."""

    uploads: list[Upload]
    next: str | None
    """Address of the next page, or none."""


class UploadQuery(Schema):
    """What is told of a file besides its content."""

    name: str | None = Field(default=None, max_length=255)
    """File name, for people; a Content-Disposition header may give it as well."""


class PageQuery(Schema):
    """Which page."""

    limit: int = Field(default=50, ge=1, le=500)
    """Uploads of a page."""
    cursor: str | None = Field(default=None, max_length=1000)
    """Where the page begins, as `next` of the page before says."""


def put_upload(call: Call) -> Reply:
    """Keep the file that the request brought."""
    if len(call.body.files) != 1:
        hint = "send each file by itself, many as one zip archive, or all with the job: PUT /api/job"
        raise InvalidInput(f"the form: expected one file, got {len(call.body.files)}", hint=hint)
    view = upload_view(_store(call, call.body.files[0]))
    return Reply(view, 201, {"Location": view.link})


def list_uploads(call: Call) -> Reply:
    """Answer one page of uploads, latest first."""
    query: PageQuery = call.query
    owner = None if call.sees_all else call.owner
    with cursor_checked(query.cursor):
        rows, cursor = call.context.database.uploads.find(owner, query.limit, query.cursor)
    following = f"{PREFIX}/upload?{urlencode({'limit': query.limit, 'cursor': cursor})}" if cursor else None
    return Reply(UploadPage(uploads=[upload_view(row) for row in rows], next=following))


def show_upload(call: Call) -> Reply:
    """Answer what is known of an upload."""
    return Reply(upload_view(call.load_upload()))


def delete_upload(call: Call) -> Reply:
    """Delete an upload; jobs that were given it keep their files."""
    call.context.database.uploads.delete(call.load_upload().id)
    return Reply(status=204)


def store_uploads(call: Call) -> dict[str, str]:
    """Keep all files of a form and return the id of each by the name of its part."""
    return {file.part: _store(call, file).id for file in call.body.files}


def delete_uploads(call: Call, ids: Iterable[str]) -> None:
    """Delete uploads of a request that came to nothing."""
    for upload_id in ids:
        with suppress(NotFound):
            call.context.database.uploads.delete(upload_id)


def _store(call: Call, file: StoredFile) -> UploadRow:
    return call.context.database.uploads.create(
        NewUpload(
            id=str(uuid7()),
            owner=call.owner,
            name=file.name,
            size=file.blob.size,
            sha256=file.blob.sha256,
            media_type=file.media_type,
        )
    )
