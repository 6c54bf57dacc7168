"""Which parts of a workflow are ready now, and how the job stands: pure, so that planning twice is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calculation_engine.schemas.nesting import sweep_of
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Chain, Group, Loop, Workflow
from calculation_engine.states import ENDED, Reason, State


@dataclass(frozen=True)
class Part:
    """How a process, or a whole loop or sweep, stands. ``QUEUED`` and ``RUNNING`` are the same here."""

    name: str
    state: State
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


@dataclass
class Plan:
    """What follows from how the parts stand."""

    ready: list[str] = field(default_factory=list)
    """Names of the processes, loops and sweeps that may begin."""
    state: State = State.RUNNING
    """Of the whole: running, or one of the final states."""
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


def plan(workflow: Workflow, parts: Sequence[Part], *, cancelled: bool = False) -> Plan:
    """Return what is ready and the state of the whole.

    A part is ready when all that stands before it in its chains, and every process that its pipes name, has
    succeeded. After a failure nothing that depends on it begins; what runs beside it is finished, unless a group says
    otherwise: see :func:`stopped`.

    Args:
        workflow: what the job runs.
        parts: those that have begun.
        cancelled: whether somebody asked to end the job; nothing is ready then.
    """
    begun = {part.name: part for part in parts}
    needed = before(workflow)
    kept = stopped(workflow, parts)
    ready = [name for name in needed if name not in begun and name not in kept and _have_succeeded(needed[name], begun)]
    result = Plan(ready=[] if cancelled else ready, fraction=_fraction(needed, begun))
    active = [part for part in parts if part.state not in ENDED]
    if result.ready or active:
        result.message = active[0].message if len(active) == 1 else ""
        return result
    failed = [part for part in parts if part.state is State.FAILED]
    if cancelled or (not failed and any(part.state is State.CANCELLED for part in parts)):
        result.state, result.reason, result.message = State.CANCELLED, Reason.CANCELLED, "cancelled on request"
    elif failed:
        result.state, result.reason = State.FAILED, failed[0].reason if len(failed) == 1 else Reason.STEP_FAILED
        result.message = _joined(failed, alone=len(needed) == 1)
    else:
        result.state, result.fraction = State.SUCCEEDED, 1.0
        result.message = _joined(parts, alone=len(needed) == 1)
    return result


def stopped(workflow: Workflow, parts: Sequence[Part]) -> dict[str, str]:
    """Return the parts that are to end, or not to begin, as their group stops after a failure; and why, in words."""
    begun = {part.name: part for part in parts}
    found: dict[str, str] = {}
    for group in workflow.components:
        if not isinstance(group, Group) or group.on_failure != "stop" or sweep_of(workflow, group.name):
            continue
        names = sorted(_parts_in(workflow, group.name))
        failed = [name for name in names if name in begun and begun[name].state is State.FAILED]
        going_on = [name for name in names if name not in begun or begun[name].state not in ENDED]
        if failed:
            found |= dict.fromkeys(going_on, f"{failed[0]} failed, and its group {group.name} stops then")
    return found


def before(workflow: Workflow) -> dict[str, set[str]]:
    """Return for each part the parts that must have succeeded before it begins.

    The parts are the sweeps, and the loops and processes that are in none of them. In a row of a sweep, a pipe that
    leads out of it counts for nothing: what it names has ended before the sweep began.
    """
    part_of = parts_by_name(workflow)
    needed: dict[str, set[str]] = {name: set() for name in part_of.values()}
    for process in workflow.processes:
        own = part_of[process.name]
        needed[own] |= {part_of[pipe.process] for pipe in process.pipes.values() if pipe.process in part_of} - {own}
    for component in workflow.components:
        if isinstance(component, Chain) and sweep_of(workflow, component.name) is None:
            for earlier, later in zip(component.sequence, component.sequence[1:], strict=False):
                for name in _parts_in(workflow, later):
                    needed[name] |= _parts_in(workflow, earlier)
    return needed


def parts_by_name(workflow: Workflow) -> dict[str, str]:
    """Return for each process, loop and sweep the part that it belongs to; processes first."""
    in_loop = {name: loop.name for loop in workflow.components if isinstance(loop, Loop) for name in loop.sequence}
    names = [process.name for process in workflow.processes]
    names += [node.name for node in workflow.components if isinstance(node, Loop | Sweep)]
    return {name: sweep_of(workflow, name) or in_loop.get(name, name) for name in names}


def stuck(workflow: Workflow) -> list[str]:
    """Return the parts that could never begin, as components and pipes together ask for a circle."""
    needed = before(workflow)
    while free := [name for name, names in needed.items() if not names & needed.keys()]:
        for name in free:
            del needed[name]
    return sorted(needed)


def loops_of(workflow: Workflow) -> list[Loop]:
    """Return the loops of a workflow, those that run in the rows of a sweep left out."""
    loops = [component for component in workflow.components if isinstance(component, Loop)]
    return [loop for loop in loops if sweep_of(workflow, loop.name) is None]


def sweeps_of(workflow: Workflow) -> list[Sweep]:
    """Return the sweeps of a workflow."""
    return [component for component in workflow.components if isinstance(component, Sweep)]


def _parts_in(workflow: Workflow, name: str) -> set[str]:
    component = workflow.find_component(name)
    if component is None or isinstance(component, Loop | Sweep):
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
