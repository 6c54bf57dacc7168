"""Latency of the API's everyday questions over HTTP with few and with many stored jobs, on SQLite.

    python -m benchmarks.api --jobs 1000 --jobs 1000000

Fills one data folder of each size as `benchmarks/database.py` does, starts a server process without an engine on each,
and asks every question of all of them in turn, over a connection that is kept open. Prints medians and 95th
percentiles in milliseconds, as a client sees them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.database import Filled


@dataclass(frozen=True)
class Site:
    """A server and the jobs that are stored in it."""

    filled: Filled
    http: httpx2.Client
    middle: str  #: address of a page deep inside the list


QUESTIONS: dict[str, Callable[[Site], str]] = {
    "status: GET /api/job/ID": lambda site: f"/api/job/{site.filled.some_id()}",
    "status by the beginning of an id": lambda site: f"/api/job/{site.filled.some_id()[:30]}",
    "list, first page of 50": lambda site: "/api/job?limit=50",
    "list, a page in the middle": lambda site: site.middle,
    "list of failed jobs": lambda site: "/api/job?limit=50&state=failed",
    "list of running jobs (none)": lambda site: "/api/job?limit=50&state=running",
    "list of a module": lambda site: "/api/job?limit=50&module=cbc",
    "list of a tag": lambda site: "/api/job?limit=50&tag=run:7",
    "list by name": lambda site: "/api/job?limit=50&sort=name",
    "liveness: GET /healthz": lambda site: "/healthz",
}


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Start a server process on a data folder and yield its address."""
    command = [sys.executable, "-m", "calculation_engine", "serve", "--no-engine", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--data-dir", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "the server ended before it was ready"
            text += line
        try:
            yield str(json.loads(text)["server"])
        finally:
            process.terminate()


def ask(site: Site, address: str) -> float:
    """Return the seconds that one answer takes."""
    begin = time.perf_counter()
    response = site.http.get(address)
    seconds = time.perf_counter() - begin
    response.raise_for_status()
    return seconds


def measure(sites: list[Site], repetitions: int) -> dict[str, list[list[float]]]:
    """Return for each question and site the milliseconds of each repetition; the sites take turns."""
    found: dict[str, list[list[float]]] = {name: [[] for _ in sites] for name in QUESTIONS}
    for name, address in QUESTIONS.items():
        for _ in range(repetitions):
            for site, values in zip(sites, found[name], strict=True):
                values.append(ask(site, address(site)) * 1e3)
    return found


def print_table(sites: list[Site], found: dict[str, list[list[float]]]) -> None:
    """Print median and 95th percentile for each size."""
    heads = [f"{site.filled.count:,} jobs: {word}" for site in sites for word in ("median", "95 %")]
    print("| [ms] | " + " | ".join(heads) + " |")
    print("|---" + "|---:" * len(heads) + "|")
    for name, columns in found.items():
        cells = [
            f"{number:.1f}"
            for values in columns
            for number in (statistics.median(values), statistics.quantiles(values, n=20)[-1])
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, action="append", help="stored jobs; several times (default: 1000)")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the data folders are made (a temporary folder)")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.folder)))
        sites = []
        for size in arguments.jobs or [1000]:
            data_dir = folder / str(size)
            filled = Filled("sqlite", f"sqlite:///{data_dir / 'calculation-engine.sqlite'}", size)
            stack.callback(filled.database.close)
            begin = time.perf_counter()
            filled.fill()
            print(f"filled with {size:,} jobs in {time.perf_counter() - begin:.0f} s", flush=True)
            http = stack.enter_context(httpx2.Client(base_url=stack.enter_context(serve(data_dir)), timeout=60))
            sites.append(Site(filled, http, f"/api/job?limit=50&cursor={filled.middle()}"))
        print_table(sites, measure(sites, arguments.repetitions))


if __name__ == "__main__":
    main()
