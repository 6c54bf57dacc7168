"""One at a time, across threads and processes."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.2
_LONGEST_BYTES = 500


@contextmanager
def exclusive(path: Path, hear: Callable[[str], None] | None = None) -> Iterator[Callable[[str], None]]:
    """Hold the lock that ``path`` stands for; a holder that dies lets it go.

    The file is removed on leaving. Whoever waited on the removed file finds that it is not at ``path`` any more and
    begins anew.

    Args:
        path: a file, which is made.
        hear: called, while somebody else holds the lock, with what the holder told last ("": nothing yet).

    Yields:
        What tells one line to all who wait.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _take(handle, hear)
        if _is_at(handle, path):
            break
        os.close(handle)

    def tell(line: str) -> None:
        content = line.encode(errors="replace")[:_LONGEST_BYTES].ljust(_LONGEST_BYTES)
        os.pwrite(handle, content, 0)

    try:
        yield tell
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _take(handle: int, hear: Callable[[str], None] | None) -> None:
    if hear is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hear(os.pread(handle, _LONGEST_BYTES, 0).decode(errors="replace").rstrip())
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
