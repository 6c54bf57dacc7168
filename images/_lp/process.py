"""Solvers that are programs: started, their log passed on, the numbers in it kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from _lp.faults import Fault
from _lp.memory import peak_memory_bytes, peak_memory_of_ended_bytes


@dataclass(frozen=True)
class Finished:
    """How a solver's program ended."""

    name: str
    exit_code: int
    found: dict[str, str]  #: pattern's name -> its last match in the log
    peak_memory_bytes: int  #: at least; programs buffer their log, so the last look may be early

    def fault(self) -> Fault:
        """Return the fault of a program that left no solution."""
        if self.exit_code < 0:
            how = f"was ended by {signal.Signals(-self.exit_code).name} (SIGKILL: most often for its memory)"
        else:
            how = f"ended with code {self.exit_code} and without a solution"
        return Fault(f"the solver {self.name} {how}: see the log", 500)


def run_program(
    command: list[str], patterns: Mapping[str, str], folder: Path, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run a solver, print its log, and return how it ended, with the last match of each pattern's only group.

    Raises:
        Fault: it cannot be started.
    """
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    found: dict[str, str] = {}
    peak = 0
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
            peak = max(peak, peak_memory_bytes(process.pid))
            for name, pattern in compiled.items():
                if match := pattern.search(line):
                    found[name] = match[1]
    return Finished(Path(command[0]).name, process.returncode, found, max(peak, peak_memory_of_ended_bytes()))
