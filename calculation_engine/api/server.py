"""Puts the parts together: API and engine in one process, or either alone."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from calculation_engine.api.application import make_application
from calculation_engine.api.context import Context
from calculation_engine.api.exposure import check_exposure
from calculation_engine.api.serving import listen
from calculation_engine.db.database import Database
from calculation_engine.engine.intake.submission import Submission
from calculation_engine.engine.running.engine import Engine
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.executors.base import Executor
from calculation_engine.executors.registry import executor_names, make_executor
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.settings import Settings
from calculation_engine.store import Room, Store


@dataclass(frozen=True)
class Parts:
    """What the API and the engine share in one process."""

    settings: Settings
    database: Database
    store: Store
    catalogue: Catalogue
    executors: dict[str, Executor]

    @classmethod
    def assemble(cls, settings: Settings) -> Self:
        """Open the database, brought to its newest form, the store and the executors.

        Raises:
            InvalidInput: an executor's options, or the default executor, are not known.
            DatabaseUnavailable: the database cannot be reached.
        """
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = executor_names()
        _check_names(settings, names)
        make_executor(settings.executor, settings.executors.get(settings.executor, {}), settings.data_dir).close()
        executors = {name: make_executor(name, settings.executors.get(name, {}), settings.data_dir) for name in names}
        database = Database(settings.database_url)
        database.migrate()
        store = Store(settings.data_dir, Room.of(settings))
        return cls(settings, database, store, Catalogue(settings.module_path), executors)

    @property
    def job_executors(self) -> list[str]:
        """The executors that a job may name."""
        return sorted(self.settings.job_executors or self.executors)

    @property
    def confines(self) -> bool:
        """Whether every process of this machine that a job may start is kept from all else on it."""
        return "local" not in self.job_executors or self.executors["local"].capabilities.sandboxed

    def close(self) -> None:
        """Release connections; what runs goes on."""
        for executor in self.executors.values():
            executor.close()
        self.database.close()

    def engine(self) -> Engine:
        """Return an engine, not yet started."""
        return Engine(self.settings, self.database, self.store, self.catalogue, self.executors)

    def context(self, wake: Callable[[], None]) -> Context:
        """Return what the API's handlers work with."""
        submission = Submission(self.database, self.store, self.catalogue, self.settings, self.job_executors)
        return Context(self.settings, self.database, self.store, self.catalogue, submission, wake)


def _check_names(settings: Settings, known: list[str]) -> None:
    """Refuse executors in the settings that are not there, or a default that no job may name."""
    allowed = settings.job_executors or known
    faults = [
        Fault("job_executors", f"there is no executor {name!r}", f"expected some of {', '.join(known)}")
        for name in allowed
        if name not in known
    ]
    if settings.executor in known and settings.executor not in allowed:
        faults.append(Fault("executor", f"{settings.executor!r} is not among job_executors, {', '.join(allowed)}"))
    if faults:
        raise InvalidInput("the executors in the settings do not fit each other", faults=faults)


def serve(
    settings: Settings,
    *,
    with_api: bool = True,
    with_engine: bool = True,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: of this process.
        with_api: whether it answers HTTP.
        with_engine: whether it runs steps.
        ready: called once with the address, when requests are answered; with an empty one where there is no API.
    """
    parts = Parts.assemble(settings)
    if with_api:
        check_exposure(settings, sandboxed=parts.confines)
    engine = parts.engine() if with_engine else None
    asyncio.run(_serve(parts, engine, with_api, ready))


async def _serve(parts: Parts, engine: Engine | None, with_api: bool, ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await _until(stop, parts, engine, ready, with_api=with_api)


async def _until(
    stop: asyncio.Event, parts: Parts, engine: Engine | None, ready: Callable[[str], None], *, with_api: bool
) -> None:
    context = parts.context(engine.wake if engine else lambda: None)
    server = None
    address = ""
    if with_api:
        server, address = listen(make_application(context), parts.settings)
    if engine:
        engine.start()
    ready(address)
    await stop.wait()
    if server:
        server.stop()
        await server.close_all_connections()
    if engine:
        await asyncio.to_thread(engine.stop)
    parts.close()


@contextmanager
def embedded(settings: Settings, *, engine: bool = True) -> Iterator[str]:
    """Serve from a thread of this process, on any free port of the loopback; yield the address.

    Args:
        settings: of this process; host and port are not used.
        engine: whether steps are run, or what is stored is answered only.
    """
    parts = Parts.assemble(settings.model_copy(update={"host": "127.0.0.1", "port": 0}))
    thread = _ServerThread(parts, parts.engine() if engine else None)
    thread.start()
    try:
        yield thread.address()
    finally:
        thread.stop()


class _ServerThread(threading.Thread):
    """An event loop of its own that serves until it is stopped."""

    def __init__(self, parts: Parts, engine: Engine | None) -> None:
        super().__init__(name="embedded", daemon=True)
        self._parts = parts
        self._engine = engine
        self._loop = asyncio.new_event_loop()
        self._asked_to_stop = asyncio.Event()
        self._address: Future[str] = Future()

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            serving = _until(self._asked_to_stop, self._parts, self._engine, self._address.set_result, with_api=True)
            self._loop.run_until_complete(serving)
        except Exception as error:  # noqa: BLE001 - told in the thread that asks for the address
            self._address.set_exception(error)

    def address(self) -> str:
        """Return the address as soon as requests are answered."""
        return self._address.result()

    def stop(self) -> None:
        """Stop serving, and wait until that is done."""
        self._loop.call_soon_threadsafe(self._asked_to_stop.set)
        self.join()
        self._loop.close()
