"""Makes a task into a working folder, and into what the shim needs to start it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.executors import _limits, _record, _sandbox
from calculation_engine.executors._environment import Environment
from calculation_engine.executors.base import Source, Task

_CHUNK_BYTES = 1 << 20
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def check_task(task: Task) -> None:
    """Refuse what can never run here.

    Raises:
        InvalidInput: every reason why.
    """
    faults = []
    if not re.fullmatch(r"[a-z0-9-]{1,60}", task.attempt_id):
        faults.append(Fault("attempt_id", f"expected 1 to 60 of a-z, 0-9 and -, got {task.attempt_id!r}"))
    if task.resources.gpu:
        faults.append(Fault("resources.gpu", "local steps have no graphics processor", "set gpu: 0"))
    faults += [
        Fault(f"files[{path}]", "expected a path below the working folder, without '..'")
        for path in task.files
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\0" in path
    ]
    if faults:
        raise InvalidInput(f"attempt {task.attempt_id}: it cannot run as a local process", faults=faults)


def fill_folder(task: Task) -> None:
    """Make the attempt's folder: ``job`` with its files and an empty ``output``, and ``tmp``."""
    for name in ("job/input", "job/output", "tmp"):
        (task.folder / name).mkdir(parents=True)
    made = set()
    for inner, source in task.files.items():
        path = task.folder / "job" / inner
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        _copy(source, path)


def shim_spec(
    task: Task, environment: Environment, code: Path, sandbox: _sandbox.Bubblewrap | _sandbox.Landlock | None
) -> dict[str, Any]:
    """Return what the shim of an attempt needs, see :class:`calculation_engine.executors._shim.Shim`.

    Args:
        task: whose folder is filled.
        environment: of its program.
        code: the folder that mirrors ``images``.
        sandbox: None to run without.
    """
    job, scratch = task.folder / "job", task.folder / "tmp"
    readable, network = environment.read_only, task.resources.network
    places, front, landlock = (str(code), str(job), str(scratch)), [], None
    if isinstance(sandbox, _sandbox.Bubblewrap):
        places = (_sandbox.IMAGES, _sandbox.JOB, "/tmp")  # noqa: S108 - the sandbox's own
        front = sandbox.command(job=job, scratch=scratch, images=code, read_only=readable, network=network)
    elif sandbox:
        writable = (job, scratch, task.log)
        landlock = sandbox.arguments(writable=writable, read_only=[*readable, str(code)], network=network)
    command = [part.replace("{module}", f"{places[0]}/{task.program.name}") for part in task.program.command]
    if command[0] == "python" and environment.python:
        command[0] = environment.python
    limits = task.resources
    return {
        "argv": front + command,
        "sandboxed": bool(front),
        "landlock": landlock,
        "env": dict(_environ(task, environment, *places)),
        "cwd": str(job),
        "log": str(task.log),
        "folders": [str(job), str(scratch)],
        "limits": {
            _limits.TIME: float(limits.time_limit),
            _limits.MEMORY: int(limits.memory),
            _limits.DISK: int(limits.disk),
            _limits.LOG: int(limits.log),
            _limits.PIDS: limits.pids,
            _limits.SANDBOX_PIDS: _sandbox.PROCESSES if front else 0,
        },
        "cores": math.ceil(limits.cpu),
    }


def _environ(task: Task, environment: Environment, images: str, job: str, scratch: str) -> Mapping[str, str]:
    """Return the whole environment of a step; nothing comes from the engine's own."""
    threads = str(max(1, int(task.resources.cpu)))
    folders = [str(Path(environment.python).parent)] if environment.python else []
    folders += ["/opt/homebrew/bin"] if sys.platform == "darwin" else []
    return {
        "PATH": ":".join([*folders, _PATH]),
        "HOME": job,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "PYTHONPATH": images,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",  # the log is read while the step runs
        **dict.fromkeys(_THREADS, threads),
        **task.env,
        _record.MARK: task.attempt_id,
    }


def _copy(source: Source, path: Path) -> None:
    with source.open() as content, path.open("xb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
