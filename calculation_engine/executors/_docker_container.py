"""What a step's container is made of, and what it says when it has ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.executors._docker_client import DeviceRequest, Mount, Ulimit
from calculation_engine.executors._docker_options import DockerOptions
from calculation_engine.executors.base import Task

PREFIX = "ce-"
LABEL = "calculation-engine"
IMAGES = "/opt/images"
#: The volume. The working folder is below it, for the owner of a volume's top folder cannot be set from outside.
VOLUME = "/ce"
WORK = "job"
RECORD = "record"
#: nobody: it owns nothing in an image
USER = 65534
#: Docker starts no container with less.
_LEAST_MEMORY_BYTES = 6 << 20
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

# Runs the command and writes down how it ended and what was used: the engine knows no exit code of a step that ends
# while it is down, and no resource use of an ended container. Everything is built into sh, so that no image lacks a
# tool. The first branch is cgroup v2's, the second v1's.
WRAPPER = f"""
terminated=0 cpu= memory= kills=
"$@" </dev/null &
child=$!
trap 'terminated=1; kill -TERM "$child" 2>/dev/null' TERM
wait "$child" 2>/dev/null; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child" 2>/dev/null; code=$?; done
c=/sys/fs/cgroup
if [ -r $c/cpu.stat ]; then
  while read -r key value; do [ "$key" = usage_usec ] && cpu=${{value}}000; done <$c/cpu.stat
  [ -r $c/memory.peak ] && read -r memory <$c/memory.peak
  while read -r key value; do [ "$key" = oom_kill ] && kills=$value; done <$c/memory.events
elif [ -r $c/cpuacct/cpuacct.usage ]; then
  read -r cpu <$c/cpuacct/cpuacct.usage
  read -r memory <$c/memory/memory.max_usage_in_bytes
  while read -r key value; do [ "$key" = oom_kill ] && kills=$value; done <$c/memory/memory.oom_control
fi
echo "code=$code terminated=$terminated cpu=$cpu memory=$memory kills=$kills end=" >{VOLUME}/{RECORD}/exit
exit "$code"
"""


@dataclass(frozen=True)
class Record:
    """What the wrapper wrote; a step may write it too, and then lies about itself alone."""

    code: int
    terminated: bool  #: it was asked to end
    cpu_seconds: float | None
    peak_memory_bytes: int | None
    kills: int  #: processes killed for want of memory


def parse_record(content: bytes) -> Record | None:
    """Return the record, or None when it is not a whole one."""
    fields = dict(part.partition("=")[::2] for part in content.decode(errors="replace").split())
    code = _integer(fields.get("code"))
    if "end" not in fields or code is None:
        return None
    cpu = _integer(fields.get("cpu"))
    return Record(
        code=code,
        terminated=fields.get("terminated") == "1",
        cpu_seconds=None if cpu is None else cpu / 1e9,
        peak_memory_bytes=_integer(fields.get("memory")),
        kills=_integer(fields.get("kills")) or 0,
    )


@dataclass(frozen=True)
class Standing:
    """Where a container stands, in the engine's words."""

    status: str  #: created, running, paused, restarting, removing, exited or dead
    exit_code: int
    out_of_memory: bool
    started: float | None
    ended: float | None

    @property
    def is_running(self) -> bool:
        """Whether its processes are there; a paused one's are."""
        return self.status in {"running", "paused", "restarting"}

    @property
    def was_started(self) -> bool:
        """Whether it ever ran: one that was created and no more has only half of its files."""
        return self.started is not None


def standing(found: Mapping[str, Any]) -> Standing:
    """Return where an inspected container stands."""
    state = found["State"]
    return Standing(
        status=state["Status"],
        exit_code=state["ExitCode"],
        out_of_memory=state["OOMKilled"],
        started=_time(state["StartedAt"]),
        ended=_time(state["FinishedAt"]),
    )


def container_name(attempt_id: str) -> str:
    """Return the name of an attempt's container and volume."""
    return PREFIX + attempt_id


