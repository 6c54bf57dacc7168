"""Runs steps as processes of this machine: under bubblewrap where it works, each with a shim that owns its limits."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from calculation_engine.errors import AttemptLost, ExecutorUnavailable
from calculation_engine.executors import _limits, _record, _sandbox, _shim
from calculation_engine.executors._attempt import Attempt
from calculation_engine.executors._environment import Environments
from calculation_engine.executors._outputs import remove_tree, take_outputs
from calculation_engine.executors._programs import Programs
from calculation_engine.executors._shims import Shims
from calculation_engine.executors._staging import check_task, fill_folder, shim_spec
from calculation_engine.executors.base import Capabilities, Executor, Exit, Prepared, Program, Task
from calculation_engine.settings import host_name
from calculation_engine.states import Reason

_STAGE_SECONDS = 600.0
_POLL_SECONDS = 0.01
_REASONS = {
    "": None,
    _limits.TIME: Reason.TIME_LIMIT,
    _limits.MEMORY: Reason.OUT_OF_MEMORY,
    _limits.DISK: Reason.DISK_LIMIT,
    _limits.LOG: Reason.DISK_LIMIT,
    _limits.PIDS: None,  # as in a container, where the program cannot start one more and fails by itself
    _shim.CANCELLED: Reason.CANCELLED,
    _shim.LOST: Reason.LOST,
}
#: What a user can do about a limit that was passed.
_HELP = {
    "time_limit": "raise resources.time_limit, or give it less to do",
    "memory": "raise resources.memory, or give it less to do",
    "disk": "raise resources.disk, or let it write less",
    "log": "raise resources.log, or let it print less",
}


class LocalOptions(BaseModel):
    """Options of the local executor."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    sandbox: Literal["auto", "bubblewrap", "landlock", "off"] = "auto"
    """What keeps steps from other files and the network: the best that works here, or one of them and no other."""


