"""A job on a server: its state, what happens to it, its log and its results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from calculation_engine.client.parsing import parse
from calculation_engine.client.past import JobPast
from calculation_engine.client.results import Results
from calculation_engine.errors import (
    CalculationEngineError,
    InvalidInput,
    ServerUnreachable,
    UserError,
)
from calculation_engine.schemas.event import Event
from calculation_engine.schemas.files import SWEEP_MODULE, ResultFile
from calculation_engine.schemas.job import JobSummary, JobView
from calculation_engine.schemas.module import Column
from calculation_engine.states import State

if TYPE_CHECKING:
    from calculation_engine.client.client import Client

#: How long a server may be away, for a restart say, before waiting for a job gives up.
AWAY_SECONDS = 60.0
_LOG_LINES = 20
#: A stream that is silent for longer is opened again; the server sends a sign of life more often.
_SILENCE_SECONDS = 60.0


class Job(JobPast):
    """A job on a server; :meth:`refresh` asks for its present state."""

    def __init__(self, client: Client, summary: JobSummary) -> None:
        super().__init__(summary)
        self._client = client
        self._transport = client.transport
        self._results: Results | None = None

    @property
    def view(self) -> JobView:
        """All that is known of it, steps included."""
        if not isinstance(self._summary, JobView):
            self.refresh()
        return super().view

    def refresh(self) -> Job:
        """Ask the server for its present state."""
        self._summary = self._client.fetch_view(self.id)
        return self

    def wait(self, timeout: float | None = None, on_event: Callable[[Event], None] | None = None) -> Job:
        """Return when it has ended, or the time is over: see :attr:`ended`. A server that restarts is waited for.

        Args:
            timeout: seconds; none: as long as it takes.
            on_event: called with everything that happens, in order, from the beginning.

        Raises:
            ServerUnreachable: the server was away for longer than a minute.
        """
        for event in self.events(timeout=timeout):
            if on_event is not None:
                on_event(event)
        return self.refresh()

    def events(self, *, after: int = 0, timeout: float | None = None) -> Iterator[Event]:
        """Yield what happens to it, each event once, until it has ended or the time is over.

        Args:
            after: id of the event that was seen last.
            timeout: seconds; none: until the end.

        Raises:
            ServerUnreachable: the server was away for longer than a minute.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        last, reached = after, time.monotonic()
        while True:
            try:
                for event in self._connected_events(last, deadline):
                    reached = time.monotonic()
                    if event is not None:
                        last = event.id
                        yield event
                    if deadline is not None and reached >= deadline:
                        return
                if self.refresh().ended:
                    return
            except ServerUnreachable:
                if time.monotonic() - reached > AWAY_SECONDS:
                    raise
            if deadline is not None and time.monotonic() >= deadline:
                return
            time.sleep(0.1)

    def log(self, *, step: str | None = None, tail: int | None = None) -> str:
        """Return what its steps have printed so far.

        Args:
            step: path of the one step that is meant.
            tail: number of lines from the end; none: all.
        """
        response = self._client.transport.request("GET", f"/job/{self.id}/log", params=_log_query(step, tail=tail))
        return response.content.decode(errors="replace")

    def save_log(self, file: IO[bytes]) -> None:
        """Write what its steps have printed so far, byte by byte, however much it is."""
        with self._client.transport.stream(f"/job/{self.id}/log") as response:
            for chunk in response.iter_bytes():
                file.write(chunk)

    def follow_log(self, *, step: str | None = None) -> Iterator[str]:
        """Yield what its steps print, in pieces as they come, until it has ended."""
        query = _log_query(step, follow=1)
        with self._client.transport.stream(f"/job/{self.id}/log", silence_seconds=None, params=query) as response:
            yield from response.iter_text()

    @property
    def results(self) -> Results:
        """The files that its steps have left so far."""
        if self._results is None:
            body = self._client.transport.json("GET", f"/job/{self.id}/results")
            files = [parse(ResultFile, file) for file in body]
            results = Results(self.id, files, self._fetched, self.columns)
            if not self.ended:
                return results
            self._results = results
        return self._results

    def cancel(self) -> Job:
        """Ask for its end; one that has ended already is a :class:`Conflict`."""
        body = self._client.transport.json("POST", f"/job/{self.id}/cancel", idempotent=True)
        self._summary = parse(JobView, body)
        return self

    def rerun(self) -> Job:
        """Store a job that repeats it exactly and return that: each result is held against the first one.

        Raises:
            Conflict: it has not ended, or what it ran with is not all there any more: everything that is not is named.
        """
        body = self._client.transport.json("POST", f"/job/{self.id}/rerun", idempotent=False)
        return Job(self._client, parse(JobView, body))

    def delete(self) -> None:
        """Delete it with its results; one that has not ended is a :class:`Conflict`."""
        self._client.transport.request("DELETE", f"/job/{self.id}")

    def last_lines(self) -> dict[str, str]:
        """Return the end of the log of each failed step, by its path."""
        lines = {}
        for step in self.steps:
            if step.state is State.FAILED:
                try:
                    lines[step.path] = self.log(step=step.path, tail=_LOG_LINES).rstrip("\n")
                except UserError:
                    lines[step.path] = ""  # It never started, so there is no log.
        return lines

    def _connected_events(self, after: int, deadline: float | None) -> Iterator[Event | None]:
        """Yield the events of one connection, and None whenever the server gives a sign of life."""
        silence = _SILENCE_SECONDS if deadline is None else min(2.0, max(0.05, deadline - time.monotonic()))
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
        transport = self._client.transport
        with transport.stream(f"/job/{self.id}/events", silence_seconds=silence, headers=headers) as response:
            yield None
            text = ""
            for line in response.iter_lines():
                if line.startswith("data:"):
                    text += line[5:]
                elif not line and text:
                    yield parse(Event, json.loads(text))
                    text = ""
                elif line.startswith(":"):
                    yield None

    @contextmanager
    def _fetched(self, file: ResultFile) -> Iterator[Iterator[bytes]]:
        address = f"/job/{self.id}/results/{quote(file.path)}"
        with self._client.transport.stream(address) as response:
            yield response.iter_bytes()

    def columns(self, file: ResultFile) -> list[Column]:
        """Return the declared columns of one of its results; none where its module declares none."""
        step = next((step for step in self.steps if file.step in {step.id, step.path}), None)
        if step is None or file.label is None:
            return []
        module, label = step.module, file.label
        if module == SWEEP_MODULE:
            sweep = self.view.workflow.find_component(step.path)
            rows = sweep.tables.get(label) if sweep is not None and sweep.type == "sweep" else None
            process = self.view.workflow.find_process(rows.process) if rows else None
            if rows is None or process is None:
                return self._columns_of_sweep(step.path)
            module, label = process.module, rows.label
        try:
            output = self._client.module(module).find_output(label)
        except CalculationEngineError:
            return []  # The module was removed since: the table is still readable, without units.
        return output.columns if output else []

    def _columns_of_sweep(self, sweep: str) -> list[Column]:
        """Return the columns of a sweep's own table, as it describes them."""
        described = json.loads(self.results.read(f"{sweep}/columns.json"))
        return [Column.model_validate({k: c[k] for k in ("name", "type", "unit", "description")}) for c in described]


def _log_query(step: str | None, *, tail: int | None = None, follow: int | None = None) -> dict[str, str]:
    if tail is not None and tail < 1:
        raise InvalidInput(f"tail: expected at least 1 line, got {tail}")
    given = {"step": step, "tail": tail, "follow": follow}
    return {key: str(value) for key, value in given.items() if value is not None}
