"""A workflow as a graph: which parts hold which, what leads to what; and as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from calculation_engine.schemas.workflow import Component, Process, Workflow

#: What the types of components say about their children.
WORDS = {
    "chain": "one after the other",
    "group": "side by side",
    "loop": "until they agree",
    "sweep": "over a table of values",
}


@dataclass(frozen=True)
class Arrow:
    """What leads from one part to another: a file, by the label of the input, or the order alone."""

    source: str
    target: str
    label: str = ""
    back: bool = False  #: from a loop's end to its beginning


def part_of(workflow: Workflow, name: str) -> Process | Component:
    """Return the process or component of a name that the workflow has."""
    part = workflow.find_process(name) or workflow.find_component(name)
    assert part is not None, name
    return part


def arrows(workflow: Workflow) -> list[Arrow]:
    """Return all pipes, and the order of what follows another without one."""
    pipes = [
        Arrow(pipe.process, process.name, label)
        for process in workflow.processes
        for label, pipe in process.pipes.items()
    ]
    piped = {(arrow.source, arrow.target) for arrow in pipes}
    order = [arrow for arrow in _order(workflow) if arrow.back or (arrow.source, arrow.target) not in piped]
    return [*pipes, *order]


def layers(workflow: Workflow) -> list[list[str]]:
    """Return the names that no component holds, in columns: each stands after those whose outputs it reads."""
    roots = workflow.roots
    root_of = {name: root for root in roots for name in _inside(workflow, root)}
    needs: dict[str, set[str]] = {root: set() for root in roots}
    for process in workflow.processes:
        for pipe in process.pipes.values():
            needs[root_of[process.name]].add(root_of[pipe.process])
    columns: list[list[str]] = []
    placed: set[str] = set()
    while left := [root for root in roots if root not in placed]:
        # A circle, which a check refuses, is drawn all the same.
        column = [root for root in left if needs[root] - {root} <= placed] or left
        placed.update(column)
        columns.append(column)
    return columns


def mermaid(workflow: Workflow) -> str:
    """Return the workflow as a flowchart of Mermaid, which GitHub, GitLab and JupyterLab draw from Markdown."""
    lines = ["flowchart LR"]
    for root in workflow.roots:
        lines += _mermaid_part(workflow, part_of(workflow, root), "  ")
    for arrow in arrows(workflow):
        line = "-.->" if not arrow.label else "-->"
        label = f'|"{arrow.label}"|' if arrow.label else '|"again"|' if arrow.back else ""
        lines.append(f"  {_id(arrow.source)} {line}{label} {_id(arrow.target)}")
    return "\n".join(lines) + "\n"


def _mermaid_part(workflow: Workflow, part: Process | Component, indent: str) -> Iterator[str]:
    if isinstance(part, Process):
        module = f"<br/>{part.module}" if part.module != part.name else ""
        yield f'{indent}{_id(part.name)}["{part.name}{module}"]'
        return
    yield f'{indent}subgraph {_id(part.name)}["{part.name}: {WORDS.get(part.type, part.type)}"]'
    yield f"{indent}  direction {'TB' if part.type == 'group' else 'LR'}"
    for child in part.children:
        yield from _mermaid_part(workflow, part_of(workflow, child), indent + "  ")
    yield f"{indent}end"


def _id(name: str) -> str:
    """Return a name that is no word of Mermaid, as ``end`` is."""
    return f"n_{name}"


def _order(workflow: Workflow) -> Iterator[Arrow]:
    for component in workflow.components:
        if component.type == "group":
            continue
        children = component.children
        for earlier, later in pairwise(children):
            yield Arrow(earlier, later)
        if component.type == "loop" and len(children) > 1:
            yield Arrow(children[-1], children[0], back=True)


def _inside(workflow: Workflow, name: str) -> Iterator[str]:
    yield name
    component = workflow.find_component(name)
    for child in component.children if component else ():
        yield from _inside(workflow, child)
