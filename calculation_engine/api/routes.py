"""What a route is: the one description from which its address, its checks and its documentation come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from calculation_engine.api.bodies import Body
from calculation_engine.api.context import Context
from calculation_engine.db.rows import JobRow, UploadRow
from calculation_engine.errors import NotFound
from calculation_engine.schemas.base import Schema

PREFIX = "/api"
JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Call:
    """One request, checked: what an operation sees of it."""

    context: Context
    owner: str
    sees_all: bool  #: no tokens are used: what is here is this person's, whoever made it
    route: Route
    path: Mapping[str, str]
    query: Any  #: an object of the route's query model
    headers: Mapping[str, str]
    body: Body
    run: Callable[
        ..., Awaitable[Any]
    ]  #: runs a function that blocks in a thread, as ``await call.run(function, argument)``
    gone: asyncio.Event  #: set when the client has hung up

    async def pause(self, seconds: float) -> bool:
        """Wait, and return whether the client has hung up meanwhile."""
        try:
            await asyncio.wait_for(self.gone.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def load_job(self, name: str = "id") -> JobRow:
        """Return the job that a part of the path names by its id or the beginning of it.

        Raises:
            NotFound: there is none, or it is somebody else's.
            Gone: it was deleted.
            Conflict: several begin with this.
        """
        jobs = self.context.database.jobs
        job = jobs.get(jobs.resolve(self.path[name], None if self.sees_all else self.owner))
        if not self.may_see(job.owner):
            raise NotFound(f"there is no job {job.id}")
        return job

    def load_upload(self) -> UploadRow:
        """Return the upload that the path names; raises as :meth:`load_job`."""
        upload = self.context.database.uploads.get(self.path["id"].lower())
        if not self.may_see(upload.owner):
            raise NotFound(f"there is no upload {upload.id}")
        return upload

    def may_see(self, owner: str) -> bool:
        """Return whether what belongs to ``owner`` is shown."""
        return self.sees_all or owner == self.owner


#: What is sent piece by piece: a plain generator runs in threads and may block, the other on the event loop.
Content = Generator[bytes] | AsyncGenerator[bytes]


@dataclass(frozen=True)
class Reply:
    """What an operation answers: a body that is sent as JSON, or content that is sent piece by piece."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Content | None = None


#: A plain function runs in a thread and may block; a coroutine function runs on the event loop and must not.
Operation = Callable[[Call], Reply] | Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True)
class Takes:
    """Which bodies a route takes."""

    models: tuple[type[BaseModel], ...] = ()  #: alternatives of a document, as JSON or YAML
    form: bool = False  #: a form with the document in one part and files in the others
    form_document: bool = True  #: whether a form has a document at all
    file: bool = False  #: any other body is a file
    required: bool = True


@dataclass(frozen=True)
class Returns:
    """One reply of a route, for its documentation."""

    description: str
    model: type[BaseModel] | None = None
    many: bool = False  #: a list of the model
    media_type: str = JSON_TYPE


@dataclass(frozen=True)
class Route:
    """One operation at one address."""

    method: str
    path: str  #: with ``{id}`` for one part, and ``{path}`` for all that is left
    operation: Operation
    tag: str
    summary: str
    returns: Mapping[int, Returns]
    query: type[Schema] = Schema
    takes: Takes | None = None
    short: bool = False  #: answered without the prefix, too
    open: bool = False  #: needs no token
    linked: bool = False  #: a link on a web page elsewhere may lead there
    path_help: Mapping[str, str] = field(default_factory=dict)  #: of parts of the path that mean something else here
    safe: bool = True  #: GET changes nothing, so that HEAD may stand for it

    @property
    def name(self) -> str:
        """Name of the operation."""
        return self.operation.__name__

    @property
    def patterns(self) -> list[str]:
        """Regular expressions of its addresses."""
        inner = self.path.replace("{path}", "(?P<path>.+)")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", inner) + ("" if "{path}" in self.path else "/?")
        return [pattern, pattern.removeprefix(PREFIX)] if self.short else [pattern]

    @property
    def path_names(self) -> list[str]:
        """Names of the parameters in its path."""
        return re.findall(r"\{(\w+)\}", self.path)
