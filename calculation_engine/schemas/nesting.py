"""What may stand in what: the rules of a workflow that look at more than one of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from calculation_engine.errors import Fault

if TYPE_CHECKING:
    from calculation_engine.schemas.sweep import Sweep
    from calculation_engine.schemas.workflow import Loop, Pipe, Process, Workflow

#: What every sweep leaves: label to path of the file.
SWEEP_OUTPUTS = {"table": "table.csv", "columns": "columns.json"}


def nesting_faults(workflow: Workflow) -> list[Fault]:
    """Return everything that is wrong in how the parts of a workflow refer to each other."""
    return [*_repeated_names(workflow), *_wrong_children(workflow), *_wrong_loops(workflow),
            *_wrong_sweeps(workflow), *_wrong_pipes(workflow)]  # fmt: skip


def sweep_outputs(sweep: Sweep) -> dict[str, str]:
    """Return what a pipe may take from a sweep: label to path of the file."""
    return SWEEP_OUTPUTS | {label: f"{label}.csv" for label in sweep.tables}


def holders(workflow: Workflow) -> dict[str, str]:
    """Return for each process and component that a component holds, the name of that component."""
    held: dict[str, str] = {}
    for component in workflow.components:
        for child in component.children:
            held.setdefault(child, component.name)
    return held


def above(held: dict[str, str], name: str) -> Iterator[str]:
    """Yield the components that hold ``name``, from the inmost out; ends where they would repeat."""
    seen = {name}
    while (name := held.get(name, "")) and name not in seen:
        seen.add(name)
        yield name


def sweep_of(workflow: Workflow, name: str) -> str | None:
    """Return the name of the sweep that runs a process or component, or None."""
    sweeps = {component.name for component in workflow.components if component.type == "sweep"}
    return next((holder for holder in above(holders(workflow), name) if holder in sweeps), None) if sweeps else None


def _repeated_names(workflow: Workflow) -> list[Fault]:
    count = Counter(node.name for node in (*workflow.processes, *workflow.components))
    lists = (("processes", workflow.processes), ("components", workflow.components))
    return [
        Fault(f"{kind}[{index}].name", f"the name {node.name} is used more than once", "each needs a name of its own")
        for kind, nodes in lists
        for index, node in enumerate(nodes)
        if count[node.name] > 1
    ]


def _wrong_children(workflow: Workflow) -> list[Fault]:
    known = {node.name for node in (*workflow.processes, *workflow.components)}
    held, first, faults = holders(workflow), set[str](), list[Fault]()
    for index, component in enumerate(workflow.components):
        field = {"group": "group", "sweep": "component"}.get(component.type, "sequence")
        for place, child in enumerate(component.children):
            where = f"components[{index}].{field}" + ("" if component.type == "sweep" else f"[{place}]")
            if child not in known:
                hint = f"there are: {', '.join(sorted(known - {component.name}))}"
                faults.append(Fault(where, f"there is no process or component {child}", hint))
            elif child in first:
                faults.append(Fault(where, f"{child} is already in {held[child]}"))
            first.add(child)
        if held.get(component.name) and _holds_itself(held, component.name):
            faults.append(Fault(f"components[{index}]", f"{component.name} contains itself"))
    return faults


def _holds_itself(held: dict[str, str], name: str) -> bool:
    return any(held.get(holder) == name for holder in above(held, name)) or held.get(name) == name


def _wrong_loops(workflow: Workflow) -> list[Fault]:
    faults: list[Fault] = []
    for index, loop in enumerate(workflow.components):
        if loop.type == "loop":
            faults += _wrong_loop(workflow, loop, f"components[{index}]")
    return faults


def _wrong_loop(workflow: Workflow, loop: Loop, where: str) -> Iterator[Fault]:
    for place, name in enumerate(loop.sequence):
        component = workflow.find_component(name)
        if component is not None:
            hint = "write its processes into the loop's sequence: the bridge says what each of them reads"
            if component.type in {"sweep", "loop"}:
                hint = "a loop asks for one answer: sweep over the loop instead, or solve one loop after the other"
            message = f"{name} is a component ({component.type}); the participants of a loop are processes"
            yield Fault(f"{where}.sequence[{place}]", message, hint)
    for name in sorted(set(loop.baseline) - set(loop.sequence)):
        yield Fault(f"{where}.baseline.{name}", f"{name} is not in the loop's sequence")
    for process in (workflow.find_process(name) for name in loop.sequence):
        within = {pipe.process for pipe in process.pipes.values()} & set(loop.sequence) if process else set()
        for name in sorted(within):
            yield Fault(f"{where}", f"the bridge, not a pipe, hands on what {name} leaves")


def _wrong_sweeps(workflow: Workflow) -> list[Fault]:
    sweeps = {component.name for component in workflow.components if component.type == "sweep"}
    held = holders(workflow)
    nested = [
        Fault(
            f"components[{index}]",
            f"the sweep {component.name} is inside the sweep {outer}",
            "put the columns of both into one design: a grid has every combination",
        )
        for index, component in enumerate(workflow.components)
        if component.type == "sweep"
        for outer in list(above(held, component.name))
        if outer in sweeps and outer != component.name
    ]
    tables = [
        Fault(f"components[{index}].tables.{label}", *fault)
        for index, component in enumerate(workflow.components)
        if component.type == "sweep"
        for label, table in component.tables.items()
        if (fault := _wrong_table(workflow, component.name, label, table.process)) is not None
    ]
    return [*nested, *tables]


def _wrong_table(workflow: Workflow, sweep: str, label: str, process: str) -> tuple[str, str | None] | None:
    """Return what is wrong with a table of the rows, and what to do, or None."""
    inside = [each.name for each in workflow.processes if sweep_of(workflow, each.name) == sweep]
    if label in SWEEP_OUTPUTS:
        return f"every sweep has an output {label!r} of its own", "give it another label"
    if process not in inside:
        return f"the rows of the sweep have no process {process}", f"they have: {', '.join(inside)}"
    return None


def _wrong_pipes(workflow: Workflow) -> list[Fault]:
    faults: list[Fault] = []
    for index, process in enumerate(workflow.processes):
        for label, pipe in process.pipes.items():
            fault = _wrong_pipe(workflow, process, label, pipe)
            if fault is not None:
                faults.append(Fault(f"processes[{index}].pipes.{label}", *fault))
    return faults


def _wrong_pipe(workflow: Workflow, process: Process, label: str, pipe: Pipe) -> tuple[str, str | None] | None:
    """Return what is wrong with a pipe, and what to do, or None."""
    source, sweep = workflow.find_process(pipe.process), sweep_of(workflow, process.name)
    if label in process.inputs:
        return "the input is given under `inputs` as well", "leave one of the two out"
    if source is None:
        return _wrong_pipe_of_sweep(workflow, pipe, sweep)
    if pipe.module is not None and source.module != pipe.module:
        return f"process {pipe.process} runs {source.module}, not {pipe.module}", None
    outer = sweep_of(workflow, source.name)
    if outer is not None and outer != sweep:
        hint = f"the sweep's table: {{process: {outer}, label: table}}"
        return f"process {source.name} runs once for each row of the sweep {outer}", hint
    return None


def _wrong_pipe_of_sweep(workflow: Workflow, pipe: Pipe, inside: str | None) -> tuple[str, str | None] | None:
    component = workflow.find_component(pipe.process)
    if component is None:
        return f"there is no process {pipe.process}", f"there are: {', '.join(p.name for p in workflow.processes)}"
    if component.type != "sweep":
        return f"{pipe.process} is a {component.type}", "name the process in it whose output is meant"
    if pipe.label not in sweep_outputs(component):
        return f"the sweep has no output {pipe.label!r}", f"it has: {', '.join(sweep_outputs(component))}"
    if inside == component.name:
        return "a sweep's table is there when all its rows have ended, and this process runs in a row of it", None
    return None
