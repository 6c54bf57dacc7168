"""What this machine has for steps, and what is left of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from calculation_engine.db.rows import Held, Room, StepRow
from calculation_engine.executors.base import Executor
from calculation_engine.settings import Settings

#: Beside its capacity an engine tells for which step it keeps room.
RESERVED = "reserved"
_CGROUP = Path("/sys/fs/cgroup")
#: Threads of an engine whose steps ask for very little.
_MOST_STEPS = 64


@dataclass(frozen=True)
class Capacity:
    """What an engine has for steps: cores and bytes of its machine, and how many steps at once at most."""

    cpus: float
    memory_bytes: int
    steps: int
    machine_executors: tuple[str, ...]  #: those whose steps use this machine
    module_limits: Mapping[str, int]

    def room(self, in_hand: Iterable[StepRow | Held]) -> Room:
        """Return what is left beside the steps that are in hand."""
        held = list(in_hand)
        here = [step for step in held if step.executor in self.machine_executors]
        return Room(
            steps=self.steps - len(held),
            cpu=round(self.cpus - sum(step.cpu for step in here), 6),  # a sum of decimals is off by some 1e-16
            memory_bytes=self.memory_bytes - sum(step.memory_bytes for step in here),
            all_cpu=self.cpus,
            all_memory_bytes=self.memory_bytes,
            executors=frozenset(self.machine_executors),
        )

    def document(self) -> dict[str, Any]:
        """Return it as the database keeps it."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Capacity | None:
        """Return what :meth:`document` wrote; None of an engine of an earlier version."""
        known = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        return cls(**known) if len(known) == len(fields(cls)) else None


class Reservation:
    """Remembers which steps others went before, for want of room, and names the one whose room is to be kept free.

    Only what overtakes is counted: where a machine is merely full, turns decide and nothing is reserved.
    """

    def __init__(self, after_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._after_seconds = after_seconds
        self._clock = clock
        self._since: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._reserved: str | None = None

    @property
    def step_id(self) -> str | None:
        """The step for which room is kept free, if any."""
        return self._reserved

    def note(self, passed_over: Sequence[str]) -> None:
        """Take in what a claim passed over; a claim of the reserved step alone names it again while it waits."""
        now = self._clock()
        if self._reserved is not None:
            if self._reserved in passed_over:
                return
            self._forget(self._reserved)
            self._reserved = None
        for step_id in passed_over:
            self._since.setdefault(step_id, now)
            self._seen[step_id] = now
        for step_id in [each for each, seen in self._seen.items() if now - seen > self._after_seconds + 60]:
            self._forget(step_id)
        late = [step_id for step_id, since in self._since.items() if now - since >= self._after_seconds]
        self._reserved = min(late, key=self._since.__getitem__, default=None)

    def _forget(self, step_id: str) -> None:
        self._since.pop(step_id, None)
        self._seen.pop(step_id, None)


def capacity_of(settings: Settings, executors: Mapping[str, Executor]) -> Capacity:
    """Return what this machine has for steps under these settings."""
    cpus = settings.cpus or max(machine_cpus(), settings.steps_at_once or 1)
    return Capacity(
        cpus=cpus,
        memory_bytes=int(settings.memory or machine_memory_bytes()),
        steps=settings.steps_at_once or _MOST_STEPS,
        machine_executors=tuple(name for name, each in sorted(executors.items()) if each.capabilities.uses_machine),
        module_limits=settings.module_limits,
    )


def machine_cpus() -> int:
    """Return the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    if quota.isdecimal() and period.strip().isdecimal():
        cores = min(cores, max(1, int(quota) // int(period)))
    return cores


def machine_memory_bytes() -> int:
    """Return the bytes of memory that this process may use."""
    everything = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(_CGROUP / "memory.max").strip()
    return min(everything, int(limit)) if limit.isdecimal() else everything


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
