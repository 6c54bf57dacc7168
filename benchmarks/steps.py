"""What the engine adds to a step, and how many steps it ends in a second, beside the same steps without it.

    python -m benchmarks.steps                        # both executors, 30 repetitions
    python -m benchmarks.steps --executor local --repetitions 100

A step through the engine begins when its job is handed in and ends when the job's end can be read: it is validated,
stored, claimed, staged, started, watched and judged, and its outputs are kept. Bare, it is the entry script as a plain
process in a folder that stands ready; or, for Docker, a container of the same settings that is created, filled,
started, waited for and removed through the SDK, and one of the same settings without files that runs `true`. All ways
take turns, so that whatever else the machine does meets them alike. Every run has a config of its own, so that no
result is taken twice.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import docker

from calculation_engine.api.server import Parts
from calculation_engine.engine.steps.spec import TaskMaker, spec_of
from calculation_engine.executors import _docker_container as containers
from calculation_engine.executors._docker_archive import Packing
from calculation_engine.executors._environment import Environments
from calculation_engine.executors._programs import Programs
from calculation_engine.executors._staging import fill_folder, shim_spec
from calculation_engine.executors.base import Task
from calculation_engine.logs import configure_logs
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, State

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "images" / "_lp" / "cases" / "super_simple" / "data.txt"
#: Seldom, for looking takes time from the engine, which is in the same process; its own clock tells when a job ended.
POLL_SECONDS = 0.02
NUMBERS = count(1)


@dataclass(frozen=True)
class Kind:
    """One kind of step: a module, what it reads, and the field of its config that differs from run to run."""

    title: str
    module: str
    field: Callable[[int], dict[str, Any]]
    inputs: Mapping[str, str]


KINDS = [
    Kind("shell script that writes a line", "probe", lambda number: {"note": str(number)}, {}),
    Kind("super_simple by GLPK", "glpk", lambda number: {"time_limit": 1000 + number}, {"data": MODEL.read_text()}),
]


class Through:
    """An engine in this process on a data folder of its own."""

    def __init__(self, folder: Path, steps_at_once: int) -> None:
        settings = Settings(data_dir=folder, module_path=[ROOT / "tests" / "programs"], steps_at_once=steps_at_once)
        self.parts = Parts.assemble(settings)
        self.engine = self.parts.engine()
        self.submission = self.parts.context(self.engine.wake).submission
        self.engine.start()

    def submit(self, kind: Kind, executor: str) -> str:
        """Hand a job in and return its id."""
        inputs = {label: {"type": "inline", "text": text} for label, text in kind.inputs.items()}
        body = {"module": kind.module, "executor": executor, "config": kind.field(next(NUMBERS)), "inputs": inputs}
        job, _ = self.submission.submit(JobRequest.model_validate(body), "local")
        self.engine.wake()
        return job.id

    def wait(self, job_id: str) -> float:
        """Return when the job ended, in Unix seconds."""
        while (job := self.parts.database.jobs.get(job_id)).state not in ENDED:
            time.sleep(POLL_SECONDS)
        assert job.state is State.SUCCEEDED, job.message
        assert job.ended is not None
        return job.ended.timestamp()

    def run(self, kind: Kind, executor: str) -> float:
        """Run one step and return its seconds."""
        begin = time.time()
        return self.wait(self.submit(kind, executor)) - begin

    def task(self, kind: Kind, executor: str) -> Task:
        """Run one step and return the task that it was: all is ready for it from now on."""
        job_id = self.submit(kind, executor)
        self.wait(job_id)
        [step] = self.parts.database.steps.of_job(job_id)
        spec = spec_of(step)
        assert spec is not None
        return TaskMaker(self.parts.settings.data_dir, self.parts.store).make(step, spec)

    def close(self) -> None:
        """Stop."""
        self.engine.stop()
        self.parts.close()


class BareProcess:
    """The entry script of a task as a plain process."""

    def __init__(self, task: Task, data_dir: Path) -> None:
        local = data_dir / "local"
        self._environment = Environments(local / "environments").get(task.program, lambda _: None)
        self._code = Programs(local / "programs").get(task.program, self._environment)
        self._task = task

    def run(self) -> float:
        """Return the seconds that the process takes; its folder is filled before."""
        task = replace(self._task, folder=Path(tempfile.mkdtemp()))
        fill_folder(task)
        spec = shim_spec(task, self._environment, self._code, None)
        begin = time.perf_counter()
        subprocess.run(spec["argv"], cwd=spec["cwd"], env=spec["env"], stdout=subprocess.DEVNULL, check=True)
        seconds = time.perf_counter() - begin
        shutil.rmtree(task.folder)
        return seconds


class BareContainer:
    """A container with the settings of a task, through the SDK alone."""

    def __init__(self, task: Task, parts: Parts) -> None:
        self._task = task
        self._options = parts.executors["docker"].options
        self._api = docker.APIClient(version="auto")
        self._api.trust_env = False
        self._cpus = self._api.info()["NCPU"]

    def run(self, *, empty: bool = False) -> float:
        """Return the seconds from its creation to its removal; an empty one has no files and runs `true`."""
        task = replace(self._task, attempt_id=f"bench-{next(NUMBERS)}")
        if empty:
            task = replace(task, files={}, program=replace(task.program, command=("true",)))
        name, folders = containers.container_name(task.attempt_id), (containers.RECORD, containers.WORK)
        files = {f"{containers.WORK}/{path}": source for path, source in task.files.items()}
        packing = Packing([*folders, f"{containers.WORK}/output"], files, containers.USER)
        host = self._api.create_host_config(**containers.host_settings(task, self._options, self._cpus, "bench"))
        begin = time.perf_counter()
        made = containers.settings(task, task.program.image, "bench")
        self._api.create_container(name=name, host_config=host, **made)
        if not empty:
            self._api.put_archive(name, containers.VOLUME, packing)
        self._api.start(name)
        code = self._api.wait(name)["StatusCode"]
        self._api.remove_container(name, v=True)
        self._api.remove_volume(name)
        seconds = time.perf_counter() - begin
        assert code == 0 or empty, code
        return seconds


def ways(through: Through, kind: Kind, executor: str) -> dict[str, Callable[[], float]]:
    """Return the ways to run a step, each giving its seconds; the first is the one without the engine."""
    task = through.task(kind, executor)
    if executor == "local":
        return {
            "bare": BareProcess(task, through.parts.settings.data_dir).run,
            "engine": lambda: through.run(kind, executor),
        }
    container = BareContainer(task, through.parts)
    return {
        "bare": container.run,
        "engine": lambda: through.run(kind, executor),
        "empty": lambda: container.run(empty=True),
    }


def measure_overhead(executors: list[str], folder: Path, repetitions: int) -> None:
    """Print the medians of each kind of step on each executor."""
    through = Through(folder / "one", 1)
    print("| step | executor | bare [ms] | engine [ms] | added [ms] | ratio | quartiles of added [ms] | empty [ms] |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        for executor in executors:
            found = ways(through, kind, executor)
            rounds = [{name: way() * 1e3 for name, way in found.items()} for _ in range(repetitions)]
            medians = {name: statistics.median(each[name] for each in rounds) for name in found}
            added = medians["engine"] - medians["bare"]
            low, _, high = statistics.quantiles([each["engine"] - each["bare"] for each in rounds])
            empty = f"{medians['empty']:.0f}" if "empty" in medians else ""
            print(
                f"| {kind.title} | {executor} | {medians['bare']:.0f} | {medians['engine']:.0f} | {added:.0f} |"
                f" {medians['engine'] / medians['bare']:.2f} | {low:.0f} to {high:.0f} | {empty} |",
                flush=True,
            )
    through.close()


def measure_throughput(executors: list[str], folder: Path, steps: int) -> None:
    """Print the steps that end in a second with so many in flight, through the engine and bare."""
    print("\n| steps a second | executor | | 1 in flight | 2 | 4 | 8 |")
    print("|---|---|---|---:|---:|---:|---:|")
    for kind in KINDS:
        for executor in executors:
            rates: dict[str, list[str]] = {"bare": [], "engine": []}
            for in_flight in (1, 2, 4, 8):
                through = Through(folder / f"{in_flight}", in_flight)
                bare = ways(through, kind, executor)["bare"]
                begin = time.perf_counter()
                with ThreadPoolExecutor(in_flight) as pool:
                    list(pool.map(lambda _, run=bare: run(), range(steps)))
                rates["bare"].append(f"{steps / (time.perf_counter() - begin):.1f}")
                begin = time.perf_counter()
                for job_id in [through.submit(kind, executor) for _ in range(steps)]:
                    through.wait(job_id)
                rates["engine"].append(f"{steps / (time.perf_counter() - begin):.1f}")
                through.close()
            for way, found in rates.items():
                print(f"| {kind.title} | {executor} | {way} | {' | '.join(found)} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", action="append", choices=["local", "docker"], help="default: both")
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--steps", type=int, default=40, help="steps of each measurement of steps a second")
    arguments = parser.parse_args()
    executors = arguments.executor or ["local", "docker"]
    configure_logs("error")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        if arguments.repetitions:
            measure_overhead(executors, folder, arguments.repetitions)
        if arguments.steps:
            measure_throughput(executors, folder, arguments.steps)


if __name__ == "__main__":
    main()
