"""The process that becomes the shims of an executor: it forks one for each attempt that it is sent."""

# It holds nothing but quick modules of the standard library: what it has loaded, each shim has.

from __future__ import annotations

import os
import signal
import socket
import sys

from calculation_engine.executors import _shim

_LONGEST_PATH_BYTES = 1 << 16


def main(number: int) -> None:
    """Serve until the executor closes its end of the line.

    Args:
        number: descriptor of a stream socket. A request is the folder of an attempt's records with two descriptors, its
            lock and the pipe that hears of the start; the answer is one byte, and the next request comes after it.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a shim ended but its records
    line = socket.socket(fileno=number)
    while True:
        folder, passed, _, _ = socket.recv_fds(line, _LONGEST_PATH_BYTES, 2)
        if not folder:
            return
        if os.fork() == 0:
            _become(os.fsdecode(folder), *passed)
        for each in passed:
            os.close(each)
        line.send(b"1")


def _become(folder: str, lock: int, report: int) -> None:
    """Be the shim of that attempt."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(os.path.join(folder, "shim.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        spare = os.dup(lock), os.dup(report)  # behind all that is put in place
        for source, target in ((log, 1), (log, 2), (spare[0], _shim.LOCK_FD), (spare[1], _shim.REPORT_FD)):
            os.dup2(source, target)
        sys.stdout.flush()
        _shim.main(folder)
    finally:
        os._exit(1)
