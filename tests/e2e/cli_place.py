"""A real server with modules of the user's own, as the command line starts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SLOW = """import json, sys, time
from pathlib import Path

print("begun", flush=True)
time.sleep(json.loads(Path("input/config.yaml").read_text())["factor"])
Path("output/status.yaml").write_text("code: 500")
sys.exit(1)
"""


@dataclass(frozen=True)
class Place:
    """A folder with modules in it, and a server that finds them."""

    folder: Path
    url: str

    @property
    def modules(self) -> Path:
        return self.folder / "modules"


def command(*arguments: str, folder: Path, **settings: str) -> list[Any]:
    """Start the command line in a process of its own, with no setting but these."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CE_")} | settings
    line = [sys.executable, "-m", "calculation_engine", *arguments]
    return [line, {"cwd": folder, "env": env, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}]


def ce(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    line, options = command(*arguments, folder=folder, **settings)
    return subprocess.run(line, timeout=110, check=False, **options)


@contextmanager
def running(*arguments: str, folder: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """Run one command for the time of the block; SIGTERM ends it."""
    line, options = command(*arguments, folder=folder, **settings)
    with subprocess.Popen(line, **options) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def read_document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the JSON document that a command prints while it goes on."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            document: dict[str, Any] = json.loads(text)
            return document
    raise AssertionError(f"the command ended: {process.communicate()[1]}")


def make_modules(folder: Path) -> None:
    """Make two modules in a folder's ``modules``: one that scales a table, and one that takes its time and fails."""
    for name in ("scaling", "slow"):
        made = ce("module", "new", name, "--folder", "modules", folder=folder)
        assert made.returncode == 0, made.stderr
    (folder / "modules" / "slow" / "run.py").write_text(SLOW)
    (folder / "table.csv").write_text("YEAR,VALUE\n2030,0.1\n2031,2\n")
