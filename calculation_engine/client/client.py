"""The Python client of a server."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import ValidationError

from calculation_engine.client.ids import new_id
from calculation_engine.client.job import Job
from calculation_engine.client.parsing import parse
from calculation_engine.client.places import Places, located
from calculation_engine.client.sending import document_of, faults_of, json_body, on_executor, sendable
from calculation_engine.client.transport import Transport
from calculation_engine.errors import EngineError, Fault, InvalidInput, NotFound
from calculation_engine.schemas.job import JobSummary, JobView, SlotPage, SlotView
from calculation_engine.schemas.module import Manifest
from calculation_engine.states import State

_HERE = "http://127.0.0.1:8081"
_LONGEST_PAGE = 100
_CHUNK_BYTES = 1 << 20


class Client:
    """A connection to a server.

    For example ``Client().solve("cbc", {"model": "osemosys"}, {"data": "utopia.txt"}).results["AnnualEmissions"]``.
    """

    def __init__(self, server: str | None = None, token: str | None = None, *, timeout_seconds: float = 300.0) -> None:
        """Name the server; nothing is sent yet.

        Args:
            server: its address; none: CE_SERVER, which JupyterLab of the compose project has, else this machine's.
            token: for a server that asks for one; none, with no ``server`` either: CE_TOKEN.
            timeout_seconds: how long one answer may take, the check of a large upload included.

        Raises:
            InvalidInput: ``server`` is not an address.
        """
        if server is None:  # as the command line has it; a notebook has no other place for settings
            server = os.environ.get("CE_SERVER", _HERE)  # noqa: TID251
            token = token or os.environ.get("CE_TOKEN")  # noqa: TID251
        self.transport = Transport(server, token, timeout_seconds)
        self._manifests: dict[str, Manifest] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Jobs go on."""
        self.transport.close()

    def submit(
        self,
        workflow: Mapping[str, Any] | Path | str | None = None,
        *,
        module: str | None = None,
        config: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        executor: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        reuse: str | Mapping[str, Any] | None = None,
        slot: str | None = None,
        priority: int | None = None,
        folder: Path | str = ".",
    ) -> Job:
        """Upload what the job reads, store the job, and return it without waiting for it.

        Args:
            workflow: a document as ``PUT /job`` takes it, or the YAML or JSON file that holds one; or none, and:
            module: the one module to run.
            config: its config.
            inputs: label to a path, a text of several lines, bytes, a DataFrame, files by name, or a reference.
            executor: where processes run that name no executor.
            name: for people.
            description: for people.
            tags: for finding it again.
            reuse: ``results``: those of equal steps are taken; ``never``; or ``verify``: computed anew and compared.
            slot: place that it takes over from an older job.
            priority: -10 to 10; larger goes first.
            folder: that relative paths in a document start from; a document's file stands for its own folder.

        Raises:
            InvalidInput: every fault of the job, each with its path; nothing was stored.
        """
        document, base = document_of(workflow, Path(folder))
        short = {"module": module, "config": config, "inputs": inputs}
        given = {key: value for key, value in short.items() if value is not None}
        if (workflow is None) == (module is None) or (workflow is not None and given):
            raise InvalidInput("submit: expected a workflow, or a module with its config and inputs")
        people: dict[str, Any] = {
            "name": name,
            "description": description,
            "tags": dict(tags) if tags else None,
            "reuse": reuse,
        }
        people |= {"slot": slot, "priority": priority}
        document |= given | {key: value for key, value in people.items() if value is not None}
        if executor is not None:
            document = on_executor(document, executor)
        try:
            body = sendable(document, base, self.transport)
            # The id is ours, so that a request whose answer was lost can be sent again without running twice.
            reply = self.transport.json("PUT", f"/job/{new_id()}", **json_body(body), idempotent=True)
        except InvalidInput as error:
            if not isinstance(workflow, str | Path):
                raise
            raise located(error, Path(folder) / workflow) from error
        return Job(self, parse(JobView, reply))

    def check(self, workflow: Mapping[str, Any] | Path | str, *, folder: Path | str = ".") -> list[Fault]:
        """Return all that is wrong with a job, each fault with its path, and its place where the job is a file.

        Nothing is stored or sent but the document; of files only whether they are there is looked at.

        Args:
            workflow: as of :meth:`submit`.
            folder: as of :meth:`submit`.
        """
        document, base = document_of(workflow, Path(folder))
        found = faults_of(document, base, self.transport)
        return found if isinstance(workflow, Mapping) else Places(Path(folder) / workflow).in_order(found)

    def workflow_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of workflow files, with the configs and inputs of the server's modules."""
        schema: dict[str, Any] = self.transport.json("GET", "/workflow/schema")
        return schema

    def solve(
        self,
        module: str,
        config: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        **options: Any,
    ) -> Job:
        """Run one module, wait for it and return the succeeded job.

        Args:
            module: its name.
            config: as of :meth:`submit`.
            inputs: as of :meth:`submit`.
            timeout: seconds to wait; none: as long as it takes.
            options: more of :meth:`submit`.

        Raises:
            JobFailed: it ended without its results, or the time is over; it then still runs.
        """
        job = self.submit(module=module, config=config, inputs=inputs, **options).wait(timeout)
        if job.state is not State.SUCCEEDED:
            raise job.failure()
        return job

    def job(self, job_id: str) -> Job:
        """Return a job by its id or a unique beginning of it.

        Raises:
            NotFound: there is none.
            Conflict: several ids begin like this.
            Gone: it was deleted.
        """
        return Job(self, self.fetch_view(job_id))

    def jobs(self, *, limit: int = 50, tags: Mapping[str, str] | None = None, **filters: Any) -> list[Job]:
        """Return the newest jobs.

        Args:
            limit: how many at most.
            tags: that they all must have.
            filters: of ``GET /job``: state (one or a list), module, slot, name, owner, created_after and created_before
                (as ``2026-01-31`` in UTC, a time with its zone, or a datetime), sort.

        Raises:
            InvalidInput: a filter has a value that is none; each is named.
        """
        query = [(key, str(one)) for key, value in filters.items() for one in _each(value)]
        query += [("tag", f"{key}:{value}") for key, value in (tags or {}).items()]
        query.append(("limit", str(min(limit, _LONGEST_PAGE))))
        jobs: list[Job] = []
        while len(jobs) < limit:
            page = self.transport.json("GET", "/job", params=query)
            jobs += [Job(self, parse(JobSummary, job)) for job in page["jobs"]]
            if page["next"] is None:
                break
            query = parse_qsl(urlsplit(page["next"]).query)
        return jobs[:limit]

    def slots(self) -> list[SlotView]:
        """Return all slots that have a job, by name: each with its newest job and its last result."""
        found: list[SlotView] = []
        query = [("limit", str(_LONGEST_PAGE))]
        while True:
            page = parse(SlotPage, self.transport.json("GET", "/slot", params=query))
            found += page.slots
            if page.next is None:
                return found
            query = parse_qsl(urlsplit(page.next).query)

    def slot(self, name: str) -> SlotView:
        """Return what stands in a slot: its newest job, its last result, and whether that is outdated.

        Raises:
            NotFound: no job has it.
        """
        return parse(SlotView, self.transport.json("GET", f"/slot/{quote(name, safe='')}"))

    def import_job(self, file: Path | str) -> tuple[Job, bool]:
        """Bring a job here from the crate that :meth:`Job.export` wrote; return it and whether it is new here.

        Raises:
            InvalidInput: the crate is damaged; every fault is named, and nothing was stored.
            Conflict: its id belongs to another job here.
        """
        path = Path(file)
        headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/zip"}
        with path.open("rb") as content:
            chunks = iter(lambda: content.read(_CHUNK_BYTES), b"")
            response = self.transport.request("POST", "/job/import", content=chunks, headers=headers, idempotent=False)
        return Job(self, parse(JobView, response.json())), response.status_code == HTTPStatus.CREATED

    def modules(self) -> list[dict[str, Any]]:
        """Return name, version and title of every module that the server has."""
        modules: list[dict[str, Any]] = self.transport.json("GET", "/module")
        return modules

    def module_document(self, name: str) -> dict[str, Any]:
        """Return all that the server tells of a module: its manifest, config schema and cases.

        Raises:
            NotFound: there is none; near names are told.
        """
        document: dict[str, Any] = self.transport.json("GET", f"/module/{quote(name, safe='')}")
        return document

    def module(self, name: str) -> Manifest:
        """Return a module's manifest; asked for once, then kept.

        Raises:
            NotFound: there is none; near names are told.
            EngineError: the server's manifest is not understood here.
        """
        if name not in self._manifests:
            try:
                self._manifests[name] = Manifest.model_validate(self.module_document(name), extra="ignore")
            except ValidationError as error:
                raise EngineError(f"the server's manifest of {name} is not understood: {error}") from error
        return self._manifests[name]

    def fetch_view(self, job_id: str) -> JobView:
        """Return what the server knows of a job now.

        Raises:
            NotFound: there is none of that id.
        """
        if not re.fullmatch(r"[0-9A-Fa-f-]+", job_id):
            raise NotFound(
                f"there is no job {job_id!r}", hint="expected an id or at least 4 characters of its beginning"
            )
        return parse(JobView, self.transport.json("GET", f"/job/{quote(job_id, safe='')}"))


def _each(value: Any) -> list[Any]:
    """Return a filter's values: none, one, or those of a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
