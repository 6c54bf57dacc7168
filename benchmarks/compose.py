"""How long `docker compose up --detach --wait` takes until all is healthy, with built images.

    python -m benchmarks.compose [--repetitions 3]

Brings up a project of its own, beside anything else: with empty volumes, which is the first start, and again after
`down`, which keeps them. Prints each time in seconds and the medians, then the sizes of the images.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.images import ROOT, lines

PROJECT = "ce-benchmark"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "env"
        settings.write_text(f"API_PORT=0\nLAB_PORT=0\nMODULES={folder}\nCOMPOSE_PROFILES=socket\n")
        compose(settings, "build")
        first, again = [], []
        for _ in range(arguments.repetitions):
            first.append(start_seconds(settings))
            compose(settings, "down")
            again.append(start_seconds(settings))
            compose(settings, "down", "--volumes")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| start | seconds | median |\n|---|---|---|")
    for name, seconds in (("the first, with empty volumes", first), ("with existing volumes", again)):
        print(f"| {name} | {', '.join(f'{one:.1f}' for one in seconds)} | {statistics.median(seconds):.1f} |")
    print("\n" + "\n".join(lines()))


def start_seconds(settings: Path) -> float:
    """Start everything and return how long that takes until it is healthy."""
    began = time.perf_counter()
    compose(settings, "up", "--detach", "--wait")
    return time.perf_counter() - began


def compose(settings: Path, *words: str) -> None:
    """Run docker compose on the project; what it says is shown only when it fails."""
    line = ["docker", "compose", "--project-name", PROJECT, "--env-file", str(settings), *words]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(line)}\n{done.stderr[-4000:]}")


if __name__ == "__main__":
    main()
