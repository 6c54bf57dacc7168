"""How far a step gets past its limits of bytes before it is ended: ``python -m benchmarks.limits``.

A step writes as fast as it can, to files of 64 MiB or to its log. What it had written when it was dead is what its
volume, its folder or its log holds then.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path

from calculation_engine.executors._docker_client import Engine
from calculation_engine.executors._docker_container import container_name
from calculation_engine.executors._docker_log import Body, Frames, LogStream
from calculation_engine.executors.base import Task
from calculation_engine.states import Reason
from tests.contract.executor_bench import Bench

MEBIBYTE = 1 << 20
FOR_EVER = str(64 << 30)
FILES = ["fill", str(64 << 20), "1000"]


def written_bytes(bench: Bench, task: Task, what: str) -> int:
    """Return what a dead step has written."""
    name = container_name(task.attempt_id)
    if bench.name == "docker":
        with closing(Engine(None, 60)) as engine:
            if what == "disk":
                return engine.volume_bytes()[name]
            frames = Frames()
            return sum(len(frames.feed(piece)) for piece in Body(LogStream(engine.logs(name, follow=False))))
    if what == "log":
        return task.log.stat().st_size
    return sum(path.stat().st_size for path in task.folder.rglob("*") if path.is_file())


def measure(bench: Bench, what: str, limit: int) -> tuple[int, float]:
    """Return the bytes written by a step and the seconds that it lived."""
    words = FILES if what == "disk" else ["spew", FOR_EVER]
    limits = {"disk": limit, "log": MEBIBYTE} if what == "disk" else {"disk": 64 * MEBIBYTE, "log": limit}
    task = bench.task(*words, **limits)
    begin = time.monotonic()
    handle = bench.executor.submit(task)
    ended = bench.finish(task, handle)
    seconds = time.monotonic() - begin
    assert ended.reason is Reason.DISK_LIMIT, ended
    written = written_bytes(bench, task, what)
    bench.executor.remove(task)
    return written, seconds


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--disk", type=int, default=256, help="MiB")
    parser.add_argument("--log", type=int, default=32, help="MiB")
    asked = parser.parse_args()
    print("| executor | what | limit [MiB] | past it, median [MiB] | past it, most [MiB] | written [MiB/s] |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    for name in ("local", "docker"):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(name, Path(folder))
            bench.executor.prepare(bench.program(), lambda _: None)
            for what, limit in (("disk", asked.disk * MEBIBYTE), ("log", asked.log * MEBIBYTE)):
                found = [measure(bench, what, limit) for _ in range(asked.times)]
                over = sorted((written - limit) / MEBIBYTE for written, _ in found)
                rate = max(written / MEBIBYTE / seconds for written, seconds in found)
                row = (name, what, limit // MEBIBYTE, f"{over[len(over) // 2]:.0f}", f"{over[-1]:.0f}", f"{rate:.0f}")
                print(f"| {' | '.join(map(str, row))} |", flush=True)
            bench.executor.close()


if __name__ == "__main__":
    main()
