"""Faults at random instants under a load of jobs, and what they cost: ``python -m tests.faults --times 20``.

Needs root, a Docker engine that builds the image of the probe, and Docker's and MariaDB's programs. All servers that
are ended are this run's own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from calculation_engine.api.server import Parts
from calculation_engine.db.rows import JobFilter
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.errors import CalculationEngineError
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, State
from tests.faults.servers import PROBE_IMAGE, PROGRAMS, OwnDocker, OwnMariaDB, Wire, build_probe, until

_SERVE = """
import sys
from calculation_engine.api.server import serve
from calculation_engine.settings import Settings
serve(Settings.model_validate_json(sys.argv[1]), with_api=False)
"""


@dataclass
class Scene:
    """One system under load."""

    folder: Path
    docker: OwnDocker
    mariadb: OwnMariaDB
    wire: Wire
    settings: Settings
    document: str
    engine: subprocess.Popen[bytes] | None = None
    jobs: list[str] = field(default_factory=list)

    def under_way(self, parts: Parts, fault: str) -> int:
        """Return how many steps run now that a fault can meet."""
        if "Docker" in fault or "container" in fault:
            return self.docker.running()
        found = parts.database.jobs.find(JobFilter(states=frozenset({State.RUNNING})), "-created", 1000, None)[0]
        return len(found)

    def start_engine(self) -> None:
        """Start an engine in a process of its own."""
        with (self.folder / "engine.log").open("ab") as log:
            self.engine = subprocess.Popen([sys.executable, "-c", _SERVE, self.document], stdout=log, stderr=log)

    def kill_engine(self) -> None:
        """Kill it without a word."""
        assert self.engine is not None
        self.engine.send_signal(signal.SIGKILL)
        self.engine.wait()

    def end_engine(self) -> None:
        """End what is left of it; show its log's end where it broke."""
        if self.engine is not None and self.engine.poll() is None:
            print((self.folder / "engine.log").read_text()[-3000:], file=sys.stderr)
            self.kill_engine()


def kill_engine(scene: Scene, _: random.Random) -> None:
    scene.kill_engine()
    scene.start_engine()


def restart_docker(scene: Scene, _: random.Random) -> None:
    scene.docker.stop()
    scene.docker.start()


def restart_mariadb(scene: Scene, _: random.Random) -> None:
    scene.mariadb.stop()
    scene.mariadb.start()


def cut_network(scene: Scene, chance: random.Random) -> None:
    scene.wire.cut()
    time.sleep(scene.settings.lease_seconds * chance.uniform(1.1, 2))
    scene.wire.mend()


def delete_container(scene: Scene, _: random.Random) -> None:
    until(scene.docker.remove_one, 20)


def fill_disk(scene: Scene, chance: random.Random) -> None:
    filler = scene.settings.data_dir / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * (1 << 16))
        except OSError:
            pass
        time.sleep(chance.uniform(0.5, 3))
    filler.unlink()


FAULTS: dict[str, Callable[[Scene, random.Random], None]] = {
    "kill -9 engine": kill_engine,
    "restart Docker daemon": restart_docker,
    "restart MariaDB": restart_mariadb,
    "fill the disk": fill_disk,
    "cut the database's network": cut_network,
    "delete a running container": delete_container,
}


