"""Latency of the database's everyday questions with few and with many stored jobs, on SQLite and MariaDB.

    CE_TEST_MARIADB=mysql+pymysql://user:password@host/ python benchmarks/database.py --jobs 1000 --jobs 1000000

Fills one database of each kind and size, then asks each question of all of them in turn, so that whatever else the
machine does meets the small and the large database alike. Prints medians in milliseconds, and the ratio of the
largest database to the smallest. A MariaDB is measured when ``CE_TEST_MARIADB`` names a server that may create
databases; what was filled is dropped at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy
from sqlalchemy import insert
from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.listing import write_cursor
from calculation_engine.db.rows import JobFilter, NewJob, NewStep, StepEnd
from calculation_engine.db.tables import attempts, job_labels, jobs, outputs, steps
from calculation_engine.schemas.files import Blob
from calculation_engine.states import State

NOW = datetime.now(UTC)
MODULES = ("cbc", "glpk", "highs")
STATES = [State.SUCCEEDED] * 989 + [State.FAILED] * 10 + [State.CANCELLED]
FILES = {f"data/{n}.csv": Blob(sha256=f"{n:064x}", size=n) for n in range(5)}
CONFIG = {"model": "osemosys", "scenario": "x" * 200}
QUEUED = 400


class Filled:
    """A database with so many ended jobs of one step each, and some queued ones."""

    def __init__(self, kind: str, url: str, count: int) -> None:
        self.kind, self.count = kind, count
        self.database = Database(url)
        self.database.migrate()
        self.ids: list[str] = []

    def fill(self) -> None:
        """Store the jobs; what no question reads is left out."""
        for numbers in batched(range(self.count), 5000):
            made = [self._rows(number) for number in numbers]
            with self.database.sessions.engine.begin() as connection:
                for table in (jobs, job_labels, steps, attempts, outputs):
                    connection.execute(insert(table), [row for rows in made for row in rows[table.name]])
        for number in range(QUEUED):
            self.queue(number)

    def _rows(self, number: int) -> dict[str, list[dict[str, Any]]]:
        created = NOW - timedelta(days=200) + timedelta(seconds=15 * number * 1e6 / max(self.count, 1))
        job_id, step_id = str(uuid7()), str(uuid7())
        module = MODULES[number % 3]
        ended = {"state": random.choice(STATES), "reason": None, "message": "", "started": created, "ended": created}
        workflow = {"processes": [{"name": module, "module": module, "config": CONFIG}]}
        self.ids.append(job_id)
        job = dict.fromkeys(column.name for column in jobs.columns) | {
            "id": job_id, "owner": "eve" if number % 1000 == 0 else "local", "name": f"job {number:08}",
            "description": "", "tags": {"run": str(number // 10)}, "slot": None, "fraction": 1.0, "created": created,
            "cancel_requested": None, "request_hash": "0" * 64, "changes": 2, "due": None, "workflow": workflow,
            "loops": [], "priority": 0, "turn": number,
        }  # fmt: skip
        step = dict.fromkeys(column.name for column in steps.columns) | {
            "id": step_id, "job_id": job_id, "path": module, "process": module, "module": module, "executor": "local",
            "module_version": "1.0.0", "config": CONFIG, "files": FILES, "resources": {"cpu": 1}, "priority": 0,
            "cpu": 1.0, "memory_bytes": 1 << 30, "turn": number, "settled": 1, "attempt": 1,
            "key": f"{number:064x}", "spec": CONFIG, "queued": created, "host": "here", "handle": step_id,
        }  # fmt: skip
        attempt = {
            "step_id": step_id, "number": 1, "owner": "engine", "executor": "local", "host": "here", "image": "image",
            "handle": step_id, "begun": created, "exit_code": 0, "state": ended["state"], "reason": None, "message": "",
            "ended": created,
        }  # fmt: skip
        names = (("module", module), ("tag:run", str(number // 10)))
        output = {"step_id": step_id, "path": "solution.json", "sha256": f"{number:064x}", "size": 1}
        return {
            "jobs": [job | ended],
            "job_labels": [{"name": n, "value": v, "created": created, "job_id": job_id} for n, v in names],
            "steps": [step | ended],
            "attempts": [attempt],
            "outputs": [output | {"label": "solution", "media_type": "application/json"}],
        }

    def queue(self, number: int) -> None:
        """Store a job that waits for an engine."""
        step = NewStep(
            id=str(uuid7()),
            path="cbc",
            process="cbc",
            module="cbc",
            executor="local",
            config=CONFIG,
            files=FILES,
            resources={"cpu": 1},
        )
        workflow = {"processes": [{"name": "cbc", "module": "cbc", "config": CONFIG}]}
        new = NewJob(str(uuid7()), "local", f"queued {number}", "", {}, None, "0" * 64, workflow, [step])
        self.database.jobs.create(new)

    def some_id(self) -> str:
        """Return the id of any ended job."""
        return random.choice(self.ids)

    def middle(self) -> str:
        """Return the cursor of a page deep inside the list."""
        job = self.database.jobs.get(self.ids[len(self.ids) // 2])
        return write_cursor("-created", job.created, job.id)


def status(filled: Filled) -> None:
    """Ask what ``GET /job/ID`` asks."""
    job_id = filled.some_id()
    filled.database.jobs.get(job_id)
    filled.database.steps.of_job(job_id)


def whole_step(filled: Filled) -> None:
    """Take a step through its life, as an engine does, and store the job that brings the next one."""
    table = filled.database.steps
    (step,) = table.claim("engine", ["local"], 1, 30)
    token = str(step.lease_token)
    table.join(step.id, token, step.id)
    values: dict[str, Any] = {"spec": CONFIG, "key": step.id, "module_version": "1", "host": "here", "image": None}
    table.begin(step.id, token, attempt_increment=True, **values)
    table.started(step.id, token, "handle", "here")
    table.end(step.id, token, StepEnd(State.SUCCEEDED, exit_code=0))


def claim(filled: Filled) -> None:
    """Claim a step."""
    assert filled.database.steps.claim("claimer", ["local"], 1, 3000)


def listing(wanted: JobFilter, sort: str = "-created", deep: bool = False) -> Callable[[Filled], None]:
    """Return the question for one page of a list."""

    def ask(filled: Filled) -> None:
        filled.database.jobs.find(wanted, sort, 50, filled.middle() if deep else None)

    return ask


QUESTIONS: dict[str, Callable[[Filled], object]] = {
    "get a job": lambda filled: filled.database.jobs.get(filled.some_id()),
    "status: a job and its steps": status,
    "resolve a prefix": lambda filled: filled.database.jobs.resolve(filled.some_id()[:30]),
    "list, first page of 50": listing(JobFilter()),
    "list, a page in the middle (and its cursor)": listing(JobFilter(), deep=True),
    "list of an owner": listing(JobFilter(owner="local")),
    "list of an owner with few jobs": listing(JobFilter(owner="eve")),
    "list of failed and cancelled jobs": listing(JobFilter(states=frozenset({State.FAILED, State.CANCELLED}))),
    "list of running jobs (none)": listing(JobFilter(states=frozenset({State.RUNNING}))),
    "list of a module": listing(JobFilter(module="cbc")),
    "list of a module, in the middle": listing(JobFilter(module="cbc"), deep=True),
    "list of a tag": listing(JobFilter(owner="local", tags={"run": "7"})),
    "list by name": listing(JobFilter(), "name"),
    "list of a name's beginning": listing(JobFilter(name_prefix="job 000001")),
    "jobs to be planned": lambda filled: filled.database.jobs.due(20),
    "live attempts": lambda filled: filled.database.steps.live_attempts(),
    "steps to take over (none)": lambda filled: filled.database.steps.take_over("x", {"local": "here"}, 30) and None,
    "create a job": lambda filled: filled.queue(0),
    "claim a step": claim,
    "claim, join, begin, start and end a step": whole_step,
    "heartbeat of 1 to 200 steps": lambda filled: filled.database.steps.heartbeat("claimer", 3000),
}


def measure(places: list[Filled], repetitions: int) -> dict[str, list[list[float]]]:
    """Return for each question and place the seconds of each repetition; the places take turns."""
    for question in QUESTIONS.values():
        for place in places:
            question(place)
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in places] for name in QUESTIONS}
    for name, question in QUESTIONS.items():
        for _ in range(repetitions):
            for place, found in zip(places, seconds[name], strict=True):
                begin = time.perf_counter()
                question(place)
                found.append(time.perf_counter() - begin)
    return seconds


@contextmanager
def mariadb(server: str) -> Iterator[str]:
    """Make a database on a server, and drop it at the end."""
    name = f"ce_test_bench_{uuid4().hex}"
    engine = sqlalchemy.create_engine(server, poolclass=sqlalchemy.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield sqlalchemy.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, action="append", help="stored jobs; several times (1000 and 1000000)")
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the SQLite files are made (a temporary folder)")
    arguments = parser.parse_args()
    sizes = arguments.jobs or [1000, 1_000_000]
    server = os.environ.get("CE_TEST_MARIADB")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        places = []
        for size in sizes:
            urls = {"sqlite": f"sqlite:///{folder / f'{size}.sqlite'}"}
            if server:
                urls["mariadb"] = stack.enter_context(mariadb(server))
            places += [Filled(kind, url, size) for kind, url in urls.items()]
        for place in places:
            stack.callback(place.database.close)
            begin = time.perf_counter()
            place.fill()
            print(f"{place.kind} filled with {place.count} jobs in {time.perf_counter() - begin:.0f} s", flush=True)
        print_table(places, measure(places, arguments.repetitions))


def print_table(places: list[Filled], seconds: dict[str, list[list[float]]]) -> None:
    """Print medians in milliseconds and, for each kind, the ratio of its last size to its first."""
    kinds = list(dict.fromkeys(place.kind for place in places))
    heads = [f"{place.kind} {place.count:.0e}" for place in places] + [f"{kind} ratio" for kind in kinds]
    print("| median [ms] | " + " | ".join(heads) + " |")
    print("|---" + "|---:" * len(heads) + "|")
    for name, found in seconds.items():
        medians = [statistics.median(values) * 1e3 for values in found]
        ratios = []
        for kind in kinds:
            of_kind = [median for place, median in zip(places, medians, strict=True) if place.kind == kind]
            ratios.append(of_kind[-1] / of_kind[0])
        cells = [f"{median:.2f}" for median in medians] + [f"{ratio:.1f}" for ratio in ratios]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
