"""Watches a running container: copies its log, ends it where it must be ended, and tells how it ended."""

from __future__ import annotations

import threading
import time

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors import _docker_archive as archive
from calculation_engine.executors import _docker_end as end
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
from calculation_engine.executors._docker_log import LogCopy, LogStream
from calculation_engine.executors.base import Exit, Task
from calculation_engine.states import Reason

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
        self._note = end.StopNote(task.folder)
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
            self._stop_aside(Reason.TIME_LIMIT, end.time_message(self._task, seconds), self._stop_grace_seconds)
        elif volume_bytes is not None and volume_bytes > limits.disk:
            self._stop_aside(Reason.DISK_LIMIT, end.disk_message(self._task, volume_bytes), 0)

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

    @property
    def received_bytes(self) -> int:
        """Bytes of the log that came in until now: a count that stands still has nothing to read, or is stuck."""
        return self._log.received_bytes

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
        if self._note.read():  # whoever wrote it died before the container did
            self._engine.kill(self.name, "SIGKILL")
        while True:
            follow = self._standing().is_running
            try:
                complete = self._log.follow(LogStream(self._engine.logs(self.name, follow=follow)))
            except NotFound as error:
                raise end.lost(self._task) from error
            if self._log.excess:
                self.stop(Reason.DISK_LIMIT, end.log_message(self._task, self._log.excess), 0)
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
            raise end.lost(self._task)
        return standing(found)

    def _exit_of(self, last: Standing) -> Exit:
        """Return how the attempt ended, from the engine's words, the wrapper's record, and why it was stopped."""
        record = self._record()
        with self._stop_lock:
            stopped = self._note.read()
            if stopped is None and (excess := self._excess(last)):
                stopped = Reason.DISK_LIMIT, excess
                self._note.write(*stopped)
        stopped = stopped or end.out_of_memory(self._task, last, record)
        if stopped is None:
            end.check_not_lost(self._task, last, record)
        reason, message = stopped or (None, "")
        cpu_seconds, seen = self._used or (None, None)
        return Exit(
            exit_code=record.code if record and last.exit_code == 255 else last.exit_code,
            reason=reason,
            message=message,
            started=last.started,
            ended=last.ended,
            cpu_seconds=record.cpu_seconds if record else cpu_seconds,
            peak_memory_bytes=end.peak_memory(self._task, reason, record, seen),
        )

    def _record(self) -> Record | None:
        try:
            content = archive.read_small_file(
                self._engine.get(self.name, f"{VOLUME}/{RECORD}/exit"), _MOST_RECORD_BYTES
            )
        except NotFound:
            return None
        return parse_record(content) if content is not None else None

    def _excess(self, last: Standing) -> str:
        """Return which limit of bytes an attempt passed that ended before it was noticed; "" for none."""
        if self._log.excess:
            return end.log_message(self._task, self._log.excess)
        return end.disk_excess(self._task, last, self._engine.volume_bytes().get(self.name, 0))

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
            first = self._note.read() is None
            if first:
                self._note.write(reason, message)
            signalled = self._engine.kill(self.name, signal)
            if first and not signalled:
                self._note.remove()
            return signalled

    def _note_usage(self) -> None:
        """Keep what was used until now: a wrapper that is killed writes no record."""
        used = self._engine.usage(self.name)
        cpu = used.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
        memory = used.get("memory_stats", {})
        if cpu is not None and "usage" in memory:
            self._used = cpu / 1e9, int(memory.get("max_usage", memory["usage"]))
