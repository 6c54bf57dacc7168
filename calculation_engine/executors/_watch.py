"""Measures what a tree of processes uses: processes and threads, memory, bytes on disk.

Imported by the shim of every step, so it uses nothing but quick modules of the standard library.
"""

# Importing pathlib would cost a third of the shim's start.

from __future__ import annotations

import os
import stat
import sys

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_HAS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def find_tree(root: int) -> dict[int, int]:
    """Return every descendant of ``root``, each with the number of its threads."""
    if not _HAS_CHILDREN:
        return dict.fromkeys(_tree_by_ps(root), 1)
    found: dict[int, int] = {}
    parents = [root]
    while parents:
        parent = parents.pop()
        threads = _list(f"/proc/{parent}/task")
        if parent != root:
            found[parent] = len(threads)
        for thread in threads:
            children = _read(f"/proc/{parent}/task/{thread}/children").split()
            parents += [pid for pid in map(int, children) if pid not in found]
    return found


def measure_memory(pids: dict[int, int], limit: int) -> int:
    """Return the bytes of memory of these processes together.

    The sum of resident pages is quick and an upper bound; where it passes ``limit``, pages that several processes
    share count once, and pages of files, which the system may drop, do not count.
    """
    if not _HAS_CHILDREN:
        resident = _rss_by_ps()
        return sum(resident.get(pid, 0) for pid in pids)
    total = 0
    for pid in pids:
        pages = _read(f"/proc/{pid}/statm").split()
        total += int(pages[1]) * _PAGE_BYTES if len(pages) > 1 else 0
    return total if total <= limit else min(total, sum(_proportional(pid) for pid in pids))


def measure_folder(folder: str, most_depth: int = 100) -> int:
    """Return the bytes of all files and folders below ``folder``, without following links."""
    total = 0
    waiting = [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    try:
                        total += entry.stat(follow_symlinks=False).st_size
                        if entry.is_dir(follow_symlinks=False) and depth < most_depth:
                            waiting.append((entry.path, depth + 1))
                    except OSError:  # removed since it was listed
                        continue
        except OSError:
            continue
    return total


def measure_unlinked(pids: dict[int, int]) -> int:
    """Return the bytes of files without a name, on disk or in memory, that these processes keep open."""
    sizes = {}
    for pid in pids:
        for number in _list(f"/proc/{pid}/fd"):
            try:
                status = os.stat(f"/proc/{pid}/fd/{number}")
            except OSError:  # closed since it was listed
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def find_marked(mark: str) -> list[int]:
    """Return the processes whose environment has the entry ``mark``; none where the system does not tell."""
    wanted = mark.encode()
    pids = [int(name) for name in _list("/proc") if name.isdigit()]
    return [pid for pid in pids if wanted in _read(f"/proc/{pid}/environ").split(b"\0")]


def _proportional(pid: int) -> int:
    kilobytes = 0
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith((b"Pss_Anon:", b"Pss_Shmem:")):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


def _tree_by_ps(root: int) -> set[int]:
    """Where a parent that ends leaves its children to the system, those of the root's process group are found still."""
    rows = _ps()
    found = {pid for pid, _, group, _ in rows if group == root and pid != root}
    while new := {pid for pid, parent, _, _ in rows if parent in found or parent == root} - found:
        found |= new
    return found


def _rss_by_ps() -> dict[int, int]:
    return {pid: kilobytes * 1024 for pid, _, _, kilobytes in _ps()}


def _ps() -> list[tuple[int, int, int, int]]:
    """Return process, parent, process group and resident kilobytes of all processes, where there is no ``/proc``."""
    import subprocess  # slow to import, and not needed on Linux

    with subprocess.Popen(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,pgid=,rss="], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as ps:
        rows = [[int(word) for word in line.split()] for line in ps.communicate()[0].splitlines()]
    return [(row[0], row[1], row[2], row[3]) for row in rows if row[0] != ps.pid]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:  # the process has ended, or is not ours
        return b""


def _list(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


#: Seconds between two looks at processes and memory: where it takes a process of its own, more seldom.
INTERVAL_SECONDS = 0.05 if sys.platform == "linux" else 0.5