class LocalExecutor(Executor):
    """Processes of this machine. Its folder holds ``environments``, ``programs``, and each host's ``attempts``."""

    name = "local"
    Options = LocalOptions

    def __init__(self, options: BaseModel, data_dir: Path) -> None:
        super().__init__(options, data_dir)
        root = data_dir / self.name
        self._host = host_name()
        self._attempts = root / "attempts"
        self._cores = root / "cores" / self._host
        self._environments = Environments(root / "environments")
        self._programs = Programs(root / "programs")
        self._shims = Shims()

    @property
    def capabilities(self) -> Capabilities:
        """What this machine can do; the sandbox is tried once."""
        sandbox, missing = self._sandbox
        if isinstance(sandbox, _sandbox.Bubblewrap):
            return Capabilities(sandboxed=True, detail={"sandbox": f"bubblewrap {sandbox.version}"})
        told = f"Landlock {sandbox.version}, for files but not for all of the network" if sandbox else "none"
        return Capabilities(sandboxed=False, detail={"sandbox": f"{told}: {missing}"})

    @property
    def place(self) -> str:
        """This machine, by its name."""
        return self._host

    def check(self) -> None:
        """Return when steps can be started here."""
        sandbox, missing = self._sandbox
        if sandbox is None and self.options.sandbox in {"bubblewrap", "landlock"}:
            raise ExecutorUnavailable(f"local: executors.local.sandbox is {self.options.sandbox}, but {missing}")

    def environment_id(self, program: Program) -> str:
        """Return what of this machine determines results: interpreter, packages, system and processor."""
        return self._environments.identify(program)

    def prepare(self, program: Program, say: Callable[[str], None]) -> Prepared:
        """Make the environment and the copy of the code."""
        environment = self._environments.get(program, say)
        self._programs.get(program, environment)
        return Prepared(environment.id, f"local environment {environment.id}")

    def find(self, task: Task) -> str | None:
        """Return the handle, where the attempt was started."""
        hosts = [path.parent.name for path in self._attempts.glob(f"*/{task.attempt_id}")]
        elsewhere = [host for host in hosts if host != self._host]
        if elsewhere:
            raise ExecutorUnavailable(
                f"attempt {task.attempt_id}: it is on {elsewhere[0]}; only an engine there knows more"
            )
        return self._handle(self._attempt(task.attempt_id))

    def submit(self, task: Task) -> str:
        """Fill the working folder and start the shim, unless somebody did."""
        check_task(task)
        attempt = self._attempt(task.attempt_id)
        deadline = time.monotonic() + _STAGE_SECONDS
        while time.monotonic() < deadline:
            handle = self._handle(attempt)
            if handle:
                return handle
            with attempt.hold() as lock:
                if lock is not None and attempt.started is None:
                    self._start(task, attempt, lock)
                    continue
            time.sleep(_POLL_SECONDS)
        raise ExecutorUnavailable(
            f"attempt {task.attempt_id}: another process has been starting it for {_STAGE_SECONDS} s"
        )

    def attach(self, task: Task, handle: str) -> None:
        """See that it is there; nothing else is to be done, its shim goes on by itself."""
        self._check_host(handle)
        attempt = self._attempt(task.attempt_id)
        if not attempt.is_alive and attempt.ended is None:
            raise self._lost(attempt)

    def wait(self, task: Task, handle: str, timeout_seconds: float) -> Exit | None:
        """Return how the attempt ended, as its shim has recorded."""
        self._check_host(handle)
        attempt = self._attempt(task.attempt_id)
        if not attempt.wait(timeout_seconds):
            return None
        record = attempt.ended
        if record is None:
            raise self._lost(attempt)
        return _exit(record, task)

    def cancel(self, task: Task, handle: str) -> None:
        """Tell the shim to end the step, and wait until it has."""
        self._check_host(handle)
        self._attempt(task.attempt_id).end()

    def collect(self, task: Task, handle: str, into: Path) -> None:
        """Move the output folder, once it is cleaned of all that is neither file nor folder."""
        self._check_host(handle)
        take_outputs(task.folder / "job" / "output", into, task.resources.disk)

    def remove(self, task: Task) -> None:
        """End what runs and delete the scratch and the records."""
        self._attempt(task.attempt_id).remove()
        remove_tree(task.folder)

    def leftovers(self) -> Collection[str]:
        """Return the attempts of this host that have records here."""
        folder = self._attempts / self._host
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def remove_leftover(self, attempt_id: str) -> None:
        """As :meth:`remove`; the records tell where the scratch is."""
        self._attempt(attempt_id).remove()

    def close(self) -> None:
        """Start no more shims; those there are go on."""
        self._shims.close()

    @cached_property
    def _sandbox(self) -> tuple[_sandbox.Bubblewrap | _sandbox.Landlock | None, str]:
        """What is used, and why nothing better is."""
        wanted = self.options.sandbox
        if wanted == "off":
            return None, "it is switched off by the setting executors.local.sandbox"
        missing = "the setting executors.local.sandbox asks for Landlock alone"
        if wanted != "landlock":
            with tempfile.TemporaryDirectory() as folder:
                found = _sandbox.find_bubblewrap(Path(folder))
            if isinstance(found, _sandbox.Bubblewrap) or wanted == "bubblewrap":
                return (None, found) if isinstance(found, str) else (found, "")
            missing = found
        return _sandbox.find_landlock(), missing

    def _attempt(self, attempt_id: str) -> Attempt:
        return Attempt(self._attempts / self._host / attempt_id)

    def _handle(self, attempt: Attempt) -> str | None:
        started = attempt.started
        return f"{self._host}:{started['pid']}" if started else None

    def _check_host(self, handle: str) -> None:
        if handle.rpartition(":")[0] != self._host:
            raise ExecutorUnavailable(f"process {handle} belongs to another machine than this one, {self._host}")

    def _lost(self, attempt: Attempt) -> AttemptLost:
        attempt.sweep()
        return AttemptLost(f"attempt {attempt.id}: it does not run on {self._host}, and did not record its end")

    def _start(self, task: Task, attempt: Attempt, lock: int) -> None:
        """Make the folder and start; when that fails, leave nothing."""
        try:
            self.check()
            environment = self._environments.get(task.program, lambda _: None)
            code = self._programs.get(task.program, environment)
            attempt.note_folder(task.folder)
            remove_tree(task.folder)
            fill_folder(task)
            task.log.parent.mkdir(parents=True, exist_ok=True)
            self._cores.mkdir(parents=True, exist_ok=True)
            spec = shim_spec(task, environment, code, self._sandbox[0])
            attempt.start(spec | {"cores_folder": str(self._cores)}, lock, self._shims)
        except BaseException as error:
            attempt.remove_held()
            if isinstance(error, OSError):
                raise ExecutorUnavailable(f"attempt {task.attempt_id}: it cannot be started: {error}") from error
            raise


def _exit(record: _record.Fields, task: Task) -> Exit:
    why, reached = record["why"], float(record["reached"])
    limits = task.resources
    messages = {
        "": "",
        _limits.TIME: f"it ran for {reached:.1f} s, and {limits.time_limit:g} s are allowed; {_HELP['time_limit']}",
        _limits.MEMORY: f"it used {reached:,.0f} bytes of memory, and {limits.memory:,} are allowed; {_HELP['memory']}",
        _limits.DISK: f"its files grew to {reached:,.0f} bytes, and {limits.disk:,} are allowed; {_HELP['disk']}",
        _limits.LOG: f"its log grew to {reached:,.0f} bytes, and {limits.log:,} are allowed; {_HELP['log']}",
        _limits.PIDS: f"it had {reached:.0f} processes and threads at once, and {limits.pids} are allowed",
        _shim.CANCELLED: "it was cancelled",
        _shim.LOST: "the machine ended it, as when it shuts down",
    }
    return Exit(
        exit_code=int(record["exit_code"]),
        reason=_REASONS[why],
        message=messages[why],
        started=float(record["started"]),
        ended=float(record["ended"]),
        cpu_seconds=float(record["cpu_seconds"]) if "cpu_seconds" in record else None,
        peak_memory_bytes=int(record["peak_memory_bytes"]) if "peak_memory_bytes" in record else None,
    )
