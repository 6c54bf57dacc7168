"""Which steps of a workflow are ready now, and how the job stands: pure, so that planning twice is harmless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from calculation_engine.schemas.workflow import Chain, Process, Workflow
from calculation_engine.states import ENDED, Reason, State


@dataclass(frozen=True)
class StepState:
    """What the planner knows of a step that exists."""

    path: str
    state: State
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


@dataclass
class Plan:
    """What follows from how the steps stand."""

    ready: list[Process] = field(default_factory=list)
    """Processes whose step is to be made now."""
    state: State = State.RUNNING
    """Of the whole: running, or one of the final states."""
    reason: Reason | None = None
    message: str = ""
    fraction: float | None = None


def plan(workflow: Workflow, steps: Sequence[StepState], *, cancelled: bool = False) -> Plan:
    """Return the processes that are ready and the state of the whole.

    A process is ready when all that stands before it in its chains, and every process that its pipes name, has
    succeeded. After a failure nothing that depends on it starts; what runs beside it is finished.

    Args:
        workflow: what the job runs.
        steps: the steps that exist, at most one a process.
        cancelled: whether somebody asked to end the job; nothing is ready then.
    """
    by_path = {step.path: step for step in steps}
    ready = [] if cancelled else [process for process in workflow.processes if _is_ready(workflow, process, by_path)]
    result = Plan(ready=ready, fraction=_fraction(workflow, by_path))
    active = [step for step in steps if step.state not in ENDED]
    if ready or active:
        result.message = active[0].message if len(active) == 1 else ""
        return result
    failed = [step for step in steps if step.state is State.FAILED]
    if cancelled or any(step.state is State.CANCELLED for step in steps):
        result.state, result.reason, result.message = State.CANCELLED, Reason.CANCELLED, "cancelled on request"
    elif failed:
        result.state, result.reason = State.FAILED, failed[0].reason if len(failed) == 1 else Reason.STEP_FAILED
        result.message = _joined(failed, of=workflow)
    else:
        result.state, result.fraction = State.SUCCEEDED, 1.0
        result.message = _joined(steps, of=workflow)
    return result


def _joined(steps: Sequence[StepState], *, of: Workflow) -> str:
    if len(of.processes) == 1:
        return steps[0].message
    return "; ".join(f"{step.path}: {step.message}" for step in steps if step.message)


def _is_ready(workflow: Workflow, process: Process, steps: Mapping[str, StepState]) -> bool:
    if process.name in steps:
        return False
    needed = before(workflow)[process.name]
    return all(name in steps and steps[name].state is State.SUCCEEDED for name in needed)


def before(workflow: Workflow) -> dict[str, set[str]]:
    """Return for each process the processes that must have succeeded before it starts."""
    needed = {process.name: {pipe.process for pipe in process.pipes.values()} for process in workflow.processes}
    for component in workflow.components:
        if isinstance(component, Chain):
            for earlier, later in zip(component.sequence, component.sequence[1:], strict=False):
                for name in _processes_in(workflow, later):
                    needed[name] |= _processes_in(workflow, earlier)
    return needed


def _processes_in(workflow: Workflow, name: str) -> set[str]:
    component = workflow.find_component(name)
    if component is None:
        return {name}
    return set().union(*(_processes_in(workflow, child) for child in component.children))


def _fraction(workflow: Workflow, steps: Mapping[str, StepState]) -> float:
    done = 0.0
    for process in workflow.processes:
        step = steps.get(process.name)
        if step is not None:
            done += 1.0 if step.state in ENDED else step.fraction or 0.0
    return done / len(workflow.processes)


def stuck(workflow: Workflow) -> list[str]:
    """Return the processes that could never start, as components and pipes together ask for a circle."""
    needed = before(workflow)
    while free := [name for name, names in needed.items() if not names & needed.keys()]:
        for name in free:
            del needed[name]
    return sorted(needed)
