"""Time of a claim with 100 to 1,000,000 queued steps of one owner, on SQLite and MariaDB.

    CE_TEST_MARIADB=mysql+pymysql://user:password@host/ python -m benchmarks.claiming --most 1000000

Grows one database of each kind; at each size another owner's single job is stored, and steps are claimed one by one.
Prints medians in milliseconds, the ratio to the smallest size, and after how many claims the other owner's step came.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from uuid_utils import uuid7

from benchmarks.database import mariadb
from calculation_engine.db.database import Database
from calculation_engine.db.queueing import lane_of, rank_of
from calculation_engine.db.rows import NewJob, NewStep
from calculation_engine.db.tables import jobs, steps
from calculation_engine.states import State

SIZES = [100, 1000, 10_000, 100_000, 1_000_000]
STEPS_OF_A_JOB = 100
OWNER, OTHER = "ada", "bob"
_TEXTS = {"name": "", "description": "", "message": "", "request_hash": "0" * 64}


def grow(database: Database, before: int, count: int) -> None:
    """Store queued steps of one owner until there are so many."""
    now = datetime.now(UTC)
    for numbers in batched(range(before, count), 10_000):
        job_rows, step_rows = [], []
        for part in batched(numbers, STEPS_OF_A_JOB):
            job_id = str(uuid7())
            job = {"id": job_id, "owner": OWNER, "tags": {}, "state": State.QUEUED, "created": now, "changes": 0}
            job_rows.append(job | _TEXTS | {"priority": 0, "turn": len(part), "workflow": {}, "loops": []})
            step_rows += [_step(job_id, turn, now) for turn in range(len(part))]
        with database.sessions.engine.begin() as connection:
            connection.execute(insert(jobs), job_rows)
            connection.execute(insert(steps), step_rows)


def _step(job_id: str, turn: int, now: datetime) -> dict[str, Any]:
    names = {"path": str(turn), "process": "cbc", "module": "cbc", "executor": "local", "message": ""}
    given = {"config": {}, "files": {}, "resources": {}, "cpu": 1.0, "memory_bytes": 0, "priority": 0, "attempt": 0}
    place = {"turn": turn, "queue_lane": lane_of(OWNER, "cbc"), "queue_rank": rank_of(0, turn)}
    return {"id": str(uuid7()), "job_id": job_id, "state": State.QUEUED, "queued": now} | names | given | place


def measure(database: Database, claims: int) -> tuple[float, int]:
    """Return the median milliseconds of a claim, and after how many claims the other owner's step came."""
    step = NewStep(str(uuid7()), "a", "cbc", "cbc", "local", {}, {}, {})
    database.jobs.create(NewJob(str(uuid7()), OTHER, "", "", {}, None, "0" * 64, {}, [step]))
    seconds, came = [], 0
    for number in range(1, claims + 1):
        begin = time.perf_counter()
        (claimed,) = database.steps.claim("engine", ["local"], 1, 3000)
        seconds.append(time.perf_counter() - begin)
        came = number if claimed.id == step.id else came
        database.steps.release(claimed.id, str(claimed.lease_token), delay_seconds=86400)
    return statistics.median(seconds) * 1e3, came


def main() -> None:
    """Grow, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--claims", type=int, default=50)
    arguments = parser.parse_args()
    server = os.environ.get("CE_TEST_MARIADB")
    print("| database | queued steps | claim [ms] | ratio | other owner's claim |\n|---|---:|---:|---:|---:|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = {"sqlite": f"sqlite:///{folder / 'ce.sqlite'}"}
        if server:
            urls["mariadb"] = stack.enter_context(mariadb(server))
        for kind, url in urls.items():
            database = Database(url)
            stack.callback(database.close)
            database.migrate()
            first, before = 0.0, 0
            for size in (size for size in SIZES if size <= arguments.most):
                grow(database, before, size)
                before = size
                median, came = measure(database, arguments.claims)
                first = first or median
                print(f"| {kind} | {size:,} | {median:.2f} | {median / first:.2f} | {came} |", flush=True)


if __name__ == "__main__":
    main()
