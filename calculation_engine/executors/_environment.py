"""Python environments of modules: made by uv on first use, once, from the module's lock file."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from threading import Lock

from calculation_engine.errors import EnvironmentFailed
from calculation_engine.executors.base import Program

Say = Callable[[str], None]

_READY = "ready.json"
_TELL = (
    "import json, platform, sys; print(json.dumps([platform.python_version(), sys.base_prefix, sys.base_exec_prefix]))"
)
_LAST_LINES = 15


@dataclass(frozen=True)
class Environment:
    """What a program's command runs with."""

    id: str
    python: str | None = None  #: the interpreter that ``python`` stands for; None: commands run as they are
    read_only: tuple[str, ...] = ()  #: what must be readable for it to run


class Environments:
    """The environments below one folder, shared by all engines that use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._interpreters: dict[str, tuple[str, str]] = {}
        self._lock = Lock()

    def identify(self, program: Program) -> str:
        """Return what determines an environment's results: interpreter, packages, and the kind of machine.

        Raises:
            EnvironmentFailed: there is no such interpreter, and uv cannot get it.
        """
        place = [sysconfig.get_platform(), *platform.libc_ver()]
        if program.in_own_environment:
            version = platform.python_version()
            return f"engine-{version}-" + _digest([*place, version], "\n".join(_own_packages()).encode())
        if program.python is None:
            return "system-" + _digest(place, b"")
        _, version = self._interpreter(program.python)
        lock_file = program.requirements.read_bytes() if program.requirements else b""
        return f"python-{version}-" + _digest([*place, platform.python_implementation(), version], lock_file)

    def get(self, program: Program, say: Say) -> Environment:
        """Return a program's environment; the first call makes it, and others wait for that.

        Raises:
            EnvironmentFailed: it cannot be made; the message has the last lines of why.
        """
        identity = self.identify(program)
        if program.in_own_environment:
            prefixes = (sys.prefix, sys.base_prefix, sys.base_exec_prefix)
            read_only = sorted({path for prefix in prefixes for path in _parts(prefix)})
            return Environment(identity, sys.executable, (*read_only, *_own_configuration()))
        if program.python is None:
            return Environment(identity)
        folder = self._folder / identity
        if not (folder / _READY).exists():
            with locked(self._folder / f"{identity}.lock"):
                if not (folder / _READY).exists():
                    self._make(folder, program, say)
        read_only = json.loads((folder / _READY).read_text())["read_only"]
        return Environment(identity, str(folder / "bin" / "python"), tuple(read_only))

    def _make(self, folder: Path, program: Program, say: Say) -> None:
        interpreter, version = self._interpreter(program.python or "")
        shutil.rmtree(folder, ignore_errors=True)
        what = f"environment of module {program.name} {program.version}"
        say(f"making the {what} with Python {version}")
        _run_uv(["venv", "--no-project", "--python", interpreter, str(folder)], what, say)
        python = str(folder / "bin" / "python")
        if program.requirements and _is_lock(program.requirements):
            words = ["pip", "sync", "--compile-bytecode", "--python", python, str(program.requirements)]
            _run_uv(words, what, say)
        _, *prefixes = _ask(python) or ("", sys.base_prefix)
        read_only = sorted({*(path for prefix in prefixes for path in _parts(prefix)), str(folder)})
        (folder / "ready.tmp").write_text(json.dumps({"read_only": read_only}))
        (folder / "ready.tmp").rename(folder / _READY)

    def _interpreter(self, request: str) -> tuple[str, str]:
        with self._lock:
            known = self._interpreters.get(request)
            if known is None or not Path(known[0]).exists():
                known = self._interpreters[request] = _find_interpreter(request)
            return known


@cache
def _own_packages() -> list[str]:
    return sorted(f"{package.name}=={package.version}" for package in distributions())


def _own_configuration() -> list[str]:
    """Return the file that makes a folder a virtual environment, where this interpreter runs in one."""
    return [str(file)] if (file := Path(sys.prefix) / "pyvenv.cfg").is_file() else []


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among all processes and threads that use this path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        flock(file, LOCK_EX)
        yield


def _find_interpreter(request: str) -> tuple[str, str]:
    """Return path and version of an interpreter that really runs."""
    own = getattr(sys, "_base_executable", None) or sys.executable
    if re.fullmatch(r"[0-9.]+", request) and f"{platform.python_version()}.".startswith(f"{request}."):
        return own, platform.python_version()
    find = ["python", "find", "--no-project", "--system", request]
    for found in (_uv(find), *_of_pyenv(request, Path.home())):
        asked = _ask(found) if found else None
        if asked is not None:
            return found, asked[0]
    failed = _install(request)
    found = _uv(find)
    asked = _ask(found) if found else None
    if asked is None:
        raise EnvironmentFailed(
            f"Python {request}: none that runs was found here, and uv could not install it:\n{failed}",
            hint=f"install Python {request} so that it is on the PATH of the engine",
        )
    return found, asked[0]


def _of_pyenv(request: str, home: Path) -> list[str]:
    """Return pyenv's interpreters of a version, newest first; its shims, which uv finds, run one chosen version."""
    folders = (home / ".pyenv" / "versions").glob(f"{request}*")
    numbers = {folder: tuple(map(int, re.findall(r"\d+", folder.name))) for folder in folders}
    fitting = [folder for folder in numbers if f"{folder.name}.".startswith(f"{request}.")]
    return [str(folder / "bin" / "python") for folder in sorted(fitting, key=lambda f: numbers[f], reverse=True)]


def _install(request: str) -> str:
    done = subprocess.run(
        [_uv_program(), "python", "install", request],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.stderr.strip()


def _uv(words: list[str]) -> str:
    done = subprocess.run(
        [_uv_program(), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _ask(python: str) -> tuple[str, ...] | None:
    """Return version and prefixes of an interpreter, or None when it does not run, as a shim of pyenv may not."""
    try:
        done = subprocess.run([python, "-I", "-c", _TELL], capture_output=True, stdin=subprocess.DEVNULL, check=False)
        return tuple(json.loads(done.stdout)) if done.returncode == 0 else None
    except (OSError, ValueError):
        return None


def _parts(prefix: str) -> list[str]:
    """Return the folders of an installed Python that it runs from; those of the system can be read anyway."""
    if prefix in {"/usr", "/usr/local"}:
        return []
    real = Path(prefix).resolve()
    folders = (root / name for root in {Path(prefix), real} for name in ("bin", "lib", "lib64"))
    return [str(folder) for folder in folders if folder.is_dir()]


def _is_lock(requirements: Path) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in requirements.read_text().splitlines())


def _run_uv(words: list[str], what: str, say: Say) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        [_uv_program(), "--no-progress", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stderr or ():
            last.append(line.rstrip())
            say(line.rstrip())
    if process.returncode:
        raise EnvironmentFailed(
            f"the {what} cannot be made; uv says:\n" + "\n".join(last),
            hint="check the module's lock file and that packages can be downloaded from here, then run it again",
        )


def _uv_program() -> str:
    try:
        import uv  # an image in which no job runs as a process has none

        return uv.find_uv_bin()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise EnvironmentFailed(
            "uv, which makes the environments of modules, is not there", hint="install it: `pip install uv`"
        ) from error


def _digest(words: list[str], content: bytes) -> str:
    return hashlib.sha256("\0".join(words).encode() + b"\0" + content).hexdigest()[:16]
