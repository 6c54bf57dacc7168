"""A whole system in this process: database, store, engine and the probe module, in a folder of its own."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.api.server import Parts
from calculation_engine.db.rows import JobRow, StepRow
from calculation_engine.engine.running.engine import Engine
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED

PROGRAMS = Path(__file__).parents[1] / "programs"


@dataclass
class System:
    """What a test drives."""

    parts: Parts
    engine: Engine

    def submit(self, body: dict[str, Any], owner: str = "local") -> str:
        """Store a job and return its id."""
        context = self.parts.context(self.engine.wake)
        job, _ = context.submission.submit(JobRequest.model_validate(body), owner)
        self.engine.wake()
        return job.id

    def probe(self, **config: Any) -> str:
        """Store a job of one probe and return its id."""
        return self.submit({"module": "probe", "config": config})

    def job(self, job_id: str) -> JobRow:
        """Return a job as it stands."""
        return self.parts.database.jobs.get(job_id)

    def steps(self, job_id: str) -> list[StepRow]:
        """Return a job's steps as they stand."""
        return self.parts.database.steps.of_job(job_id)

    def ended(self, job_id: str, seconds: float = 60) -> JobRow:
        """Wait until a job has ended and return it."""
        self.wait(lambda: self.job(job_id).state in ENDED, seconds)
        return self.job(job_id)

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until a condition holds."""
        wait_for(condition, seconds)

    def cancel(self, job_id: str) -> None:
        """Ask for a job's end."""
        self.parts.database.jobs.request_cancel(job_id)
        self.engine.wake()

    def log(self, step: StepRow) -> str:
        """Return what a step has written so far."""
        return step_log(self.parts.settings.data_dir, step.id).read_text()

    def read(self, job_id: str, path: str) -> str:
        """Return a result, by ``<step path>/<file below output>``."""
        paths = {step.id: step.path for step in self.steps(job_id)}
        for file in self.parts.database.steps.outputs(job_id):
            if f"{paths[file.step_id]}/{file.path}" == path:
                with self.parts.store.open(file.sha256) as stored:
                    return stored.read().decode()
        raise AssertionError(f"no result {path}")


def make_parts(folder: Path, **settings: Any) -> Parts:
    """Assemble a system on a data folder, with the test programs as modules."""
    return Parts.assemble(Settings(data_dir=folder, module_path=[PROGRAMS], **settings))


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


_ENGINE = """
import sys
from pathlib import Path
from calculation_engine.api.server import serve
from calculation_engine.settings import Settings
serve(Settings(data_dir=Path(sys.argv[1]), module_path=[Path(sys.argv[2])], steps_at_once=4), with_api=False)
"""


@contextmanager
def engine_process(folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run an engine in a process of its own, which is killed at the end of the block."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _ENGINE, str(folder), str(PROGRAMS)], stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    parts = make_parts(tmp_path / "data")
    engine = parts.engine()
    engine.start()
    yield System(parts, engine)
    engine.stop()
    parts.close()


@pytest.fixture
def unclosed_sockets() -> Iterator[None]:
    """Let the SDK forget the sockets that it could not connect."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()
