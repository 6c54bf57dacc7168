"""Takes the outputs of a step that has ended, whatever it left there, and removes what it leaves."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from calculation_engine.errors import DiskLimit

#: Folders deeper than this are left out: their paths are longer than systems take.
_DEPTH = 50


def take_outputs(output: Path, into: Path, limit_bytes: int) -> None:
    """Move a folder to ``into``, once nothing writes to it any more; only regular files and folders of it.

    Raises:
        DiskLimit: its files are larger than the limit.
    """
    if into.exists():
        return
    into.parent.mkdir(parents=True, exist_ok=True)
    if output.is_symlink() or not output.is_dir():
        into.mkdir()
        return
    total, linked = _clean(output)
    if total > limit_bytes:
        raise DiskLimit(
            f"the outputs are {total:,} bytes, and {limit_bytes:,} are allowed for all files of this step",
            hint="raise resources.disk, or let it write less",
        )
    for path in linked:
        _separate(path)
    output.rename(into)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, however deep, whatever its modes."""
    if not os.path.lexists(folder):
        return
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        for words in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
            subprocess.run([*words, "--", str(folder)], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _clean(root: Path) -> tuple[int, list[Path]]:
    """Remove all but regular files and folders; return the bytes of the files, and those that have a second name."""
    total = 0
    linked = []
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        folder.chmod(0o755)
        for path in list(folder.iterdir()):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                total += status.st_size
                path.chmod(0o644)
                if status.st_nlink > 1:
                    linked.append(path)
            elif not stat.S_ISDIR(status.st_mode):
                path.unlink()
            elif depth < _DEPTH:
                waiting.append((path, depth + 1))
            else:
                remove_tree(path)
    return total, linked


def _separate(path: Path) -> None:
    """Give a file content of its own, so that nobody writes to it under another name."""
    copy = path.with_name(f".{path.name[:100]}.copy")
    shutil.copyfile(path, copy)
    copy.rename(path)
