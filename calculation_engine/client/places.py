"""Where in a YAML or JSON file the value of a path stands, so that a fault can be shown with its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from calculation_engine.client.document import compose_yaml
from calculation_engine.errors import CalculationEngineError, Fault, Place

#: What a path begins with where the file writes the job in a shorter form.
_WRITTEN_OUT = ("workflow.processes[0].", "workflow.", "processes[0].")


class Places:
    """The places of a file's values."""

    def __init__(self, file: Path, text: str | None = None) -> None:
        """Read the file, or take its text.

        Raises:
            InvalidInput: it is not readable as YAML.
        """
        self._file = str(file)
        self._root = compose_yaml(file.read_text(encoding="utf-8") if text is None else text)

    def find(self, path: str) -> tuple[Place, str, bool] | None:
        """Return the place of a path's value, the path as the file writes it, and whether the value is there.

        The place of one that is not there is that of the innermost part around it.

        Args:
            path: as faults have it: ``processes[0].config.gap``; an entry may go by its name: ``processes.energy``.
        """
        if self._root is None:
            return None
        ways = [path, *(path.removeprefix(start) for start in _WRITTEN_OUT if path.startswith(start))]
        ways += [""] if path == "workflow" else []
        found = [(*_follow(self._root, way), way) for way in ways]
        node, rest, written = min(found, key=lambda end: (len(end[1]), len(end[2])))
        mark = node.start_mark
        return Place(self._file, mark.line + 1, mark.column + 1), written, not rest

    def located(self, fault: Fault) -> Fault:
        """Return the fault with the place that its path has in the file, and the path as it is written there."""
        found = self.find(fault.path)
        return fault if found is None else replace(fault, place=found[0], path=found[1])

    def in_order(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return the faults with their places, in the order of the file."""
        return sorted(map(self.located, faults), key=lambda fault: fault.place.line if fault.place else 0)


def located[Error: CalculationEngineError](error: Error, file: Path) -> Error:
    """Return the error with the place of each of its faults in the file that the request came from."""
    if error.faults:
        places = Places(file)
        error.faults = tuple(places.located(fault) for fault in error.faults)
    return error


def _follow(node: yaml.Node, path: str) -> tuple[yaml.Node, str]:
    """Return the innermost node on the path, as its key where it has one, and what is left of the path there."""
    shown = node
    while path:
        step = next(_steps(node, path), None)
        if step is None:
            break
        shown, node, path = step
    return shown, path


def _steps(node: yaml.Node, path: str) -> Iterator[tuple[yaml.Node, yaml.Node, str]]:
    """Yield the ways from a node along the path, longest name first: what to show, where it leads, what is left."""
    if isinstance(node, yaml.MappingNode):
        entries = [(str(key.value), key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        entries = [(f"[{index}]", item, item) for index, item in enumerate(node.value)]
        entries += [(_name_of(item), item, item) for item in node.value]
    else:
        return
    for name, shown, value in sorted(entries, key=lambda entry: len(entry[0]), reverse=True):
        rest = path.removeprefix(name)
        if name and path.startswith(name) and (not rest or rest[0] in ".[/"):
            yield shown, value, rest.removeprefix(".")


def _name_of(item: yaml.Node) -> str:
    if not isinstance(item, yaml.MappingNode):
        return ""
    return next((str(value.value) for key, value in item.value if key.value == "name"), "")
