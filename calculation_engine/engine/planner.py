"""Which parts of a workflow are ready now, and how the job stands: pure, so that planning twice is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calculation_engine.schemas.workflow import Chain, Loop, Workflow
from calculation_engine.states import ENDED, Reason, State


@dataclass(frozen=True)
class Part:
    """How a process, or a whole loop, stands. ``QUEUED`` and ``RUNNING`` are the same here."""

    name: str
    state: State
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


@dataclass
class Plan:
    """What follows from how the parts stand."""

    ready: list[str] = field(default_factory=list)
    """Names of the processes and loops that may begin."""
    state: State = State.RUNNING
    """Of the whole: running, or one of the final states."""
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


def plan(workflow: Workflow, parts: Sequence[Part], *, cancelled: bool = False) -> Plan:
    """Return what is ready and the state of the whole.

    A part is ready when all that stands before it in its chains, and every process that its pipes name, has
    succeeded. After a failure nothing that depends on it begins; what runs beside it is finished.

    Args:
        workflow: what the job runs.
        parts: those that have begun.
        cancelled: whether somebody asked to end the job; nothing is ready then.
    """
    begun = {part.name: part for part in parts}
    needed = before(workflow)
    ready = [name for name in needed if name not in begun and _have_succeeded(needed[name], begun)]
    result = Plan(ready=[] if cancelled else ready, fraction=_fraction(needed, begun))
    active = [part for part in parts if part.state not in ENDED]
    if result.ready or active:
        result.message = active[0].message if len(active) == 1 else ""
        return result
    failed = [part for part in parts if part.state is State.FAILED]
    if cancelled or any(part.state is State.CANCELLED for part in parts):
        result.state, result.reason, result.message = State.CANCELLED, Reason.CANCELLED, "cancelled on request"
    elif failed:
        result.state, result.reason = State.FAILED, failed[0].reason if len(failed) == 1 else Reason.STEP_FAILED
        result.message = _joined(failed, alone=len(needed) == 1)
    else:
        result.state, result.fraction = State.SUCCEEDED, 1.0
        result.message = _joined(parts, alone=len(needed) == 1)
    return result


def before(workflow: Workflow) -> dict[str, set[str]]:
    """Return for each part the parts that must have succeeded before it begins.

    The parts are the loops, and the processes that are in no loop.
    """
    part_of = {name: loop.name for loop in loops_of(workflow) for name in loop.sequence}
    names = [process.name for process in workflow.processes if process.name not in part_of]
    needed: dict[str, set[str]] = {name: set() for name in [*names, *(loop.name for loop in loops_of(workflow))]}
    for process in workflow.processes:
        for pipe in process.pipes.values():
            needed[part_of.get(process.name, process.name)].add(part_of.get(pipe.process, pipe.process))
    for component in workflow.components:
        if isinstance(component, Chain):
            for earlier, later in zip(component.sequence, component.sequence[1:], strict=False):
                for name in _parts_in(workflow, later):
                    needed[name] |= _parts_in(workflow, earlier)
    return needed


def stuck(workflow: Workflow) -> list[str]:
    """Return the parts that could never begin, as components and pipes together ask for a circle."""
    needed = before(workflow)
    while free := [name for name, names in needed.items() if not names & needed.keys()]:
        for name in free:
            del needed[name]
    return sorted(needed)


def loops_of(workflow: Workflow) -> list[Loop]:
    """Return the loops of a workflow."""
    return [component for component in workflow.components if isinstance(component, Loop)]


def _parts_in(workflow: Workflow, name: str) -> set[str]:
    component = workflow.find_component(name)
    if component is None or isinstance(component, Loop):
        return {name}
    return set().union(*(_parts_in(workflow, child) for child in component.children))


def _have_succeeded(names: set[str], begun: Mapping[str, Part]) -> bool:
    return all(name in begun and begun[name].state is State.SUCCEEDED for name in names)


def _joined(parts: Sequence[Part], *, alone: bool) -> str:
    if alone:
        return parts[0].message
    return "; ".join(f"{part.name}: {part.message}" for part in parts if part.message)


def _fraction(names: Mapping[str, set[str]], begun: Mapping[str, Part]) -> float:
    done = [1.0 if part.state in ENDED else part.fraction or 0.0 for part in begun.values()]
    return sum(done) / len(names)
