"""How soon the one job of an owner starts while another owner has 10,000 to run, on SQLite and MariaDB.

    CE_TEST_MARIADB=mysql+pymysql://user:password@host/ python -m benchmarks.turns

An engine with two steps at once works through one owner's 10,000 jobs, or through that owner's one sweep of 10,000
rows, each of which sleeps for half a second. Again and again another owner hands in a job. Both its start and the end
of the step that made room are read from the database.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.database import mariadb
from calculation_engine.api.server import Parts
from calculation_engine.db.tables import steps
from calculation_engine.logs import configure_logs
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED

ROOT = Path(__file__).parents[1]
SLEEP_SECONDS = 0.5
MANY, ONE = "ada", "bob"


class Shared:
    """An engine in this process, and two owners."""

    def __init__(self, folder: Path, url: str | None) -> None:
        given: dict[str, Any] = {} if url is None else {"database": url}
        modules = [ROOT / "tests" / "programs"]
        self.parts = Parts.assemble(Settings(data_dir=folder, module_path=modules, steps_at_once=2, **given))
        self.engine = self.parts.engine()
        self._submission = self.parts.context(self.engine.wake).submission
        self._number = 0

    def submit(self, owner: str) -> str:
        """Hand in a job that equals no other, and return its id."""
        return self._hand_in({"module": "probe", "config": self._config()}, owner)

    def fill(self, owner: str, count: int, *, as_sweep: bool) -> None:
        """Hand in so many jobs that equal no other, or one sweep of as many rows."""
        if not as_sweep:
            for _ in range(count):
                self.submit(owner)
            return
        notes = [self._config()["note"] for _ in range(count)]
        process = {"name": "probe", "module": "probe", "config": self._config()}
        design = {"type": "grid", "columns": {"probe.config.note": notes}}
        sweep = {"type": "sweep", "name": "scan", "component": "probe", "design": design}
        self._hand_in({"processes": [process], "components": [sweep]}, owner)

    def _config(self) -> dict[str, Any]:
        self._number += 1
        return {"sleep": SLEEP_SECONDS, "note": str(self._number)}

    def _hand_in(self, body: dict[str, Any], owner: str) -> str:
        job, _ = self._submission.submit(JobRequest.model_validate(body), owner)
        return job.id

    def wait(self) -> tuple[float, float]:
        """Hand in the other owner's job; return the seconds from a free slot, and from the request, to its start."""
        job_id = self.submit(ONE)
        self.engine.wake()
        while (job := self.parts.database.jobs.get(job_id)).state not in ENDED:
            time.sleep(0.05)
        assert job.started is not None, job.message
        within = (steps.c.ended >= job.created) & (steps.c.ended <= job.started) & (steps.c.job_id != job_id)
        first = select(func.min(steps.c.ended)).where(within)
        # No step ended in between: one slot was free already.
        free: datetime = self.parts.database.sessions.read(lambda tx: tx.run(first).scalar()) or job.created
        return (job.started - free).total_seconds(), (job.started - job.created).total_seconds()

    def close(self) -> None:
        """Stop."""
        self.engine.stop()
        self.parts.close()


def main() -> None:
    """Queue, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--beside", choices=("jobs", "rows"), nargs="+", default=["jobs", "rows"])
    arguments = parser.parse_args()
    configure_logs("error")
    server = os.environ.get("CE_TEST_MARIADB")
    print("| database | beside | free slot to start [s]: median | longest | request to start [s]: median | longest |")
    print("|---|---|---:|---:|---:|---:|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        for kind in ("SQLite", "MariaDB") if server else ("SQLite",):
            for what in arguments.beside:
                url = stack.enter_context(mariadb(server)) if kind == "MariaDB" and server else None
                shared = Shared(folder / f"{kind} {what}", url)
                stack.callback(shared.close)
                shared.fill(MANY, arguments.queued, as_sweep=what == "rows")
                shared.engine.start()
                shared.wait()  # the first prepares the module
                found = [shared.wait() for _ in range(arguments.repetitions)]
                shared.engine.stop()
                told = " | ".join(f"{statistics.median(x):.2f} | {max(x):.2f}" for x in zip(*found, strict=True))
                print(f"| {kind} | {arguments.queued:,} {what} | {told} |", flush=True)


if __name__ == "__main__":
    main()
