"""One attempt as the engine sees it: the folder of its records, its lock, and its shim."""

from __future__ import annotations

import marshal
import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors import _record, _shim, _watch
from calculation_engine.executors._outputs import remove_tree
from calculation_engine.executors._shims import Shims

_POLL_SECONDS = 0.01
#: How long a shim may take to end its step before it is killed itself.
_END_SECONDS = 10.0
#: The last byte of a note that was written to its end.
_WHOLE = b"\n"


class Attempt:
    """The records of one attempt. See :mod:`calculation_engine.executors._record` for the files."""

    def __init__(self, records: Path) -> None:
        self.id = records.name
        self._records = records
        self._lock = str(records / "lock")

    @property
    def is_known(self) -> bool:
        """Whether anything of it is here."""
        return self._records.is_dir()

    @property
    def started(self) -> _record.Fields | None:
        """What its shim wrote when it started."""
        return _record.read(str(self._records / "started"))

    @property
    def ended(self) -> _record.Fields | None:
        """How it ended; None where it has not, or the machine went down since, so that its files may not be whole."""
        fields = _record.read(str(self._records / "ended"))
        return fields if fields and fields["boot"] == _record.boot_id() else None

    @property
    def is_alive(self) -> bool:
        """Whether its shim lives, or somebody submits or removes it at this moment."""
        return _record.is_locked(self._lock)

    @contextmanager
    def hold(self) -> Iterator[int | None]:
        """Hold its lock, if nobody else does; gives the descriptor or None."""
        self._records.mkdir(parents=True, exist_ok=True)
        try:
            number = _record.lock(self._lock)
        except FileNotFoundError:  # it is being removed
            number = None
        try:
            yield number
        finally:
            if number is not None:
                os.close(number)

    def note_folder(self, folder: Path) -> None:
        """Note where its scratch is, before there is any."""
        part = self._records / "folder.part"
        part.write_bytes(os.fsencode(folder.absolute()) + _WHOLE)
        part.replace(self._records / "folder")

    @property
    def _folder(self) -> Path | None:
        """Where its scratch is; None where no whole note says so: what is removed by half a path is somebody else's."""
        with suppress(FileNotFoundError):
            note = (self._records / "folder").read_bytes()
            if note.startswith(b"/") and note.endswith(_WHOLE):
                return Path(os.fsdecode(note.removesuffix(_WHOLE)))
        return None

    def start(self, spec: dict[str, Any], lock: int, shims: Shims) -> None:
        """Start its shim, which holds the lock from then on.

        Raises:
            ExecutorUnavailable: it did not start.
        """
        (self._records / "spec").write_bytes(marshal.dumps(spec))
        report, shim_report = os.pipe()
        with open(report, "rb", buffering=0) as pipe:
            try:
                shims.start(self._records, lock, shim_report)
            finally:
                os.close(shim_report)
            answer = pipe.read(1)
        if answer != b"1":
            said = (self._records / "shim.log").read_text(errors="replace")[-2000:]
            raise ExecutorUnavailable(f"the process beside the step did not start:\n{said}")

    def wait(self, timeout_seconds: float) -> bool:
        """Return whether no shim lives any more, as soon as that is so or after the timeout."""
        deadline = time.monotonic() + timeout_seconds
        started = self.started
        if started and hasattr(os, "pidfd_open"):
            with suppress(ProcessLookupError):
                number = os.pidfd_open(int(started["pid"]))
                try:
                    if self.is_alive:  # so that the number is the shim's still
                        _poll(number, timeout_seconds)
                finally:
                    os.close(number)
        while self.is_alive:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def end(self) -> None:
        """End its processes, if there are any; its record then says that it was cancelled."""
        started = self.started
        if started is None or not self._send(_shim.CANCEL_SIGNAL):
            return
        if self.wait(_END_SECONDS):
            return
        self._send(signal.SIGKILL)
        self.wait(_END_SECONDS)
        self.sweep()
        if self.ended is None:
            fields = {"exit_code": "137", "why": _shim.CANCELLED, "reached": "0", "ended": repr(time.time())}
            _record.write(str(self._records / "ended"), started | fields)

    def sweep(self) -> None:
        """End what a shim that was killed has left: bubblewrap ends its step with it, others do not."""
        started = self.started
        mark = f"{_record.MARK}={self.id}"
        deadline = time.monotonic() + _END_SECONDS
        while (left := _find_left(mark, started)) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)

    def remove(self, timeout_seconds: float = 30.0) -> None:
        """Leave nothing of it: no process, no scratch, no records.

        Raises:
            ExecutorUnavailable: somebody holds it for longer than the timeout.
        """
        deadline = time.monotonic() + timeout_seconds
        while self.is_known:
            self.end()
            with self.hold() as lock:
                if lock is not None:
                    self.remove_held()
                    return
            if time.monotonic() >= deadline:
                raise ExecutorUnavailable(f"attempt {self.id}: another process is starting or removing it still")
            time.sleep(_POLL_SECONDS)

    def remove_held(self) -> None:
        """Leave nothing of it; the caller holds its lock."""
        if self.started and not self.ended:
            self.sweep()
        folder = self._folder
        if folder is not None:
            remove_tree(folder)
        for path in self._records.iterdir():
            if path.name != "lock":
                path.unlink()
        (self._records / "lock").unlink()
        with suppress(OSError):  # somebody submits it again already
            self._records.rmdir()

    def _send(self, number: int) -> bool:
        """Send its shim a signal; False when there is none."""
        started = self.started
        if started is None or not self.is_alive:
            return False
        with suppress(ProcessLookupError):
            os.kill(int(started["pid"]), number)
            return True
        return False


def _find_left(mark: str, started: _record.Fields | None) -> list[int]:
    if Path("/proc/self/environ").exists():
        return _watch.find_marked(mark)
    return sorted(_watch.find_tree(int(started["pid"]))) if started else []


def _poll(number: int, timeout_seconds: float) -> None:
    poll = select.poll()
    poll.register(number, select.POLLIN)
    poll.poll(timeout_seconds * 1000)
