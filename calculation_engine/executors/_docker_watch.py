"""Watches a running container: copies its log, ends it where it must be ended, and tells how it ended."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from calculation_engine.errors import AttemptLost, ExecutorUnavailable
from calculation_engine.executors import _docker_archive as archive
from calculation_engine.executors._docker_client import Engine, NotFound
from calculation_engine.executors._docker_container import (
    RECORD,
    VOLUME,
    Record,
    Standing,
    container_name,
    log_capacity_bytes,
    parse_record,
    standing,
)
from calculation_engine.executors._docker_log import LogCopy
from calculation_engine.executors.base import Exit, Task
from calculation_engine.states import Reason

_STOP_FILE = "stopped.json"
_MOST_RECORD_BYTES = 4096
#: A container cannot outlive SIGKILL for long, except where its disk hangs.
_KILL_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 5.0


class Watch:
    """One attempt's thread, from its start, or from when it was taken over, to its end.

    Why an attempt is stopped is written into its folder before it is: an engine that comes back knows it.

    Args:
        engine: where it runs.
        task: what runs.
        stop_grace_seconds: between SIGTERM and SIGKILL.
        elapsed_seconds: how long it runs already.
    """

    def __init__(self, engine: Engine, task: Task, stop_grace_seconds: float, elapsed_seconds: float) -> None:
        self.name = container_name(task.attempt_id)
        self.done = threading.Event()
        self.exit: Exit | None = None
        self.error: Exception | None = None
        self._engine = engine
        self._task = task
        self._stop_grace_seconds = stop_grace_seconds
        self._started = time.monotonic() - elapsed_seconds
        self._stop_path = task.folder / _STOP_FILE
        self._stop_lock = threading.Lock()
        self._stopping = False
        self._used: tuple[float, int] | None = None
        self._log = LogCopy(task.log, task.resources.log, log_capacity_bytes(task))
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def check(self, volume_bytes: int | None) -> None:
        """Stop the attempt if it is over its time or disk limit now; does not wait for it."""
        seconds = time.monotonic() - self._started
        limits = self._task.resources
        if self._stopping or self.done.is_set():
            return
        if seconds > limits.time_limit:
            message = (
                f"it was stopped after {seconds:.1f} s: its time limit is {limits.time_limit:g} s; raise "
                "resources.time_limit, or give it less to do"
            )
            self._stop_aside(Reason.TIME_LIMIT, message, self._stop_grace_seconds)
        elif volume_bytes is not None and volume_bytes > limits.disk:
            self._stop_aside(Reason.DISK_LIMIT, self._disk_message(volume_bytes), 0)

    def cancel(self) -> None:
        """End the attempt because somebody asked for it; on return it has ended."""
        self.stop(Reason.CANCELLED, "it was cancelled", self._stop_grace_seconds)

    def stop(self, reason: Reason, message: str, grace_seconds: float) -> None:
        """End the attempt with all its processes; one that has ended by itself stays as it ended.

        Raises:
            ExecutorUnavailable: it may be running still; its folder says that it is to be stopped.
        """
        self._stopping = True
        if not self._mark_and_signal(reason, message, "SIGTERM" if grace_seconds else "SIGKILL"):
            return
        if not self.done.wait(grace_seconds):
            self._engine.kill(self.name, "SIGKILL")
        self._engine.wait(self.name, _KILL_SECONDS)

    def nudge(self) -> None:
        """Let it look again at how the container stands."""
        self._log.interrupt()

    def close(self) -> None:
        """End the thread; the attempt goes on."""
        self._log.close()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.exit = self._exit_of(self._follow_to_end())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self.error = error
        self.done.set()

    def _follow_to_end(self) -> Standing:
        if self._stop_path.exists():  # whoever wrote it died before the container did
            self._engine.kill(self.name, "SIGKILL")
        while True:
            follow = self._standing().is_running
            try:
                complete = self._log.follow(self._engine.logs(self.name, follow=follow))
            except NotFound as error:
                raise self._lost() from error
            if self._log.excess:
                self.stop(Reason.DISK_LIMIT, self._log_message(), 0)
                complete = True
            self._engine.wait(self.name, _LOOK_AGAIN_SECONDS)
            now = self._standing()
            if complete and not now.is_running:
                return now
            if self._log.is_closed:
                raise ExecutorUnavailable(f"docker: {self.name} is no longer watched here")

    def _standing(self) -> Standing:
        found = self._engine.inspect(self.name)
        if found is None:
            raise self._lost()
        return standing(found)

    def _lost(self, why: str = "its container is gone") -> AttemptLost:
        return AttemptLost(
            f"attempt {self._task.attempt_id}: {why}", hint="it is started anew unless it was lost before"
        )

    def _exit_of(self, end: Standing) -> Exit:
        """Return how the attempt ended, from the engine's words, the wrapper's record, and why it was stopped."""
        record = self._record()
        with self._stop_lock:
            stopped = self._stopped()
            if stopped is None and (excess := self._excess()):
                stopped = Reason.DISK_LIMIT, excess
                self._write_stop(*stopped)
        if stopped is None:
            stopped = self._out_of_memory(end, record)
        if stopped is None:
            self._check_not_lost(end, record)
        reason, message = stopped or (None, "")
        cpu_seconds, peak = self._used or (None, None)
        return Exit(
            exit_code=record.code if record and end.exit_code == 255 else end.exit_code,
            reason=reason,
            message=message,
            started=end.started,
            ended=end.ended,
            cpu_seconds=record.cpu_seconds if record else cpu_seconds,
            peak_memory_bytes=record.peak_memory_bytes if record else peak,
        )

    def _out_of_memory(self, end: Standing, record: Record | None) -> tuple[Reason, str] | None:
        killed = end.out_of_memory or (record is not None and record.kills > 0)
        if not killed or end.exit_code == 0:  # a program may survive the loss of a child
            return None
        limit = self._task.resources.memory
        peak = record.peak_memory_bytes if record else None
        reached = f" (peak {_mebibytes(peak)})" if peak else ""
        return Reason.OUT_OF_MEMORY, (
            f"it needed more memory than its limit of {_mebibytes(limit)}{reached}; raise resources.memory, "
            "or give it less to do"
        )

    def _check_not_lost(self, end: Standing, record: Record | None) -> None:
        """Raise AttemptLost when somebody else ended it: the engine while it stopped, or ``docker stop``."""
        if record is not None and record.terminated:
            raise self._lost("its container was stopped from outside, or with the Docker engine")
        # 255 is what an engine says of a container that ended while it was down, 128 and more a signal
        if record is None and end.exit_code >= 128:
            raise self._lost(f"its container ended with exit code {end.exit_code} and left no record")

    def _record(self) -> Record | None:
        try:
            content = archive.read_small_file(
                self._engine.get(self.name, f"{VOLUME}/{RECORD}/exit"), _MOST_RECORD_BYTES
            )
        except NotFound:
            return None
        return parse_record(content) if content is not None else None

    def _excess(self) -> str:
        """Return which limit of bytes an attempt passed that ended before it was noticed; "" for none."""
        if self._log.excess:
            return self._log_message()
        size = self._engine.volume_bytes().get(self.name, 0)
        return self._disk_message(size) if size > self._task.resources.disk else ""

    def _stop_aside(self, reason: Reason, message: str, grace_seconds: float) -> None:
        self._stopping = True
        arguments = (reason, message, grace_seconds)
        threading.Thread(target=self._stop_quietly, args=arguments, name=f"stop-{self.name}", daemon=True).start()

    def _stop_quietly(self, reason: Reason, message: str, grace_seconds: float) -> None:
        try:
            self.stop(reason, message, grace_seconds)
        except ExecutorUnavailable:
            self._stopping = False  # the next look tries again

    def _mark_and_signal(self, reason: Reason, message: str, signal: str) -> bool:
        """Write down why and send the signal; return False when it has ended already."""
        with self._stop_lock:
            found = self._engine.inspect(self.name)
            if found is None or not standing(found).is_running:
                return False
            self._note_usage()
            first = self._stopped() is None
            if first:
                self._write_stop(reason, message)
            signalled = self._engine.kill(self.name, signal)
            if first and not signalled:
                self._stop_path.unlink()
            return signalled

    def _note_usage(self) -> None:
        """Keep what was used until now: a wrapper that is killed writes no record."""
        used = self._engine.usage(self.name)
        cpu = used.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
        memory = used.get("memory_stats", {})
        if cpu is not None and "usage" in memory:
            self._used = cpu / 1e9, int(memory.get("max_usage", memory["usage"]))

    def _stopped(self) -> tuple[Reason, str] | None:
        try:
            note = json.loads(self._stop_path.read_text())
        except FileNotFoundError:
            return None
        return Reason(note["reason"]), note["message"]

    def _write_stop(self, reason: Reason, message: str) -> None:
        whole = self._stop_path.with_suffix(".part")
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(json.dumps({"reason": reason, "message": message}))
        whole.rename(self._stop_path)

    def _disk_message(self, size: int) -> str:
        limit = _mebibytes(self._task.resources.disk)
        return (
            f"its working folder grew to {_mebibytes(size)}: its limit is {limit}; "
            "raise resources.disk, or let it write less"
        )

    def _log_message(self) -> str:
        limit = _mebibytes(self._task.resources.log)
        return f"log: {self._log.excess}: its limit is {limit}; raise resources.log, or let it print less"


def forget_stop(folder: Path) -> None:
    """Remove what an earlier life of an attempt left about its stop."""
    (folder / _STOP_FILE).unlink(missing_ok=True)


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):.4g} MiB"
