"""What a loop asks of a workflow, before anything of it runs: its bridge, and its participants' baselines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calculation_engine.bridges.base import Bridge, Node
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.engine.planning.planner import loops_of
from calculation_engine.errors import Fault, InvalidInput, NotFound
from calculation_engine.schemas.workflow import Loop, Override, Process, Workflow

BASELINE = "baseline"
START = "start"


def bridged_inputs(workflow: Workflow) -> tuple[dict[str, set[str]], list[Fault]]:
    """Return the labels of inputs that bridges give to each participant, and what is wrong with the bridges."""
    given: dict[str, set[str]] = {}
    faults: list[Fault] = []
    for loop in loops_of(workflow):
        where = f"workflow.components.{loop.name}"
        try:
            bridge = make_bridge(loop.bridge.name, loop.bridge.config)
            bridge.start(loop.sequence)
            for node in evaluation_of(bridge, loop):
                if node.kind == "process":
                    given.setdefault(node.name, set()).update(node.inputs)
        except NotFound as error:
            faults.append(Fault(f"{where}.bridge.name", error.message, error.hint))
        except InvalidInput as error:
            own = [Fault(f"{where}.{fault.path}", fault.message, fault.hint) for fault in error.faults]
            faults += own or [Fault(f"{where}.bridge", error.message, error.hint)]
    return given, faults


def baselines(workflow: Workflow) -> Iterator[tuple[str, Process, str]]:
    """Yield each baseline that differs from its scenario: path of its step, what it runs, path in the request."""
    for loop in loops_of(workflow):
        for name, override in loop.baseline.items():
            process = workflow.find_process(name)
            if process is not None:
                where = f"workflow.components.{loop.name}.baseline.{name}"
                yield baseline_path(loop, name), overridden(process, override), where


def baseline_path(loop: Loop, name: str) -> str:
    """Return the path of the step of a participant's baseline."""
    return f"{loop.name}/{BASELINE}/{name}"


def overridden(process: Process, override: Override | None) -> Process:
    """Return a participant as its baseline runs it."""
    if override is None:
        return process
    inputs = {label: given for label, given in process.inputs.items() if label not in override.inputs}
    inputs |= {label: given for label, given in override.inputs.items() if given is not None}
    return process.model_copy(update={"config": {**process.config, **override.config}, "inputs": inputs})


def evaluation_of(bridge: Bridge[Any], loop: Loop) -> list[Node]:
    """Return one evaluation of a loop, in the order in which its nodes run."""
    return bridge.one_way(loop.sequence) if loop.one_way else bridge.evaluation(loop.sequence)


def baselines_read(bridge: Bridge[Any], loop: Loop) -> list[str]:
    """Return the participants whose frozen baseline the bridge reads."""
    nodes = [bridge.start(loop.sequence), *evaluation_of(bridge, loop)]
    report = bridge.report(loop.sequence)
    refs = [ref for node in [*nodes, *([report] if report else [])] for ref in node.inputs.values()]
    read = {ref.node for ref in refs if ref.kind in {"baseline_output", "latest_output"}}
    return [name for name in loop.sequence if name in read]
