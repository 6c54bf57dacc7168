"""Tries one thing after the other that a step must not be able to do, and writes down what came of each.

What came of it: the word ``reached`` and what was got at, or why not.
"""

import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

OUTPUT = Path("output")
BLOCK = b"x" * (1 << 20)
#: What is no file system, and where in it there are settings.
KERNEL = ("/proc", "/sys")
SETTINGS = {"/proc": ["sys"], "/sys": ["fs", "kernel"]}


def connect(host: str, port: int) -> str:
    """Open a connection."""
    with socket.create_connection((host, port), timeout=3):
        return "reached"


def read(path: str) -> str:
    """Read a file."""
    return f"reached {Path(path).read_text()}"


def find(name: str, *patterns: str) -> str:
    """Read a file of that name, wherever it is below some folders."""
    for root in (path for pattern in patterns for path in Path("/").glob(pattern)):
        for folder, _, files in os.walk(root):
            if name in files:
                return read(f"{folder}/{name}")
    return f"no {name} below {', '.join(patterns)}"


def call_sockets() -> str:
    """Connect to the first socket that there is in the file system."""
    tried = 0
    for folder, folders, files in os.walk("/"):
        if folder in KERNEL:
            folders.clear()
        for path in (f"{folder}/{name}" for name in files):
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                tried += 1
                with socket.socket(socket.AF_UNIX) as caller:
                    caller.connect(path)
                    return f"reached {path}"
    return f"no socket of {tried}"


def write_everywhere() -> str:
    """Make a file in every folder that there is, and change every file of the kernel's settings; name where it went."""
    made = []
    for folder, folders, files in os.walk("/"):
        folders[:] = SETTINGS.get(folder, folders)
        if not folder.startswith(KERNEL):
            try:
                Path(folder, "made").write_text("x")
                Path(folder, "made").unlink()
                made.append(folder)
            except OSError:
                pass
        else:
            for path in (f"{folder}/{name}" for name in files):
                try:
                    if not stat.S_ISCHR(Path(path).stat().st_mode):  # what is hidden is the null device
                        os.close(os.open(path, os.O_WRONLY))
                        made.append(path)
                except OSError:
                    pass
    return f"reached {' '.join(sorted(made))}"


def gain_rights() -> str:
    """Become root, see disks, mount, or make namespaces of its own; name what worked."""
    attempts = {
        "root": lambda: os.setuid(0),
        "chroot": lambda: os.chroot("/tmp"),
        "namespace of users": lambda: os.unshare(os.CLONE_NEWUSER),
        "namespace of mounts": lambda: os.unshare(os.CLONE_NEWNS),
        "device": lambda: os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
        "memory of the machine": lambda: Path("/dev/mem").open().close(),
        "priority": lambda: os.nice(-5),
        "kernel's log": lambda: Path("/dev/kmsg").open().close(),
        "hostname": lambda: socket.sethostname("evil"),
        "raw packets": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
        "another user": lambda: os.setuid(1000),
    }
    worked = [name for name, attempt in attempts.items() if works(attempt)]
    return f"reached {', '.join(worked)}" if worked else "nothing worked"


def works(attempt: Callable[[], object]) -> bool:
    """Whether it succeeds in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def interfaces() -> str:
    """Name the ways to a network."""
    return " ".join(sorted(name for _, name in socket.if_nameindex()))


def fork(times: int) -> str:
    """Start a process so many times, and tell how many came of it."""
    started, failure = 0, "no failure"
    for _ in range(times):
        try:  # os.fork copies this process first, at a thousand times the cost
            os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
            started += 1
        except OSError as error:
            failure = str(error.strerror)
    return f"{started} of {times}, then: {failure}"


def hoard() -> None:
    """Take memory for ever."""
    held: list[bytearray] = []
    while True:
        held.append(bytearray(BLOCK))


def fill(folder: str, names: str) -> None:
    """Write files of 8 MiB for ever, which keep their names or lose them at once."""
    held: list[BinaryIO] = []
    while True:
        path = Path(folder, f"{len(held)}.bin")
        held.append(path.open("wb"))
        if names == "unlinked":
            path.unlink()
        for _ in range(8):
            held[-1].write(BLOCK)


def grow(name: str) -> None:
    """Write to one file for ever, which loses its name at once."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    with Path(name).open("wb") as held:
        Path(name).unlink()
        while True:
            held.write(BLOCK)


def print_for_ever() -> None:
    """Write lines to the log for ever."""
    line = b"x" * 99 + b"\n"
    while True:
        sys.stdout.buffer.write(line * 10_000)


WAYS: dict[str, Callable[..., object]] = {
    way.__name__: way
    for way in (
        connect, read, find, call_sockets, write_everywhere, gain_rights, interfaces, fork, hoard, fill, grow,
        print_for_ever,
    )
}  # fmt: skip


def try_one(way: str, *arguments: Any) -> str:
    """Return what came of one attempt."""
    try:
        return str(WAYS[way](*arguments))
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"


if __name__ == "__main__":
    OUTPUT.mkdir(exist_ok=True)
    wanted = json.loads(Path("input/config.yaml").read_text())["attempts"]
    findings = {name: try_one(*attempt) for name, attempt in wanted.items()}
    (OUTPUT / "findings.json").write_text(json.dumps(findings))
    (OUTPUT / "status.yaml").write_text("code: 200")
