"""What steps ask for: cores and memory of a machine, and whether any engine can give that.

What a process says itself is what it gets, or nothing. What its module's manifest says is a wish: on a smaller machine
the step takes all that there is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewStep
from calculation_engine.engine.steps.machine import Capacity, machine_cpus, machine_memory_bytes
from calculation_engine.engine.steps.programs import BRIDGE_PREFIX
from calculation_engine.errors import CalculationEngineError, Fault
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.resources import ResourceChanges, Resources
from calculation_engine.schemas.workflow import Process
from calculation_engine.settings import Settings

#: An engine is taken for alive when it was heard of within so many of its leases.
LEASES = 2
_REMEMBERED_SECONDS = 5.0


class Asks:
    """Knows the engines that are alive, and what modules ask for."""

    def __init__(self, database: Database, catalogue: Catalogue, settings: Settings) -> None:
        self._database = database
        self._catalogue = catalogue
        self._settings = settings
        self._known: tuple[float, list[Capacity]] | None = None

    def of(self, steps: Sequence[NewStep], priority: int) -> list[NewStep]:
        """Return steps with what they ask for, and the priority of their job."""
        wishes = {module: self._wish(module) for module in {step.module for step in steps}}
        return [self._of(step, priority, wishes[step.module]) for step in steps]

    def faults(self, process: Process, path: str) -> list[Fault]:
        """Return what of a process's own resources no engine could ever give."""
        executor = process.executor or self._settings.executor
        machines = [each for each in self._engines() if executor in each.machine_executors]
        if not machines:
            return []
        faults = []
        cpus = max(machine.cpus for machine in machines)
        if process.resources.cpu is not None and process.resources.cpu > cpus:
            message = f"asks for {process.resources.cpu:g} cores, and the largest engine has {cpus:g}"
            faults.append(
                Fault(f"{path}.resources.cpu", message, "ask for fewer, or start an engine on a larger machine")
            )
        memory = max(machine.memory_bytes for machine in machines)
        if process.resources.memory is not None and process.resources.memory > memory:
            message = f"asks for {gib(process.resources.memory)}, and the largest engine has {gib(memory)}"
            faults.append(Fault(f"{path}.resources.memory", message, "ask for less, or start an engine with more"))
        return faults

    def _of(self, step: NewStep, priority: int, manifest: Resources) -> NewStep:
        own = ResourceChanges.model_validate(step.resources)
        wish = own.over(manifest)
        machines = [each for each in self._engines() if step.executor in each.machine_executors]
        cpus = max((machine.cpus for machine in machines), default=machine_cpus())
        memory = max((machine.memory_bytes for machine in machines), default=machine_memory_bytes())
        return replace(
            step,
            priority=priority,
            cpu=wish.cpu if own.cpu is not None else min(wish.cpu, cpus),
            memory_bytes=int(wish.memory if own.memory is not None else min(wish.memory, memory)),
        )

    def _wish(self, module: str) -> Resources:
        if module.startswith(BRIDGE_PREFIX):
            return Resources()
        try:
            return self._catalogue.get(module).manifest.resources
        except CalculationEngineError:  # removed since; the step waits for an engine that has it
            return Resources()

    def _engines(self) -> list[Capacity]:
        now = time.monotonic()
        if self._known is None or now - self._known[0] > _REMEMBERED_SECONDS:
            rows = self._database.engines.alive(LEASES * self._settings.lease_seconds)
            found = [Capacity.read(row.capacity) for row in rows]
            self._known = now, [capacity for capacity in found if capacity is not None]
        return self._known[1]


def gib(count: float) -> str:
    """Return bytes as people read them."""
    return f"{count / (1 << 30):.3g} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.3g} MiB"
