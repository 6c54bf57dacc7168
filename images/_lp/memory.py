"""The most memory that a process has held."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_memory_bytes(pid: int | None = None) -> int:
    """Return the highest resident size so far of this process or of a running one; 0 where it cannot be known.

    Not from ``getrusage`` where /proc tells it: what that returns includes the process that started this one.
    """
    status = Path(f"/proc/{pid or os.getpid()}/status")
    try:
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        if pid is not None:
            return 0
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    return int(line.split()[1]) * 1024


def peak_memory_of_ended_bytes() -> int:
    """Return the highest resident size of any process that this one waited for; 0 if that is not above its own.

    A new process counts the memory of the one that starts it, so that only a larger number is the program's own.
    """
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT
    return peak if peak > peak_memory_bytes() else 0
