"""What queued steps wait for, in plain words: what they ask for against what the engines that are alive have left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from calculation_engine.db.database import Database
from calculation_engine.db.rows import EngineRow, Held, JobRow, StepRow
from calculation_engine.db.standing import MOST_COUNTED
from calculation_engine.engine.planning.planner import before
from calculation_engine.engine.running.ledger import NO_ROOM
from calculation_engine.engine.steps.asks import LEASES, gib
from calculation_engine.engine.steps.machine import RESERVED, Capacity
from calculation_engine.schemas.why import PartWait, Wait
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, State


@dataclass
class Waits:
    """Tells what the steps of one job wait for, as of now."""

    database: Database
    settings: Settings
    job: JobRow

    @cached_property
    def _engines(self) -> list[EngineRow]:
        return self.database.engines.alive(LEASES * self.settings.lease_seconds)

    @cached_property
    def _held(self) -> list[Held]:
        return self.database.queue.held()

    def of(self, step: StepRow) -> Wait | None:
        """Return what a step waits for; None where it runs or has ended."""
        if step.state is not State.QUEUED:
            return None
        if step.lease_owner is not None:
            how = f": {step.message}" if step.message else ""
            return Wait(kind="start", sentence=f"an engine has taken it and prepares its start{how}")
        if step.waits_for is not None:
            return self._equal_step(step, step.waits_for)
        if step.not_before is not None:
            return self._pause(step, step.not_before)
        return self._lack(step) or self._turn(step)

    def parts(self) -> list[PartWait]:
        """Return the parts of the workflow that have no step yet, of a job that goes on."""
        if self.job.state in ENDED or self.job.cancel_requested is not None:
            return []
        needed = before(Workflow.model_validate(self.job.workflow))
        begun: dict[str, list[StepRow]] = {}
        for step in self.database.steps.of_job(self.job.id):
            begun.setdefault(step.path.partition("/")[0], []).append(step)
        return [self._part(name, needed[name], begun) for name in needed if name not in begun]

    def _part(self, name: str, needed: set[str], begun: Mapping[str, list[StepRow]]) -> PartWait:
        missing = sorted(each for each in needed if not _has_succeeded(each, begun))
        if not missing:
            return PartWait(name=name, waits_for=[], sentence="what it needs is there; an engine is about to begin it")
        told = ", ".join(f"{each} ({_stand(begun.get(each, []))})" for each in missing)
        return PartWait(name=name, waits_for=missing, sentence=f"waits for {told} to succeed")

    def _equal_step(self, step: StepRow, key: str) -> Wait:
        holder = self.database.queue.holder(key)
        sentence = "waits for an equal step, which computes the same"
        job_id, _, owner = self.database.history.jobs_of([holder] if holder else []).get(holder or "", ("", "", ""))
        if owner == self.job.owner:
            sentence = f"waits for step {holder} of job {job_id}, which computes the same"
        return Wait(kind="equal_step", sentence=sentence)

    def _pause(self, step: StepRow, until: datetime) -> Wait:
        moment = until.isoformat(timespec="seconds").replace("+00:00", "Z")
        attempts = self.database.steps.attempts(step.id)
        kind: Literal["back_off", "disk", "place"] = "place"
        sentence = step.message or "its executor cannot take it"
        if attempts and attempts[-1].message == step.message:
            kind = "back_off"
            sentence = f"attempt {step.attempt} failed ({attempts[-1].reason}: {step.message})"
        elif step.message.startswith(NO_ROOM):
            kind = "disk"
        return Wait(kind=kind, sentence=f"{sentence}; it is tried again at {moment}", until=moment)

    def _lack(self, step: StepRow) -> Wait | None:
        """Return what no engine has for the step now; None where one has everything."""
        named = [engine for engine in self._engines if step.executor in engine.executors]
        if not named:
            told = (
                f"no engine that has the executor {step.executor} is running: start one with `ce engine` or `ce serve`"
            )
            return Wait(kind="engine", sentence=told)
        engines = [(engine, capacity) for engine in named if (capacity := Capacity.read(engine.capacity)) is not None]
        large = [(engine, capacity) for engine, capacity in engines if _could_take(capacity, step)]
        if engines and not large:
            most = max((capacity for _, capacity in engines), key=lambda each: (each.cpus, each.memory_bytes))
            told = f"asks for {step.cpu:g} cores and {gib(step.memory_bytes)}; the largest engine that is running has "
            return Wait(kind="machine", sentence=f"{told}{most.cpus:g} cores and {gib(most.memory_bytes)}")
        found = [self._lack_at(engine, capacity, step) for engine, capacity in large]
        return None if not found or None in found else found[0]

    def _lack_at(self, engine: EngineRow, capacity: Capacity, step: StepRow) -> Wait | None:
        limit = capacity.module_limits.get(step.module)
        running = sum(held.module == step.module for held in self._held)
        if limit is not None and running >= limit:
            told = f"{running} steps of module {step.module} run, and `module_limits` allows {limit} at once"
            return Wait(kind="module_limit", sentence=told)
        here = [held for held in self._held if held.lease_owner == engine.owner]
        room = capacity.room(here)
        if room.steps < 1:
            told = f"engine {engine.host} runs {len(here)} steps, as many as it may at once (`steps_at_once`)"
            return Wait(kind="steps_at_once", sentence=told)
        if step.executor not in capacity.machine_executors:
            return None
        if step.cpu > room.cpu:
            free = f"{max(room.cpu, 0):g} of the {capacity.cpus:g} of engine {engine.host} are free"
            return Wait(kind="cores", sentence=f"waits for cores: it asks for {step.cpu:g}, and {free}")
        if step.memory_bytes > room.memory_bytes:
            free = (
                f"{gib(max(room.memory_bytes, 0))} of the {gib(capacity.memory_bytes)} of engine {engine.host} are free"
            )
            return Wait(kind="memory", sentence=f"waits for memory: it asks for {gib(step.memory_bytes)}, and {free}")
        reserved = engine.capacity.get(RESERVED)
        if reserved not in {None, step.id}:
            told = f"engine {engine.host} keeps its room for a larger step that others went before for long"
            return Wait(kind="reserved", sentence=told)
        return None

    def _turn(self, step: StepRow) -> Wait:
        standing = self.database.queue.standing(step.id)
        if standing is None:
            return Wait(kind="start", sentence="an engine is about to take it")
        told = []
        if standing.ahead:
            count = f"{standing.ahead}" if standing.ahead < MOST_COUNTED else f"{MOST_COUNTED} or more"
            told.append(
                f"{count} steps of {self.job.owner} with module {step.module} go before it, first"
                f" {standing.first_path} of job {standing.first_job}"
            )
        if standing.is_outranked:
            told.append("steps of larger priority go first")
        if standing.others:
            told.append(f"{standing.others} other owners take turns with {self.job.owner}")
        sentence = f"waits for its turn: {'; '.join(told)}" if told else "it is next: an engine is about to take it"
        return Wait(kind="turn", sentence=sentence, ahead=standing.ahead)


def _could_take(capacity: Capacity, step: StepRow) -> bool:
    if step.executor not in capacity.machine_executors:
        return True
    return step.cpu <= capacity.cpus and step.memory_bytes <= capacity.memory_bytes


def _has_succeeded(name: str, begun: Mapping[str, list[StepRow]]) -> bool:
    return any(step.path == name and step.state is State.SUCCEEDED for step in begun.get(name, []))


def _stand(steps: Sequence[StepRow]) -> str:
    if not steps:
        return "not begun"
    if len(steps) == 1 and "/" not in steps[0].path:
        return str(steps[0].state)
    return f"{sum(step.state in ENDED for step in steps)} of {len(steps)} steps so far have ended"
