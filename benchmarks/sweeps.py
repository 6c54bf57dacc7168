"""What a sweep of 200 energy scenarios costs beside the same entry scripts run bare, and what its neighbours save.

    python -m benchmarks.sweeps                      # 200 scenarios of utopia with GLPK, two at a time
    python -m benchmarks.sweeps --rows 40
    python -m benchmarks.sweeps --rows 0             # the coupled scenarios alone
    python -m benchmarks.sweeps --data DIR           # keep what was computed; there again: what stored results serve

The sweep runs first, on a data folder of its own; then the very steps that it ran are run again as plain processes in
folders that stand ready. Then the same sweep again, and once more with one value of its design changed; for each of
these it is told how many steps were computed, and what is said of why. At last 8 coupled scenarios, each from its own
start and each from the solution of a neighbour.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calculation_engine.api.server import Parts
from calculation_engine.db.rows import JobRow, StepRow
from calculation_engine.engine.explaining.reasons import Reasons
from calculation_engine.engine.explaining.waits import Waits
from calculation_engine.engine.steps.spec import TaskMaker, spec_of
from calculation_engine.executors._environment import Environments
from calculation_engine.executors._programs import Programs
from calculation_engine.executors._staging import fill_folder, shim_spec
from calculation_engine.logs import configure_logs
from calculation_engine.schemas.files import SWEEP_MODULE
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, State

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "images" / "_lp" / "cases" / "utopia" / "data.txt"
AT_ONCE = 2
LIGHTING = 10
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Place:
    """An engine in this process on a data folder of its own."""

    parts: Parts

    def run(self, document: dict[str, Any], wake: Any) -> tuple[JobRow, float]:
        """Run a job; return it and the seconds from handing it in to its end, by the database's clock."""
        begin = time.time()
        job, _ = self.parts.context(wake).submission.submit(JobRequest.model_validate(document), "local")
        wake()
        while (job := self.parts.database.jobs.get(job.id)).state not in ENDED:
            time.sleep(POLL_SECONDS)
        assert job.state is State.SUCCEEDED, job.message
        assert job.ended is not None
        return job, job.ended.timestamp() - begin

    def steps(self, job: JobRow) -> list[StepRow]:
        """Return what a job ran, without what keeps the table."""
        return [step for step in self.parts.database.steps.of_job(job.id) if step.module != SWEEP_MODULE]

    def why(self, job: JobRow) -> Counter[str]:
        """Return how many steps were computed and reused, the computed ones by the first change that is told."""
        found = Counter[str]()
        waits = Waits(self.parts.database, self.parts.settings, job)
        for why in Reasons(self.parts.database, job, waits).of(self.steps(job)):
            paths = sorted({change.path for cause in why.causes for change in cause.changes})
            found[f"{why.outcome}" + (f" for {', '.join(paths)}" if paths else "")] += 1
        return found

    def table(self, job: JobRow) -> list[dict[str, str]]:
        """Return the sweep's table."""
        step = next(step for step in self.parts.database.steps.of_job(job.id) if step.module == SWEEP_MODULE)
        outputs = self.parts.database.steps.outputs_of(step.id)
        sha256 = next(file.sha256 for file in outputs if file.label == "table")
        with self.parts.store.open(sha256) as file:
            return list(csv.DictReader(io.StringIO(file.read().decode())))

    def bare(self, steps: list[StepRow]) -> float:
        """Run the entry scripts of steps as plain processes, two at a time, and return the seconds."""
        tasks = []
        for step in steps:
            spec = spec_of(step)
            assert spec is not None
            task = TaskMaker(self.parts.settings.data_dir, self.parts.store).make(step, spec)
            tasks.append(replace(task, folder=Path(tempfile.mkdtemp(dir=self.parts.settings.data_dir))))
            fill_folder(tasks[-1])
        local = self.parts.settings.data_dir / "local"
        environment = Environments(local / "environments").get(tasks[0].program, lambda _: None)
        code = Programs(local / "programs").get(tasks[0].program, environment)
        specs = [shim_spec(task, environment, code, None) for task in tasks]

        def run(spec: dict[str, Any]) -> None:
            subprocess.run(spec["argv"], cwd=spec["cwd"], env=spec["env"], stdout=subprocess.DEVNULL, check=True)

        begin = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run, specs))
        return time.perf_counter() - begin


@contextmanager
def place(kept: Path | None = None) -> Iterator[tuple[Place, Any]]:
    """Start an engine on a folder that is kept, or on one of its own, and stop it at the end."""
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="bench") as folder:
        modules = [ROOT / "tests" / "programs"]
        parts = Parts.assemble(Settings(data_dir=Path(folder), module_path=modules, steps_at_once=AT_ONCE))
        engine = parts.engine()
        engine.start()
        yield Place(parts), engine.wake
        engine.stop()
        parts.close()


