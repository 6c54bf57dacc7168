"""What one row of a sweep runs: the swept component with the row's values in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from calculation_engine.errors import Fault, InvalidInput, pydantic_faults
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Chain, Component, Group, Loop, Process, Workflow
from calculation_engine.sweeps.design import DesignTable
from calculation_engine.sweeps.targets import Target, parse_target, replaced

_TYPES: dict[str, type[Process | Chain | Group | Loop]] = {
    "process": Process, "chain": Chain, "group": Group, "loop": Loop,
}  # fmt: skip


@dataclass(frozen=True)
class _Setter:
    column: str
    target: Target


class RowMaker:
    """Makes the workflow of any row of a sweep.

    Args:
        workflow: that has the sweep in it.
        sweep: of the workflow.
        design: the sweep's, written out.

    Raises:
        InvalidInput: a column sets something that is not there; every fault with its column.
    """

    def __init__(self, workflow: Workflow, sweep: Sweep, design: DesignTable) -> None:
        self.design = design
        self._reuse = workflow.reuse
        self._nodes = nodes_in(workflow, sweep.component)
        self._documents = {
            name: node.model_dump(mode="python", exclude_none=False) for name, node in self._nodes.items()
        }
        kinds = {name: getattr(node, "type", "process") for name, node in self._nodes.items()}
        setters, faults = list[_Setter](), list[Fault]()
        for column in design.columns:
            for text in column.targets:
                try:
                    setters.append(_Setter(column.name, parse_target(text, kinds)))
                except InvalidInput as error:
                    faults.append(Fault(f"columns.{column.name}", error.message, error.hint))
        faults += _twice(setters)
        if faults:
            raise InvalidInput("the sweep sets what is not there", faults=faults)
        self._setters = setters
        self.changed = {setter.target.node for setter in setters}
        """Names of what differs from row to row."""

    def workflow(self, row: int) -> Workflow:
        """Return what a row (from 1) runs: the swept component alone, with the row's values.

        Pipes may lead out of it, to what ran before the sweep.

        Raises:
            InvalidInput: a value does not fit where it is set; every fault with its column.
        """
        documents, faults = dict(self._documents), list[Fault]()
        cells = {column.name: value for column, value in self.design.values(row)}
        for setter in self._setters:
            document, target = documents[setter.target.node], setter.target
            value = _as_input(cells[setter.column]) if target.is_input else cells[setter.column]
            try:
                documents[target.node] = replaced(document, target.keys, value, target.text)
            except InvalidInput as error:
                faults.append(Fault(f"columns.{setter.column}", error.message, error.hint))
        nodes: dict[str, Process | Component] = {}
        for name, node in self._nodes.items():
            nodes[name] = node
            if name in self.changed and not faults:
                try:
                    nodes[name] = _TYPES[getattr(node, "type", "process")].model_validate(documents[name])
                except ValidationError as error:
                    faults += [Fault(f"{name}.{fault.path}", fault.message, fault.hint) for fault in
                               pydantic_faults(error.errors())]  # fmt: skip
        if faults:
            raise InvalidInput(f"row {row} cannot be made", faults=faults)
        return Workflow.model_construct(
            processes=[node for node in nodes.values() if isinstance(node, Process)],
            components=[node for node in nodes.values() if not isinstance(node, Process)],
            reuse=self._reuse,
        )

    def told(self, row: int) -> str:
        """Return a row's cells for people, as ``factor = 2, fuel = dear``."""
        cells = zip(self.design.columns, self.design.rows[row - 1], strict=True)
        return ", ".join(f"{column.name} = {_short(cell)}" for column, cell in cells)


def nodes_in(workflow: Workflow, name: str) -> dict[str, Process | Component]:
    """Return a process or component and all that is in it, by name."""
    component = workflow.find_component(name)
    if component is None:
        process = workflow.find_process(name)
        return {name: process} if process else {}
    found: dict[str, Process | Component] = {name: component}
    for child in component.children:
        found |= nodes_in(workflow, child)
    return found


def _as_input(value: Any) -> Any:
    """Return an input for a value: an upload's id may stand alone, as in a cell of a CSV file."""
    return {"type": "upload", "uuid": value} if isinstance(value, str) else value


def _twice(setters: list[_Setter]) -> list[Fault]:
    faults = []
    for index, later in enumerate(setters):
        for earlier in setters[:index]:
            one, other = (earlier.target.node, *earlier.target.keys), (later.target.node, *later.target.keys)
            short = min(len(one), len(other))
            if one[:short] == other[:short]:
                message = f"{later.target.text} is set by the column {earlier.column} as well"
                faults.append(Fault(f"columns.{later.column}", message, "one column a setting"))
    return faults


def _short(cell: Any) -> str:
    text = f"{cell:g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= 40 else text[:39] + "…"
