"""Why an attempt ended: the note that its engine left, and the sentences that users read."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from calculation_engine.errors import AttemptLost
from calculation_engine.executors._docker_container import Record, Standing
from calculation_engine.executors.base import Task
from calculation_engine.states import Reason

_NOTE = "stopped.json"
_ENDED_BEFORE_IT_BEGAN = 2
_FILE_TOO_LARGE = 128 + signal.SIGXFSZ


class StopNote:
    """Why an attempt is being stopped, in its folder: an engine that comes back finds it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NOTE

    def read(self) -> tuple[Reason, str] | None:
        """Return reason and message, or None when nobody stops it."""
        try:
            note = json.loads(self._path.read_text())
        except FileNotFoundError:
            return None
        return Reason(note["reason"]), note["message"]

    def write(self, reason: Reason, message: str) -> None:
        """Leave a note, whole or not at all."""
        part = self._path.with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"reason": reason, "message": message}))
        part.rename(self._path)

    def remove(self) -> None:
        """Take the note back, if there is one."""
        self._path.unlink(missing_ok=True)


def out_of_memory(task: Task, last: Standing, record: Record | None) -> tuple[Reason, str] | None:
    """Return reason and message when the attempt failed for want of memory; it may survive the loss of a child."""
    killed = last.out_of_memory or (record is not None and record.kills > 0)
    if not killed or last.exit_code == 0:
        return None
    peak = record.peak_memory_bytes if record else None
    reached = f" (peak {_mebibytes(peak)})" if peak else ""
    return Reason.OUT_OF_MEMORY, (
        f"it needed more memory than its limit of {_mebibytes(task.resources.memory)}{reached}; "
        "raise resources.memory, or give it less to do"
    )


def peak_memory(task: Task, reason: Reason | None, record: Record | None, seen: int | None) -> int | None:
    """Return the peak of memory in bytes; ``seen`` is what was in use when the attempt was stopped.

    Files in memory outlive their writer, and may leave the wrapper no room for its record. But no attempt ends for want
    of memory before it has used all that it may.
    """
    peak = record.peak_memory_bytes if record else seen
    return int(task.resources.memory) if peak is None and reason is Reason.OUT_OF_MEMORY else peak


def disk_excess(task: Task, last: Standing, volume_bytes: int) -> str:
    """Return the message of an attempt that ended over its disk limit, or by the bound of one file; "" for none."""
    limit = int(task.resources.disk)
    size = max(volume_bytes, limit + 1) if last.exit_code == _FILE_TOO_LARGE else volume_bytes
    return disk_message(task, size) if size > limit else ""


def check_not_lost(task: Task, last: Standing, record: Record | None) -> None:
    """Refuse to take an end for the attempt's own that came from outside.

    Raises:
        AttemptLost: Docker stopped it while it was stopped itself, or somebody ran ``docker stop`` or ``docker kill``.
    """
    if record is not None and record.terminated:
        raise lost(task, "its container was stopped from outside, or with the Docker engine")
    # 255 is what an engine says of one that ended while it was down; 128 and more, a signal; 2 is how runc's own
    # process, written in Go, ends that is asked to before it has become the wrapper.
    if record is None and (last.exit_code >= 128 or last.exit_code == _ENDED_BEFORE_IT_BEGAN):
        raise lost(task, f"its container ended with exit code {last.exit_code} and left no record")


def lost(task: Task, why: str = "its container is gone") -> AttemptLost:
    """Return the error that says so."""
    return AttemptLost(f"attempt {task.attempt_id}: {why}", hint="it is started anew unless it was lost before")


def time_message(task: Task, seconds: float) -> str:
    """Return the message of an attempt over its time limit."""
    limit = task.resources.time_limit
    return (
        f"it was stopped after {seconds:.1f} s: its time limit is {limit:g} s; "
        "raise resources.time_limit, or give it less to do"
    )


def disk_message(task: Task, size: int) -> str:
    """Return the message of an attempt whose working folder is over its limit."""
    return (
        f"its working folder grew to {_mebibytes(size)}: its limit is {_mebibytes(task.resources.disk)}; "
        "raise resources.disk, or let it write less"
    )


def log_message(task: Task, excess: str) -> str:
    """Return the message of an attempt whose log is over its limit."""
    return f"log: {excess}: its limit is {_mebibytes(task.resources.log)}; raise resources.log, or let it print less"


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.4g} MiB"
