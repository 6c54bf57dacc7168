"""Who owns a lease, and whether that process is surely dead.

An engine keeps a lock on a file of the shared data folder while it lives; the kernel lets go of it at any death. So an
engine that comes back on the same machine takes its steps over at once, without waiting for their leases to expire.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from uuid_utils import uuid7

from calculation_engine.engine.steps.paths import owner_lock
from calculation_engine.settings import host_name


class Owner:
    """The identity of one engine process, alive until :meth:`release` or the process's death."""

    def __init__(self, data_dir: Path) -> None:
        self.host = host_name()
        self.name = f"{self.host}-{os.getpid()}-{str(uuid7())[-12:]}"
        self._data_dir = data_dir
        self._file: IO[str] = _locked(owner_lock(data_dir, self.name))

    def release(self) -> None:
        """Say that this engine is gone."""
        owner_lock(self._data_dir, self.name).unlink(missing_ok=True)
        self._file.close()


def _locked(path: Path) -> IO[str]:
    """Make a file and lock it; again where another engine took it for a dead one's before it was locked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


def surely_dead(data_dir: Path, owners: set[str], host: str) -> list[str]:
    """Return those owners whose process is dead beyond doubt: engines of this host that hold their lock no more."""
    return sorted(owner for owner in owners if owner.rsplit("-", 2)[0] == host and not _is_locked(data_dir, owner))


def alive(data_dir: Path) -> list[str]:
    """Return the engines of this data folder that live on this host; forget the dead ones' files."""
    names = []
    for path in sorted((data_dir / "engines").glob("*.lock")):
        if _is_locked(data_dir, path.stem):
            names.append(path.stem)
        else:
            path.unlink(missing_ok=True)
    return names


def _is_locked(data_dir: Path, owner: str) -> bool:
    try:
        with owner_lock(data_dir, owner).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
