"""What can be asked of a job that ran: why its steps ran, how it differs from another, and to repeat it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from calculation_engine.client.parsing import parse
from calculation_engine.client.record import Record
from calculation_engine.client.transport import Transport
from calculation_engine.schemas.job import AttemptPage, AttemptView
from calculation_engine.schemas.jobdiff import JobDiff
from calculation_engine.schemas.provenance import Provenance
from calculation_engine.schemas.why import JobWhy, PartWait, StepWhy


class JobPast(Record):
    """The part of a job that looks back."""

    _transport: Transport

    def why(self, step: str | None = None) -> list[StepWhy]:
        """Return why its steps were computed or reused: against which earlier run, and what differs.

        A step that is queued says in ``waits`` what it waits for.

        Args:
            step: path of the one step that is meant; none: all.
        """
        return [why for page in self._why_pages(step) for why in page.steps]

    def waiting(self, step: str | None = None) -> list[PartWait]:
        """Return the parts of its workflow that have no step yet, and what each waits for.

        Args:
            step: name of the one part that is meant; none: all.
        """
        return next(self._why_pages(step)).waiting

    def _why_pages(self, step: str | None) -> Iterator[JobWhy]:
        query: dict[str, str] = {"step": step} if step is not None else {"limit": "500"}
        while True:
            page = parse(JobWhy, self._transport.json("GET", f"/job/{self.id}/why", params=query))
            yield page
            if page.next is None:
                return
            query = dict(parse_qsl(urlsplit(page.next).query))

    def attempts(self, step: str | None = None) -> list[AttemptView]:
        """Return every time that its steps were begun: where, when, how it ended and why; first to last of each step.

        Args:
            step: path of the one step that is meant; none: all.
        """
        query: dict[str, str] = {"limit": "500"} | ({} if step is None else {"step": step})
        found: list[AttemptView] = []
        while True:
            page = parse(AttemptPage, self._transport.json("GET", f"/job/{self.id}/attempts", params=query))
            found += page.attempts
            if page.next is None:
                return found
            query = dict(parse_qsl(urlsplit(page.next).query))

    def provenance(self) -> Provenance:
        """Return what made its results: modules, environments, commands, configs, and all files by their hashes.

        Raises:
            Conflict: it has not ended.
        """
        return parse(Provenance, self._transport.json("GET", f"/job/{self.id}/provenance"))

    def export(self, file: Path | str, *, licence: str | None = None) -> Path:
        """Write it as a Workflow Run RO-Crate, a zip archive, and return that file's path.

        Args:
            file: that is written.
            licence: of the files: an SPDX id such as ``CC-BY-4.0``, or an address.

        Raises:
            Conflict: it has not ended, or not all of its files are stored any more.
        """
        target = Path(file)
        partial = target.with_name(f".{target.name}.partial")
        query = {"licence": licence} if licence else {}
        try:
            # The first bytes come when every log has been hashed.
            address = f"/job/{self.id}/crate.zip"
            with (
                self._transport.stream(address, silence_seconds=300.0, params=query) as response,
                partial.open("wb") as output,
            ):
                for chunk in response.iter_bytes():
                    output.write(chunk)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return target

    def diff(
        self,
        other: Record | str,
        *,
        step: str | None = None,
        results: bool = True,
        relative: float | None = None,
        absolute: float | None = None,
    ) -> JobDiff:
        """Return what differs from another job: settings, versions, inputs, and the results by their numbers.

        Args:
            other: the job, its id, or a unique beginning of it.
            step: path of the one step that is meant; none: all.
            results: whether result files are compared.
            relative: how far numbers may lie apart, of the larger of the two; none: 1e-6.
            absolute: how far numbers may lie apart, in their own unit; none: 1e-9.
        """
        name = other if isinstance(other, str) else other.id
        given = {"step": step, "results": str(results).lower(), "relative": relative, "absolute": absolute}
        query = {key: str(value) for key, value in given.items() if value is not None}
        address = f"/job/{self.id}/diff/{quote(name, safe='')}"
        return parse(JobDiff, self._transport.json("GET", address, params=query))
