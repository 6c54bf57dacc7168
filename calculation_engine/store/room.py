"""Room in the data folder: nothing new is begun when the disk is nearly full, or the quota is used up."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from calculation_engine.errors import StorageFull
from calculation_engine.settings import Settings

_HINT = (
    "delete jobs (`ce job delete`, `ce admin prune`), see what uses it (`ce admin du`), or change the setting {name}"
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: With less than this, a program that writes is likely to have failed for that alone.
_EXHAUSTED_BYTES = 1 << 20
#: Between two measurements of the whole folder, at least; and at most so much of the time is spent on it.
_MEASURE_SECONDS = 5.0
_MEASURE_SHARE = 0.05


class Room:
    """What one data folder may still take; one object serves all threads.

    Args:
        data_dir: the folder.
        free_bytes: what stays free on its disk.
        quota_bytes: what all that is in it may use; None for no limit.
    """

    def __init__(self, data_dir: Path, free_bytes: int = 0, quota_bytes: int | None = None) -> None:
        self._data_dir = data_dir
        self._free_bytes = free_bytes
        self._quota_bytes = quota_bytes
        self._lock = threading.Lock()
        self._used_bytes = 0
        self._next_measure = 0.0
        self._exhausted = 0.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the room that the settings give."""
        return cls(settings.data_dir, settings.disk_free, settings.disk_quota)

    @property
    def free_bytes(self) -> int:
        """Bytes that are free on the disk."""
        return shutil.disk_usage(self._data_dir).free

    def check_free(self, coming_bytes: int = 0) -> None:
        """Return when so many bytes fit on the disk; quick.

        Raises:
            StorageFull: they do not, or less than the setting ``disk_free`` would stay free.
        """
        free = self.free_bytes
        if free - coming_bytes < self._free_bytes:
            wanted = f"{bytes_text(coming_bytes)} are wanted, and " if coming_bytes > 1 << 20 else ""
            kept = bytes_text(self._free_bytes)
            raise StorageFull(
                f"the disk of {self._data_dir} has {bytes_text(free)} free: {wanted}{kept} stay free",
                hint=_HINT.format(name="disk_free"),
            )

    def check(self) -> None:
        """Return when something new can be begun; may measure the folder, which takes a while when it is large.

        Raises:
            StorageFull: the disk is nearly full, or the folder uses its quota.
        """
        self.check_free()
        if self._quota_bytes is not None and self._used() >= self._quota_bytes:
            used, allowed = bytes_text(self._used_bytes), bytes_text(self._quota_bytes)
            raise StorageFull(
                f"{self._data_dir} uses {used}, and {allowed} are allowed",
                hint=_HINT.format(name="disk_quota"),
            )

    def watch(self) -> None:
        """Look whether nothing is left on the disk at all; what fails for want of it is then known to be innocent."""
        if self.free_bytes < _EXHAUSTED_BYTES:
            self._exhausted = time.time()

    def was_exhausted_since(self, moment: float) -> bool:
        """Return whether nothing was left on the disk at any look since that Unix time."""
        self.watch()
        return self._exhausted >= moment

    def _used(self) -> int:
        with self._lock:
            begin = time.monotonic()
            if begin >= self._next_measure:
                self._used_bytes = used_bytes(self._data_dir)
                end = time.monotonic()
                self._next_measure = end + max(_MEASURE_SECONDS, (end - begin) / _MEASURE_SHARE)
            return self._used_bytes


def used_bytes(folder: Path) -> int:
    """Return the bytes on disk of all that is in a folder; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    pending = [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        pending.append(entry.path)
                    elif status.st_nlink > 1 and (status.st_dev, status.st_ino) in seen:
                        continue
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * 512
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    return total


def is_full(error: OSError) -> bool:
    """Return whether the disk, or what the system allows of it, is used up."""
    return error.errno in _FULL


@contextmanager
def full_is_told() -> Iterator[None]:
    """Tell a full disk by the error of that name."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise StorageFull(f"the disk is full: {error.strerror}", hint=_HINT.format(name="disk_free")) from error


def bytes_text(size: int) -> str:
    """Return bytes as people read them: ``1.5 GB``."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"
