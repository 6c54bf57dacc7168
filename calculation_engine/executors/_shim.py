"""The process beside every local step: it starts the step, owns its limits and its log, and records how it ended.

It is started by the executor in a session of its own and outlives the engine. It uses nothing but quick modules of
the standard library, so that it costs a step a few milliseconds.
"""

# Importing pathlib would cost a third of the shim's start.

from __future__ import annotations

import marshal
import os
import resource
import select
import signal
import sys
import time

from calculation_engine.executors import _limits, _record, _watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Descriptors that the executor gives it: the lock of the attempt, and a pipe that hears of the start.
LOCK_FD, REPORT_FD = 3, 4
CANCEL_SIGNAL = signal.SIGUSR1
#: Words of the record of the end besides those of the limits. Any other signal than ours is the machine going down.
CANCELLED, LOST = "cancelled", "lost"

_SIGNALS = {CANCEL_SIGNAL: CANCELLED, signal.SIGTERM: LOST, signal.SIGINT: LOST, signal.SIGHUP: LOST}
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


def main(folder: str) -> None:
    """Run the attempt whose records are in ``folder``, and end this process."""
    try:
        os.setsid()
        os.chdir(folder)
        os.closerange(REPORT_FD + 1, 1 << 16)
        with open("spec", "rb") as file:
            shim = Shim(marshal.load(file))  # noqa: S302 - the executor wrote it, in a folder of its own
        started = {"pid": str(os.getpid()), "started": repr(time.time()), "boot": _record.boot_id()}
        first = _record.write_once("started", started)
        _report(b"1" if first else b"0")
        if first:
            _record.write("ended", shim.run() | started)
    except BaseException:  # noqa: BLE001 - nobody is above; the executor shows what stands in shim.log
        import traceback  # slow, and needed here alone

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


class Shim:
    """One step, from its start until no process of it is left.

    What the step's processes leave behind becomes a child of this process, and is ended with them.

    Args:
        spec: ``argv``, ``env`` and ``cwd`` of the step; ``sandboxed``, whether bubblewrap is in front of it; else
            ``landlock``, the arguments of ``_landlock.restrict``, or None; ``log``, a path; ``limits`` and ``folders``,
            see ``Limits``; ``cores``, how many, and ``cores_folder``, where steps agree on who takes which.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._wake, wake = os.pipe()
        for number in (self._wake, wake):
            os.set_blocking(number, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *_SIGNALS):
            signal.signal(number, lambda *_: None)
        self._log_fd = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def run(self) -> dict[str, str]:
        """Run the step and return the record of its end."""
        sandboxed = self._spec["sandboxed"]
        if not sandboxed:
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        limits = _limits.Limits(self._spec["limits"], self._spec["folders"], self._log_fd)
        child = self._start(_limits.take_cores(self._spec["cores"], self._spec["cores_folder"]))
        if sandboxed:  # bubblewrap takes longer to start than this, and nothing of a step leaves it
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        status, why, reached = self._watch(child, limits)
        last = self._end_all(child)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        if status is None:
            status = last
        elif passed := limits.passed_at_end(status, usage):
            why, reached = passed
        if why == _limits.PIDS:
            self._tell(
                f"ended: {reached:.0f} processes and threads at once, {self._spec['limits']['pids']} are allowed"
            )
        return {
            "exit_code": str(_limits.exit_code(status)),
            "why": why,
            "reached": repr(reached),
            "ended": repr(time.time()),
            "cpu_seconds": repr(usage.ru_utime + usage.ru_stime),
            "peak_memory_bytes": str(limits.peak_memory_bytes),
        }

    def _start(self, cores: list[int]) -> int:
        shim = os.getpid()
        child = os.fork()
        if child:
            return child
        argv = self._spec["argv"]
        try:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and that would be inherited
                signal.signal(number, signal.SIG_DFL)
            if not self._spec["sandboxed"]:  # bubblewrap does so itself
                _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != shim:
                os._exit(127)
            if cores:
                os.sched_setaffinity(0, cores)
            _limits.bound_process(self._spec["limits"])
            os.chdir(self._spec["cwd"])
            os.dup2(self._log_fd, 1)
            os.dup2(self._log_fd, 2)
            os.closerange(3, 1 << 16)
            if self._spec["landlock"]:
                from calculation_engine.executors import _landlock  # slow, and not needed under bubblewrap

                _landlock.restrict(*self._spec["landlock"])
            os.execvpe(argv[0], argv, self._spec["env"])
        except OSError as error:
            os.write(2, f"calculation-engine: cannot start {argv[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)

    def _watch(self, child: int, limits: _limits.Limits) -> tuple[int | None, str, float]:
        """Return the status of the step when it ends by itself, or why it must end and what it reached."""
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        while True:
            poll.poll(limits.next_in() * 1000 + 1)
            for number in self._signals():
                if number in _SIGNALS:
                    return None, _SIGNALS[signal.Signals(number)], 0.0
            status = _reap()[0].get(child)
            if status is not None:
                return status, "", 0.0
            passed = limits.passed()
            if passed:
                return None, *passed

    def _signals(self) -> bytes:
        try:
            return os.read(self._wake, 4096)
        except BlockingIOError:
            return b""

    def _end_all(self, child: int) -> int:
        """Kill every process of the step and return the status of ``child``, if it is among them."""
        status = signal.SIGKILL.value
        while True:
            # All are stopped before any is killed: nobody starts another one while the others are being killed.
            seen: set[int] = set()
            while new := _watch.find_tree(os.getpid()).keys() - seen:
                seen |= new
                _send(new, signal.SIGSTOP)
            _send(seen, signal.SIGKILL)
            ended, are_left = _reap()
            status = ended.get(child, status)
            if not seen and not are_left:
                return status
            select.select([self._wake], [], [], 0.005)
            self._signals()

    def _tell(self, message: str) -> None:
        os.write(self._log_fd, f"calculation-engine: {message}\n".encode())


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes  # slow: in the time that bubblewrap takes to start, where there is one

        ctypes.CDLL(None).prctl(option, value)


def _report(answer: bytes) -> None:
    try:
        os.write(REPORT_FD, answer)
    except BrokenPipeError:
        return  # the engine was killed while it waited for this


def _reap() -> tuple[dict[int, int], bool]:
    """Collect the children that have ended; return the status of each, and whether any is left."""
    found: dict[int, int] = {}
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return found, True
            found[pid] = status
    except ChildProcessError:
        return found, False


def _send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:  # it has ended
            continue
