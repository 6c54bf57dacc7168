"""Starts shims: a process that has loaded all that a shim needs, and becomes one by a fork for each attempt.

So a step does not wait for an interpreter to start. The process is a child of the engine's, one for each executor, and
ends with it; the shims that it became are on their own.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import calculation_engine

_PACKAGE = str(Path(calculation_engine.__file__).parent)
#: The package is given its path by hand: its own ``__init__`` may import more than a shim needs.
_START = """\
import sys
package = sys.modules["calculation_engine"] = type(sys)("calculation_engine")
package.__path__ = [sys.argv[1]]
from calculation_engine.executors._shim_server import main
main(int(sys.argv[2]))
"""


class Shims:
    """Starts the shims of one executor; safe to use from many threads. Whoever forgets to close it loses nothing."""

    def __init__(self) -> None:
        self._line: socket.socket | None = None
        self._end: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def start(self, records: Path, lock: int, report: int) -> None:
        """Start the shim of an attempt, which gets both descriptors.

        Args:
            records: the attempt's folder.
            lock: descriptor of its held lock.
            report: pipe to which the shim writes whether it began; closed without a word when it could not.

        Raises:
            OSError: nothing was started.
        """
        with self._lock:
            try:
                self._ask(records, lock, report)
            except ConnectionError:  # somebody killed the process; two shims of one attempt agree who is first
                self._end()
                self._line = None
                self._ask(records, lock, report)

    def close(self) -> None:
        """End the process that starts them."""
        with self._lock:
            self._end()
            self._line = None

    def _ask(self, records: Path, lock: int, report: int) -> None:
        if self._line is None:
            process, self._line = _begin()
            self._end = weakref.finalize(self, _end, process, self._line)
        socket.send_fds(self._line, [os.fsencode(records)], [lock, report])
        if self._line.recv(1) != b"1":
            raise ConnectionResetError


def _begin() -> tuple[subprocess.Popen[bytes], socket.socket]:
    line, other = socket.socketpair()
    words = [sys.executable, "-I", "-S", "-c", _START, _PACKAGE, str(other.fileno())]
    with other:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, env={}, pass_fds=[other.fileno()], start_new_session=True
        )
    return process, line


def _end(process: subprocess.Popen[bytes], line: socket.socket) -> None:
    line.close()
    process.wait()