@dataclass
class Row:
    """What one fault cost."""

    fault: str
    times: int = 0  #: strikes, each while steps ran
    met: int = 0  #: steps that ran when it struck, all strikes together
    lost_jobs: int = 0
    at_once: int = 0
    started_again: int = 0
    left_over: int = 0
    attempts: int = 0  #: second ones, each with its reason kept

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or left."""
        return not (self.lost_jobs or self.at_once or self.started_again or self.left_over)


def run(fault: str, times: int, load: int, chance: random.Random) -> Row:
    """Strike ``times`` times while ``load`` jobs run, wait for the end, and count."""
    row = Row(fault)
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="ce-faults-", dir="/var/tmp")))
        folder.chmod(0o711)  # MariaDB runs as a user of its own
        data = folder / "data"
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(data)], check=True)
        ending.callback(subprocess.run, ["umount", "-l", str(data)], check=False)
        own_docker = ending.enter_context(closing(OwnDocker(folder / "docker")))
        own_docker.load(PROBE_IMAGE)
        mariadb = ending.enter_context(closing(OwnMariaDB(folder / "mariadb")))
        wire = ending.enter_context(closing(Wire(mariadb.port)))
        given: dict[str, Any] = {
            "data_dir": str(data), "module_path": [str(PROGRAMS)], "steps_at_once": 6, "disk_free": 8 << 20,
            "executors": {"docker": {"host": own_docker.host, "build_missing": False}},
            "lease_seconds": 3, "attempts": min(20, times + 1), "database": mariadb.url(wire.port),
        }  # fmt: skip
        scene = Scene(folder, own_docker, mariadb, wire, Settings(**given), json.dumps(given))
        ending.callback(scene.end_engine)
        _strike(scene, row, times, load, chance)
    return row


def _strike(scene: Scene, row: Row, times: int, load: int, chance: random.Random) -> None:
    parts = Parts.assemble(scene.settings.model_copy(update={"database": _direct(scene)}))
    submission = parts.context(lambda: None).submission

    def add(count: int) -> None:
        for _ in range(count):
            config = {"sleep": round(chance.uniform(0.2, 3), 2), "note": str(len(scene.jobs))}
            executor = "docker" if len(scene.jobs) % 2 else "local"
            body = {"module": "probe", "config": config, "executor": executor}
            scene.jobs.append(submission.submit(JobRequest.model_validate(body), "local")[0].id)

    def open_jobs() -> int:
        return sum(parts.database.jobs.get(job).state not in ENDED for job in scene.jobs)

    add(load)
    scene.start_engine()
    for _ in range(times):
        time.sleep(chance.uniform(0.5, 4))
        add(load - open_jobs())
        row.met += _wait_for_steps(scene, row, parts)
        FAULTS[row.fault](scene, chance)
        row.times += 1
        until(lambda: _answers(open_jobs))
    until(lambda: _answers(lambda: open_jobs() == 0), 300)
    assert scene.engine is not None
    until(lambda: not scene.docker.objects() and not list((scene.settings.data_dir / "work").iterdir()), 30)
    scene.engine.send_signal(signal.SIGTERM)
    scene.engine.wait(60)
    _count(scene, row, parts)
    parts.close()


def _wait_for_steps(scene: Scene, row: Row, parts: Parts) -> int:
    """Return how many steps run that the fault can meet, as soon as there are any: else it would strike nothing."""
    count = 0

    def any_run() -> bool:
        nonlocal count
        count = scene.under_way(parts, row.fault)
        return count > 0

    until(any_run)
    return count


def _answers(ask: Callable[[], object]) -> object:
    try:
        return ask() is not False
    except CalculationEngineError:
        return False


def _direct(scene: Scene) -> SecretStr:
    return SecretStr(scene.mariadb.url(scene.mariadb.port))


def _count(scene: Scene, row: Row, parts: Parts) -> None:
    for job in scene.jobs:
        [step] = parts.database.steps.of_job(job)
        if parts.database.jobs.get(job).state is not State.SUCCEEDED:
            row.lost_jobs += 1
            log = step_log(scene.settings.data_dir, step.id).read_text()
            print(job, step.state, step.reason, step.exit_code, step.message, repr(log[-1000:]), file=sys.stderr)
        attempts = parts.database.steps.attempts(step.id)
        row.attempts += len(attempts) - 1
        pairs = list(itertools.pairwise(attempts))
        row.at_once += sum(one.ended is None or one.ended > two.begun for one, two in pairs)
        row.started_again += sum(one.state == State.SUCCEEDED for one, _ in pairs)
        if step_log(scene.settings.data_dir, step.id).read_text().count("start") != 1:
            row.at_once += 1
    row.left_over = len(scene.docker.objects()) + len(list((scene.settings.data_dir / "work").iterdir()))


def main() -> int:
    """Run all faults, or those named, and print the table; 1 when anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", choices=[[], *FAULTS])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    print(f"seed {asked.seed}, {asked.jobs} jobs under way\n")
    print("| fault | times | steps met | jobs lost | at once | started again | left over | second attempts |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    build_probe()
    clean = True
    for fault in asked.faults or FAULTS:
        row = run(fault, asked.times, asked.jobs, chance)
        counted = (row.times, row.met, row.lost_jobs, row.at_once, row.started_again, row.left_over, row.attempts)
        print(f"| {fault} | {' | '.join(map(str, counted))} |", flush=True)
        clean &= row.is_clean
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
