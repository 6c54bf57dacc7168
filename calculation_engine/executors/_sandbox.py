"""What a step sees: the system's programs, its environment, its code and its own folder, and nothing else.

Bubblewrap holds all of it. Where that does not work, Landlock holds the files, and TCP on a recent kernel.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calculation_engine.executors import _landlock

INSTALL = "install it: `apt install bubblewrap`, or your system's package of that name"

#: Where a step finds its folder and the modules' code, as in a container.
JOB = "/job"
IMAGES = "/opt/images"
#: How many processes bubblewrap has itself: one outside, and the first one inside.
PROCESSES = 2

_SHARED_MEMORY_BYTES = 64 << 20  # as a container has it
_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime")
#: Not all of it: the environment of the engine is there, and of all else that its user runs.
_PROC = tuple(f"/proc/{name}" for name in ("self", "cpuinfo", "meminfo", "stat", "sys", "filesystems", "version"))
#: How many cores and how much memory there are to use; DuckDB, for one, does not start where it may not read this.
_MACHINE = ("/sys/devices/system/cpu", "/sys/fs/cgroup")
_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))
_ETC_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "ssl", "ca-certificates", "pki")


@dataclass(frozen=True)
class Bubblewrap:
    """A bubblewrap that works on this machine."""

    program: str
    version: str
    options: str  #: its help text, which names the options that it knows

    def command(
        self, *, job: Path, scratch: Path, images: Path | None, read_only: Sequence[str], network: bool
    ) -> list[str]:
        """Return what stands before a command to run it in the sandbox.

        Args:
            job: the working folder, writable at ``/job``.
            scratch: a folder that is writable at ``/tmp``.
            images: folder of the modules' code, readable at ``/opt/images``.
            read_only: paths that are readable at their own place.
            network: whether the network of this machine can be reached.
        """
        words = [self.program, *_NAMESPACES, "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
        words += ["--hostname", "step", "--die-with-parent", "--new-session"]
        if not network:
            words.append("--unshare-net")
        if "--disable-userns" in self.options:
            words.append("--disable-userns")
        for folder in _SYSTEM:
            words += _system_folder(Path(folder))
        for path in _etc(network):
            words += ["--ro-bind-try", path, path]
        # Read-only: the kernel takes the steps of an engine that is root for root, who may write its settings.
        words += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
        if "--size" in self.options:
            words += ["--size", str(_SHARED_MEMORY_BYTES)]
        words += ["--tmpfs", "/dev/shm", "--bind", str(scratch), "/tmp"]  # noqa: S108 - the sandbox's own
        for readable in read_only:
            words += ["--ro-bind", readable, readable]
        if images:
            words += ["--ro-bind", str(images), IMAGES]
        return [*words, "--bind", str(job), JOB, "--remount-ro", "/", "--chdir", JOB, "--"]


@dataclass(frozen=True)
class Landlock:
    """A kernel that can keep steps from files."""

    version: int

    def arguments(
        self, *, writable: Sequence[Path], read_only: Sequence[str], network: bool
    ) -> tuple[list[str], list[str], bool]:
        """Return the arguments of ``_landlock.restrict`` for a step."""
        readable = [*_SYSTEM, *_etc(network), *_PROC, *_MACHINE, *read_only]
        return readable, [*_DEVICES, *map(str, writable)], network


def find_landlock() -> Landlock | None:
    """Return what this kernel can, if it can."""
    version = _landlock.find_version()
    return Landlock(version) if version else None


def find_bubblewrap(folder: Path) -> Bubblewrap | str:
    """Return bubblewrap if it works here; else why not, and what to do.

    Args:
        folder: an empty one, for the trial.
    """
    if sys.platform != "linux":
        return (
            "there is no bubblewrap for this system; steps run unsandboxed, use docker for input that is not your own"
        )
    program = shutil.which("bwrap")
    if not program:
        return f"bubblewrap is not there; {INSTALL}"
    version, options = (_run([program, word]).stdout.strip() for word in ("--version", "--help"))
    found = Bubblewrap(program, version.removeprefix("bubblewrap "), options)
    words = found.command(job=folder, scratch=folder, images=None, read_only=(), network=False)
    trial = _run([*words, "true"])
    if trial.returncode:
        return (
            f"{program} {found.version} does not work here: {trial.stderr.strip()}; it needs user namespaces: see the"
            " sysctls user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns"
        )
    return found


def _etc(network: bool) -> list[str]:
    return [f"/etc/{name}" for name in _ETC + (_ETC_NETWORK if network else ())]


def _system_folder(path: Path) -> list[str]:
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), str(path)]
    return ["--ro-bind", str(path), str(path)] if path.is_dir() else []


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, env={}, check=False
    )
