"""Time of a claim with 100 to 1,000,000 stored steps, on SQLite and MariaDB.

    CE_TEST_MARIADB=mysql+pymysql://user:password@host/ python -m benchmarks.claiming --plot claiming.svg

Fills one database of each kind and size: half of the steps have ended, the others are queued, all of one owner; another
owner's step is queued last. Then all databases take turns, so that whatever else the machine does meets the small and
the large ones alike. Prints medians and quartiles in milliseconds, the ratio to the smallest size, and after how many
claims the other owner's step came.
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


class Filled:
    """A database with so many steps, and what its claims took."""

    def __init__(self, kind: str, url: str, count: int) -> None:
        self.kind, self.count = kind, count
        self.database = Database(url)
        self.database.migrate()
        self.seconds: list[float] = []
        self.came: int | None = None  #: after how many claims the other owner's step came
        self._fill()
        empty: dict[str, Any] = {"config": {}, "files": {}, "resources": {}}
        self._other = NewStep(id=str(uuid7()), path="a", process="cbc", module="cbc", executor="local", **empty)
        self.database.jobs.create(NewJob(str(uuid7()), OTHER, "", "", {}, None, "0" * 64, {}, [self._other]))

    def _fill(self) -> None:
        now = datetime.now(UTC)
        for numbers in batched(range(self.count), 10_000):
            job_rows, step_rows = [], []
            for part in batched(numbers, STEPS_OF_A_JOB):
                job_id = str(uuid7())
                job = {"id": job_id, "owner": OWNER, "tags": {}, "state": State.RUNNING, "created": now, "changes": 0}
                job_rows.append(job | _TEXTS | {"priority": 0, "turn": len(part), "workflow": {}, "loops": []})
                step_rows += [_step(job_id, turn, now) for turn in range(len(part))]
            with self.database.sessions.engine.begin() as connection:
                connection.execute(insert(jobs), job_rows)
                connection.execute(insert(steps), step_rows)

    def claim(self) -> None:
        """Claim a step as an engine does, and give it back for later."""
        begin = time.perf_counter()
        (claimed,) = self.database.steps.claim("engine", ["local"], 1, 3000)
        self.seconds.append(time.perf_counter() - begin)
        if claimed.id == self._other.id:
            self.came = len(self.seconds)
        self.database.steps.release(claimed.id, str(claimed.lease_token), delay_seconds=86400)


def _step(job_id: str, turn: int, now: datetime) -> dict[str, Any]:
    names = {"path": str(turn), "process": "cbc", "module": "cbc", "executor": "local", "message": ""}
    given = {"config": {}, "files": {}, "resources": {}, "cpu": 1.0, "memory_bytes": 0, "priority": 0, "attempt": 0}
    place = {"state": State.QUEUED, "turn": turn, "queue_lane": lane_of(OWNER, "cbc"), "queue_rank": rank_of(0, turn)}
    if turn % 2:
        place |= {"state": State.SUCCEEDED, "queue_lane": None, "queue_rank": None}
    return {"id": str(uuid7()), "job_id": job_id, "queued": now} | names | given | place


def plot(places: list[Filled], path: Path) -> None:
    """Draw the medians and quartiles over the stored steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.4), layout="constrained")
    axes = figure.subplots()
    for kind in sorted({place.kind for place in places}):
        found = [place for place in places if place.kind == kind]
        quartiles = [[1e3 * value for value in statistics.quantiles(place.seconds)] for place in found]
        counts = [place.count for place in found]
        axes.plot(counts, [middle for _, middle, _ in quartiles], marker="o", label=kind)
        axes.fill_between(counts, [low for low, _, _ in quartiles], [high for _, _, high in quartiles], alpha=0.2)
    axes.set(xscale="log", xlabel="stored steps, half of them queued", ylabel="one claim [ms]")
    axes.set_ylim(bottom=0)
    axes.legend(title="median, quartiles", frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def main() -> None:
    """Fill, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--claims", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="where the SQLite files are made (a temporary folder)")
    parser.add_argument("--plot", type=Path, help="an SVG file to draw into")
    arguments = parser.parse_args()
    server = os.environ.get("CE_TEST_MARIADB")
    sizes = [size for size in SIZES if size <= arguments.most]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        places = [Filled("SQLite", f"sqlite:///{folder / f'{size}.sqlite'}", size) for size in sizes]
        if server:
            places += [Filled("MariaDB", stack.enter_context(mariadb(server)), size) for size in sizes]
        for place in places:
            stack.callback(place.database.close)
        for _ in range(arguments.claims):
            for place in places:
                place.claim()
        print("| database | stored steps | claim [ms] | quartiles | ratio | other owner's claim |")
        print("|---|---:|---:|---:|---:|---:|")
        for place in places:
            low, middle, high = (1e3 * value for value in statistics.quantiles(place.seconds))
            first = next(other for other in places if other.kind == place.kind)
            ratio = middle / statistics.median(first.seconds) / 1e3
            numbers = f"{place.count:,} | {middle:.1f} | {low:.1f} to {high:.1f} | {ratio:.2f} | {place.came}"
            print(f"| {place.kind} | {numbers} |")
        if arguments.plot:
            plot(places, arguments.plot)


if __name__ == "__main__":
    main()