def check_task(task: Task, options: DockerOptions) -> None:
    """Refuse what can never run here.

    Raises:
        InvalidInput: every reason why.
    """
    resources = task.resources
    faults = [
        Fault(f"files[{path}]", "expected a path below the working folder, without '..'")
        for path in task.files
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\0" in path
    ]
    if not re.fullmatch(r"[a-z0-9-]{1,60}", task.attempt_id):
        faults.append(Fault("attempt_id", f"expected 1 to 60 of a-z, 0-9 and -, got {task.attempt_id!r}"))
    if resources.network and not options.network_allowed:
        faults.append(Fault("resources.network", "no step gets the network here", "executors.docker.network_allowed"))
    if resources.gpu and not options.gpu_allowed:
        faults.append(Fault("resources.gpu", "no step gets a graphics processor here", "executors.docker.gpu_allowed"))
    if resources.memory < _LEAST_MEMORY_BYTES:
        faults.append(Fault("resources.memory", f"Docker needs at least 6 MiB, got {resources.memory} bytes"))
    if faults:
        raise InvalidInput(f"attempt {task.attempt_id}: it cannot run in a container", faults=faults)


def labels(task: Task, instance: str) -> dict[str, str]:
    """Return the labels of an attempt's container and volume."""
    named = {f"{LABEL}.{key}": value for key, value in task.labels.items()}
    return {**named, f"{LABEL}.attempt": task.attempt_id, f"{LABEL}.instance": instance}


def log_capacity_bytes(task: Task) -> int:
    """Return the size at which the engine would drop the begin of a log: a multiple of the limit, never reached."""
    return 4 * task.resources.log + (64 << 20)


def settings(task: Task, image_id: str, instance: str) -> dict[str, Any]:
    """Return what the SDK's ``create_container`` is given for an attempt."""
    module = f"{IMAGES}/{task.program.name}"
    command = [argument.replace("{module}", module) for argument in task.program.command]
    threads = str(max(1, int(task.resources.cpu)))
    environment = {
        "HOME": f"{VOLUME}/{WORK}",
        "LANG": "C.UTF-8",
        **dict.fromkeys(_THREADS, threads),
        "PYTHONPATH": IMAGES,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": "/tmp",  # noqa: S108 - the container's own
        **task.env,
    }
    return {
        "image": image_id,
        "entrypoint": ["/bin/sh", "-c", WRAPPER, "ce"],
        "command": command,
        "environment": environment,
        "working_dir": f"{VOLUME}/{WORK}",
        "user": f"{USER}:{USER}",
        "labels": labels(task, instance),
        "stop_signal": "SIGTERM",
    }


def host_settings(task: Task, options: DockerOptions, cpus: int, instance: str) -> dict[str, Any]:
    """Return what the SDK's ``create_host_config`` is given for an attempt."""
    resources = task.resources
    # It holds for a deleted file as well. One byte more, so that one that it stopped is seen to be over the limit.
    largest = max(int(resources.disk), int(options.temporary)) + 1
    return {
        "network_mode": "bridge" if resources.network else "none",
        "ipc_mode": "private",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mem_limit": int(resources.memory),
        "memswap_limit": int(resources.memory),
        "nano_cpus": int(min(resources.cpu, cpus) * 1e9),  # more than there are is refused
        "ulimits": [Ulimit(name="fsize", soft=largest, hard=largest)],
        "pids_limit": resources.pids + 2,  # the init process and the wrapper
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,exec,mode=1777,size={int(options.temporary)}"},  # noqa: S108
        "init": True,
        "runtime": options.runtime,
        "device_requests": [DeviceRequest(count=resources.gpu, capabilities=[["gpu"]])] if resources.gpu else None,
        # `local` keeps every byte, which `json-file` does not; two files, so that passing the first loses nothing yet
        "log_config": {
            "Type": "local",
            "Config": {"max-size": str(log_capacity_bytes(task)), "max-file": "2", "compress": "false"},
        },
        "mounts": [Mount(VOLUME, container_name(task.attempt_id), no_copy=True, labels=labels(task, instance))],
    }


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _time(text: str) -> float | None:
    moment = datetime.fromisoformat(text)
    return None if moment.year == 1 else moment.astimezone(UTC).timestamp()
