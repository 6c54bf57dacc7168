"""One executor with a folder of its own, and tasks for it that run the program ``probe``.

As a script it submits one such task and then waits for it, until somebody kills it:
``python executor_bench.py EXECUTOR FOLDER ATTEMPT SECONDS [WORD...]``.
"""

import hashlib
import io
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from calculation_engine.errors import StoreCorrupt
from calculation_engine.executors.base import Executor, Exit, Program, Task
from calculation_engine.executors.registry import make_executor
from calculation_engine.schemas.resources import Resources

PROBE = Path(__file__).parent / "programs" / "probe"
LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Content:
    """Bytes as a source; ``fails`` makes it one that is corrupt."""

    content: bytes
    fails: bool = False

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return _Corrupt(self.content) if self.fails else io.BytesIO(self.content)


class _Corrupt(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        chunk = super().read(size)
        if chunk and self.tell() < len(self.getbuffer()):
            return chunk
        raise StoreCorrupt("stored file: its content is another")


class Bench:
    """An executor, and the folders in which it works."""

    def __init__(self, name: str, folder: Path, options: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.folder = folder
        self.options = dict(options or {})
        self.executor = self.another()

    def another(self) -> Executor:
        """Return a second executor for the same place, as another engine has it."""
        return make_executor(self.name, self.options, self.folder / "data")

    def program(self, *words: str) -> Program:
        """Return the program with these arguments."""
        code = b"".join(path.read_bytes() for path in sorted(PROBE.iterdir()) if path.is_file())
        return Program(
            name="probe",
            version="1.0.0",
            content_hash=hashlib.sha256(code).hexdigest(),
            command=("python", "{module}/run.py", *words),
            image="calculation-engine/test-probe:1.0.0",
            folder=PROBE,
            python="3.12",
        )

    def task(
        self,
        *words: str,
        attempt_id: str | None = None,
        files: Mapping[str, bytes] | None = None,
        env: Mapping[str, str] | None = None,
        **resources: Any,
    ) -> Task:
        """Return a task that runs the probe with these words, within small limits unless others are given."""
        attempt_id = attempt_id or f"test-{uuid4().hex}"
        small = {"memory": 256 << 20, "disk": 256 << 20, "log": 64 << 20, "time_limit": 100.0, "pids": 64}
        return Task(
            attempt_id=attempt_id,
            labels={"job": "test", "step": attempt_id},
            program=self.program(*words),
            env={"PROBE": attempt_id, **(env or {})},
            files={path: Content(content) for path, content in (files or {"input/config.yaml": b"{}"}).items()},
            resources=Resources.model_validate(small | resources),
            folder=self.folder / "scratch" / attempt_id,
            log=self.folder / "logs" / attempt_id,
        )

    def finish(self, task: Task, handle: str, seconds: float = LIMIT_SECONDS) -> Exit:
        """Wait for the end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.executor.wait(task, handle, 5.0)
            if ended:
                return ended
        raise TimeoutError(f"{task.attempt_id} runs still after {seconds} s; its log: {read(task.log)[-500:]!r}")

    def run(self, task: Task) -> Exit:
        """Submit and wait for the end."""
        return self.finish(task, self.executor.submit(task))

    def run_and_collect(self, task: Task) -> Path:
        """Run, and return the folder of the outputs."""
        handle = self.executor.submit(task)
        ended = self.finish(task, handle)
        if ended.reason:
            raise AssertionError(f"{ended}, and its log: {read(task.log)[-500:]!r}")
        into = self.folder / "collected" / task.attempt_id
        self.executor.collect(task, handle, into)
        return into

    def send_there_and_back(self) -> None:
        """See that a file goes into a step and comes back out of it, in an image that is made ready first."""
        self.executor.prepare(self.program(), lambda _: None)
        task = self.task("copy", files={"input/a.txt": b"there and back"})
        into = self.run_and_collect(task)
        assert (into / "a.txt").read_bytes() == b"there and back"
        self.executor.remove(task)

    def hold(self, *words: str, **resources: Any) -> tuple[Task, str]:
        """Start an attempt that holds, and return it as soon as it says so."""
        task = self.task(*(words or ("hold",)), **resources)
        handle = self.executor.submit(task)
        until(lambda: b"ready\n" in read(task.log))
        return task, handle


def read(log: Path) -> bytes:
    """Return a log, which may not be there yet."""
    return log.read_bytes() if log.exists() else b""


def find_processes(task: Task) -> list[int]:
    """Return the processes of an attempt that are on this machine, in containers too, as far as it can be told."""
    mark = f"PROBE={task.attempt_id}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def until(condition: Callable[[], object], seconds: float = LIMIT_SECONDS) -> None:
    """Return as soon as the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not after {seconds} s")
        time.sleep(0.005)


def submit_and_wait(name: str, folder: str, attempt_id: str, time_limit: str, *words: str) -> None:
    """What an engine does that is going to be killed."""
    bench = Bench(name, Path(folder))
    task = bench.task(*words, attempt_id=attempt_id, time_limit=float(time_limit))
    os.write(1, b"ready\n")
    handle = bench.executor.submit(task)
    os.write(1, b"submitted\n")
    bench.finish(task, handle)


if __name__ == "__main__":
    submit_and_wait(*sys.argv[1:])
