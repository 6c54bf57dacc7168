"""Watches the limits of one step, for its shim; nothing but quick modules of the standard library."""

# Importing pathlib would cost a third of the shim's start.

from __future__ import annotations

import fcntl
import os
import resource
import signal
import time

from calculation_engine.executors import _watch

#: Words of the record of the end, each with the limit that was passed.
TIME, MEMORY, DISK, LOG, PIDS = "time_limit", "memory", "disk", "log", "pids"
SANDBOX_PIDS = "sandbox_pids"

#: Share of the time that may go into measuring the working folder.
_MEASURE_SHARE = 0.05


class Limits:
    """The limits of a step that has just been started, and what it has reached.

    Args:
        limits: ``memory``, ``disk`` and ``log`` in bytes, ``time_limit`` in seconds, ``pids`` as a number, and
            ``sandbox_pids``, how many processes of the sandbox itself do not count.
        folders: what is measured against ``disk``.
        log_fd: the log, at the end of what it held before.
    """

    def __init__(self, limits: dict[str, float], folders: list[str], log_fd: int) -> None:
        self._limits = limits
        self._folders = folders
        self._log_fd = log_fd
        self._log_start = os.fstat(log_fd).st_size
        self._started = time.monotonic()
        self._next_look = self._started + _watch.INTERVAL_SECONDS
        self._next_measure = self._started
        self.peak_memory_bytes = 0

    def next_in(self) -> float:
        """Return the seconds until :meth:`passed` has something to do."""
        now = time.monotonic()
        return max(0.0, min(self._next_look, self._started + self._limits[TIME]) - now)

    def passed(self) -> tuple[str, float] | None:
        """Return the limit that is passed now and what was reached, or None."""
        now = time.monotonic()
        if now - self._started >= self._limits[TIME]:
            return TIME, now - self._started
        if now < self._next_look:
            return None
        self._next_look = now + _watch.INTERVAL_SECONDS
        processes = _watch.find_tree(os.getpid())
        memory = _watch.measure_memory(processes, int(self._limits[MEMORY]))
        self.peak_memory_bytes = max(self.peak_memory_bytes, memory)
        reached = {
            MEMORY: memory,
            PIDS: sum(processes.values()) - int(self._limits[SANDBOX_PIDS]),
            LOG: self._log_bytes(),
        }
        if now >= self._next_measure:
            reached[DISK] = self._disk_bytes() + _watch.measure_unlinked(processes)
            self._next_measure = now + (time.monotonic() - now) / _MEASURE_SHARE
        return self._first_over(reached)

    def passed_at_end(self, status: int, usage: resource.struct_rusage) -> tuple[str, float] | None:
        """Return the limit that was passed unseen by a step that ended by itself, or None.

        Args:
            status: how it ended, as ``wait`` tells it.
            usage: of all its processes.
        """
        largest = usage.ru_maxrss * (1024 if os.uname().sysname == "Linux" else 1)
        self.peak_memory_bytes = max(self.peak_memory_bytes, largest)
        reached = {LOG: self._log_bytes(), DISK: self._disk_bytes()}
        if status != 0:
            reached[MEMORY] = largest
        if exit_code(status) == 128 + signal.SIGXFSZ:
            return DISK, max(reached[DISK], self._limits[DISK])
        return self._first_over(reached)

    def _first_over(self, reached: dict[str, int]) -> tuple[str, float] | None:
        return next(((name, value) for name, value in reached.items() if value > self._limits[name]), None)

    def _log_bytes(self) -> int:
        return os.fstat(self._log_fd).st_size - self._log_start

    def _disk_bytes(self) -> int:
        return sum(_watch.measure_folder(folder) for folder in self._folders)


def exit_code(status: int) -> int:
    """Return the exit code as a shell tells it: 128 and the signal's number for a process that was killed."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def bound_process(limits: dict[str, float]) -> None:
    """Set the hard bounds of this process, which its children inherit.

    The log is a file as well, so that the bound of a single file is the larger of the two limits; and one byte more, so
    that a file that was stopped by it is seen to be over its limit, whatever its writer makes of the refusal.
    """
    largest = int(max(limits[DISK], limits[LOG])) + 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")  # where the machine runs out of memory, the step goes before the engine
    except OSError:
        pass


def take_cores(count: int, folder: str) -> list[int]:
    """Return the cores that a step may use: free ones where there are, else any; empty for no restriction.

    A core that is taken stays so, by a lock on its file in ``folder``, until this process ends.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    allowed = sorted(os.sched_getaffinity(0))
    if count >= len(allowed):
        return []
    first = os.getpid() % len(allowed)
    taken: list[int] = []
    for core in allowed[first:] + allowed[:first]:
        number = os.open(f"{folder}/{core}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken.append(core)
        except BlockingIOError:
            os.close(number)
        if len(taken) == count:
            break
    others = [core for core in allowed if core not in taken]
    return taken + others[: count - len(taken)]
