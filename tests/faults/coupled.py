"""Kills the engine with signal 9 in the middle of evaluation 3 of the coupled models.

    python -m tests.faults.coupled [--during economy]

The reference scenario runs twice, computed anew each time: once undisturbed, once with an engine that is killed while a
step of evaluation 3 runs and is followed by another. Prints whether the exchange tables are equal to the last bit and
which steps were started twice; ends with 1 where one is not as it should be.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calculation_engine.cli.session import embedded_client
from calculation_engine.client import Client, Job
from calculation_engine.settings import Settings, load_settings
from calculation_engine.states import State
from tests.faults.servers import until

EXAMPLE = Path(__file__).parents[2] / "examples" / "clews-og-core.yaml"
LIMIT_SECONDS = 3600
_SERVE = """
import sys
from calculation_engine.api.server import serve
from calculation_engine.settings import Settings
serve(Settings.model_validate_json(sys.argv[1]), with_api=False)
"""


def main() -> int:
    """Run both and compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--during", default="economy", help="step of evaluation 3 that runs when the engine is killed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"data_dir": Path(folder)})
        with embedded_client(settings, engine=False) as client:
            undisturbed = submit(client)
            with engine(settings):
                undisturbed.wait(LIMIT_SECONDS)
            killed = submit(client)
            with engine(settings):
                until(lambda: has_started(killed, f"agree/3/{arguments.during}"), LIMIT_SECONDS)
            stood = {step.path: step.state for step in killed.refresh().steps}
            with engine(settings):
                killed.wait(LIMIT_SECONDS)
            return verdict(undisturbed, killed, stood)


def submit(client: Client) -> Job:
    """Store the reference scenario, to be computed anew."""
    return client.submit(EXAMPLE, reuse="never")


@contextmanager
def engine(settings: Settings) -> Iterator[None]:
    """Run an engine in a process of its own, which is killed without a word at the end of the block."""
    with (settings.data_dir / "engine.log").open("ab") as log:
        words = [sys.executable, "-c", _SERVE, settings.model_dump_json()]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def has_started(job: Job, path: str) -> bool:
    """Return whether a step of a job runs, or did."""
    return any(step.path == path and step.started for step in job.refresh().steps)


def verdict(undisturbed: Job, killed: Job, stood: dict[str, State]) -> int:
    """Print how both ended and what differs; return the exit code."""
    tables = [exchange_tables(job) for job in (undisturbed, killed)]
    different = sorted(
        path for path in tables[0].keys() | tables[1].keys() if tables[0].get(path) != tables[1].get(path)
    )
    starts = {step.path: step.attempt for step in killed.steps}
    begun = [path for path, state in stood.items() if state is not State.SUCCEEDED]
    print(f"killed with {len(stood) - len(begun)} steps ended, and begun: {', '.join(begun)}")
    for name, job in (("undisturbed", undisturbed), ("killed", killed)):
        loop = job.view.loops[0]
        print(f"{name}: {job.state}, {loop['verdict']} after {loop['evaluations']} evaluations")
    print(f"exchange tables: {len(tables[0])}, different: {', '.join(different) or 'none'}")
    print(f"steps started more than once: {', '.join(p for p, count in starts.items() if count != 1) or 'none'}")
    succeeded = undisturbed.state is State.SUCCEEDED and killed.state is State.SUCCEEDED
    return 0 if tables[0] and succeeded and not different and set(starts.values()) == {1} else 1


def exchange_tables(job: Job) -> dict[str, str]:
    """Return path and hash of every table that the loop exchanged."""
    return {path: file.sha256 for path, file in job.results.files.items() if path.endswith("/exchange.csv")}


if __name__ == "__main__":
    sys.exit(main())