def scenarios(diesel: list[float]) -> dict[str, Any]:
    """Return a sweep over factors on the cost of diesel and on the demand for lighting."""
    scale = [
        {"parameter": "VariableCost", "factor": 1, "technology": "IMPDSL1"},
        {"parameter": "SpecifiedAnnualDemand", "factor": 1, "fuel": "RL"},
    ]
    columns = {
        "energy.config.scale[0].factor": diesel,
        "energy.config.scale[1].factor": {"between": [0.9, 1.1], "count": LIGHTING},
    }
    process = {"name": "energy", "module": "glpk", "config": {"model": "osemosys", "scale": scale}}
    process["inputs"] = {"data": {"type": "inline", "text": MODEL.read_text()}}
    sweep = {"type": "sweep", "name": "scan", "component": "energy", "design": {"type": "grid", "columns": columns}}
    return {"processes": [process], "components": [sweep]}


def coupled(*, warm_start: bool) -> dict[str, Any]:
    """Return a sweep over 8 slopes of a coupling v = 3 + slope v, whose solution is 3 / (1 - slope)."""
    link = {"from": {"process": "first", "output": "answered"}, "to": {"process": "second", "input": "asked"}}
    start = [{"variable": "price", "index": str(year), "value": 1.0} for year in (2030, 2031)]
    bridge = {"into": {"input": "asked"}, "out_of": {"output": "answered"}, "links": [link], "start": start}
    loop = {"type": "loop", "name": "agree", "sequence": ["first", "second"]}
    loop["bridge"] = {"name": "table", "config": bridge}
    design = {"type": "grid", "columns": {"first.config.slope": {"between": [-0.8, -0.4], "count": 8}}}
    sweep = {"type": "sweep", "name": "scan", "component": "agree", "design": design, "warm_start": warm_start}
    first = {"name": "first", "module": "halfway", "config": {"offset": 3.0, "slope": -0.5}}
    second = {"name": "second", "module": "halfway", "config": {"offset": 0, "slope": 1}}
    never = {"reuse": "never"}
    return {"processes": [first | never, second | never], "components": [loop, sweep]}


def measure_scenarios(rows: int, kept: Path | None) -> None:
    """Print the wall times of a sweep, of its bare steps, of the same again, and of one value changed.

    In a folder that was kept, those of the same again and of a value changed anew.
    """
    is_filled = kept is not None and (kept / "store").is_dir()
    diesel = [round(0.5 + 0.1 * number, 3) for number in range(max(2, rows // LIGHTING))]
    with place(kept) as (here, wake):
        here.run(scenarios([9.0]) | {"name": "warm up"}, wake)  # the environment is made
        if not is_filled:
            job, seconds = here.run(scenarios(diesel), wake)
            steps = here.steps(job)
            bare = here.bare(steps)
            told = f"sweep {seconds:.1f} s, bare {bare:.1f} s, ratio {seconds / bare:.2f}"
            print(f"{len(steps)} scenarios: {told}", flush=True)
        job, seconds = here.run(scenarios(diesel), wake)
        print(f"again: {seconds:.2f} s; {dict(here.why(job))}", flush=True)
        another = diesel[-1] + random.uniform(0.01, 0.09)
        job, seconds = here.run(scenarios([*diesel[:-1], another]), wake)
        print(f"one value changed: {seconds:.2f} s; {dict(here.why(job))}", flush=True)


def measure_neighbours() -> None:
    """Print how many evaluations 8 coupled scenarios take from their own start and from a neighbour's solution."""
    with place() as (here, wake):
        told = {}
        for name, warm_start in (("cold", False), ("from neighbours", True)):
            job, _ = here.run(coupled(warm_start=warm_start), wake)
            told[name] = [int(row["agree.evaluations"]) for row in here.table(job)]
            assert {row["agree.verdict"] for row in here.table(job)} == {"converged"}
            worst = max(_errors(here, job))
            print(f"{name}: {sum(told[name])} evaluations {told[name]}, largest error {worst:.1e}", flush=True)
    print(f"share: {sum(told['from neighbours']) / sum(told['cold']):.2f}", flush=True)


def _errors(here: Place, job: JobRow) -> Iterator[float]:
    """Yield how far each row's solution is from the true one, relatively."""
    answers = here.parts.database.sweeps.files(job.id, "second", "answered")
    for row, end in zip(here.table(job), here.parts.database.sweeps.ends(job.id), strict=True):
        [loop] = end.result["loops"]
        with here.parts.store.open(answers[f"{loop['component']}/{loop['solution']}/second"].sha256) as file:
            value = float(file.read().decode().splitlines()[1].split(",")[2])
        yield abs(value * (1 - float(row["first.config.slope"])) / 3 - 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--data", type=Path, help="folder that is kept")
    arguments = parser.parse_args()
    configure_logs("error")
    if arguments.rows:
        measure_scenarios(arguments.rows, arguments.data)
    if arguments.data is None:
        measure_neighbours()


if __name__ == "__main__":
    main()
