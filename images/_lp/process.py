"""Solvers that are programs: started, their log passed on, the numbers in it kept."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from _lp.faults import Fault


def run_program(
    command: list[str], patterns: Mapping[str, str], folder: Path, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Run a solver, print its log, and return the last match of each pattern's only group.

    Raises:
        Fault: it cannot be started, or ends with another code than 0 or 1.
    """
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    found: dict[str, str] = {}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
    except OSError as error:
        raise Fault(f"the solver {command[0]} cannot be started: {error}", 500) from error
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            for name, pattern in compiled.items():
                if match := pattern.search(line):
                    found[name] = match[1]
    if process.returncode not in (0, 1):
        raise Fault(f"the solver {Path(command[0]).name} ended with code {process.returncode}: see the log", 500)
    return found
