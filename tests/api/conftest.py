"""A real server on a free port, with a database and a store of its own; a test plays the engine."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from calculation_engine.api.application import make_application
from calculation_engine.api.context import Context
from calculation_engine.api.serving import listen
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, NewOutput, StepEnd, StepRow
from calculation_engine.engine.intake.submission import Submission
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.settings import Settings, load_settings
from calculation_engine.states import Reason, State
from calculation_engine.store import Store

HOST = "test-host"

MODULES = {
    "echo": """
name: echo
version: "1.0.0"
title: Says what it was given
licence: Apache-2.0
source: https://example.org/echo
command: [cat, input/data.txt]
image: {repository: calculation-engine/echo, tag: "1.0.0"}
inputs:
- {label: data, path: data.txt, media_type: text/plain, required: false}
- {label: tables, path: tables, kind: folder, media_type: text/csv, required: false}
outputs:
- {label: text, path: text.txt, media_type: text/plain}
- {label: page, path: page.html, media_type: text/html, required: false}
config_schema: {type: object, properties: {times: {type: integer}}, additionalProperties: false}
""",
    "pair": """
name: pair
version: "1.0.0"
title: Reads one of two, or two of three
licence: Apache-2.0
source: https://example.org/pair
command: ["true"]
image: {repository: calculation-engine/pair, tag: "1.0.0"}
inputs:
- {label: one, path: one.txt, required: false, excludes: [two]}
- {label: two, path: two.txt, required: false, needs: [three]}
- {label: three, path: three.txt, required: false}
any_of:
- [one, two]
""",
    "idle": """
name: idle
version: "1.0.0"
title: Does nothing
licence: Apache-2.0
source: https://example.org/idle
command: ["true"]
image: {repository: calculation-engine/idle, tag: "1.0.0"}
default_run: true
""",
}


@dataclass
class Site:
    """A server, and what is behind it."""

    context: Context
    url: str
    http: httpx2.Client
    wakes: list[float] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.context.database

    def put(self, body: Mapping[str, Any] | None = None, job_id: str = "", **headers: str) -> httpx2.Response:
        """Send a job; that of the module ``echo`` unless told otherwise."""
        path = f"/api/job/{job_id}" if job_id else "/api/job"
        return self.http.put(path, json=body or {"module": "echo"}, headers=headers)

    def job(self, body: Mapping[str, Any] | None = None, **headers: str) -> str:
        """Send a job and return its id."""
        response = self.put(body, **headers)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def upload(self, content: bytes, name: str = "data.txt") -> dict[str, Any]:
        response = self.http.put("/api/upload", params={"name": name}, content=content)
        assert response.status_code == 201, response.text
        return dict(response.json())

    def start(self, job_id: str) -> StepRow:
        """Play the engine: start the job's queued step."""
        database = self.database
        step = next(s for s in database.steps.claim("test", ["local"], 100, 60) if s.job_id == job_id)
        assert step.lease_token
        token = step.lease_token
        database.steps.begin(
            step.id, token, attempt_increment=True, spec={}, key=None, module_version="1", host=HOST, image=None
        )
        database.steps.started(step.id, token, "1", HOST)
        return step

    def print(self, step: StepRow, text: bytes) -> None:
        """Play a step that prints."""
        path = step_log(self.context.settings.data_dir, step.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(text)

    def end(
        self,
        step: StepRow,
        outputs: Mapping[str, bytes] | None = None,
        *,
        state: State = State.SUCCEEDED,
        reason: Reason | None = None,
        message: str = "",
        types: Mapping[str, str] | None = None,
    ) -> None:
        """Play the engine: end a step and its job."""
        assert step.lease_token
        files = []
        for path, content in (outputs or {}).items():
            blob = self.context.store.put(content)
            media_type = (types or {}).get(path, "text/plain")
            files.append(NewOutput(path, blob.sha256, blob.size, "text", media_type))
        self.database.steps.end(step.id, step.lease_token, StepEnd(state, reason, message, 0, outputs=files))
        change = JobChange(state, reason, message, 1.0)
        for job_id, seen in self.database.jobs.due(100):
            if job_id == step.job_id:
                self.database.jobs.plan(job_id, seen, [], change)

    def finished(self, outputs: Mapping[str, bytes], log: bytes = b"", **types: str) -> str:
        """Return the id of a job that has succeeded with these outputs."""
        job_id = self.job()
        step = self.start(job_id)
        self.print(step, log)
        self.end(step, outputs, types={name.replace("_", "."): kind for name, kind in types.items()})
        return job_id


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


class _Server(threading.Thread):
    def __init__(self, context: Context) -> None:
        super().__init__(daemon=True)
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self.url: Future[str] = Future()

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:  # noqa: BLE001 - told in the thread that asks for the address
            self.url.set_exception(error)
        self._loop.close()

    async def _serve(self) -> None:
        server, url = listen(make_application(self._context), self._context.settings)
        self.url.set_result(url)
        await self._stopped.wait()
        server.stop()
        await server.close_all_connections()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self.join(20)
        assert not self.is_alive()


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Return a folder with the modules of these tests."""
    folder = tmp_path / "modules"
    for name, manifest in MODULES.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "module.yaml").write_text(manifest)
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a database that was just made, to be copied."""
    file = tmp_path_factory.mktemp("database") / "empty.sqlite"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    return file


@pytest.fixture
def running() -> Iterator[list[tuple[_Server, Site]]]:
    """Return the servers of this test, which are stopped at its end."""
    servers: list[tuple[_Server, Site]] = []
    yield servers
    _stop(servers)


def _stop(servers: list[tuple[_Server, Site]]) -> None:
    while servers:
        server, site = servers.pop()
        server.stop()
        site.http.close()
        site.context.close()
        site.database.close()


@pytest.fixture
def stop_sites(running: list[tuple[_Server, Site]]) -> Callable[[], None]:
    """Return a function that stops all servers of this test."""
    return lambda: _stop(running)


@pytest.fixture
def make_site(
    tmp_path: Path, modules: Path, empty_database: Path, running: list[tuple[_Server, Site]]
) -> Callable[..., Site]:
    """Return a function that starts a server with the given settings."""

    def make(**settings: Any) -> Site:
        data_dir = tmp_path / f"data{len(running)}"
        data_dir.mkdir()
        shutil.copy(empty_database, data_dir / "calculation-engine.sqlite")
        context = make_context(load_settings({"data_dir": data_dir, "port": 0, **settings}), modules)
        site = Site(context, "", httpx2.Client(timeout=30))
        site.context = Context(
            context.settings,
            context.database,
            context.store,
            context.catalogue,
            context.submission,
            lambda: site.wakes.append(time.monotonic()),
            context.pool,
        )
        server = _Server(site.context)
        server.start()
        site.url = server.url.result(20)
        site.http = httpx2.Client(base_url=site.url, timeout=30)
        running.append((server, site))
        return site

    return make


def make_context(settings: Settings, modules: Path) -> Context:
    """Return what the API works with, without an engine."""
    database = Database(settings.database_url)
    database.migrate()
    store, catalogue = Store(settings.data_dir), Catalogue([modules])
    return Context(settings, database, store, catalogue, Submission(database, store, catalogue, settings, ["local"]))


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Return a server on this machine's loopback, for one person."""
    return make_site()
