"""Paths of what a column of a design sets: ``energy.config.scale[0].factor``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calculation_engine.errors import InvalidInput

_PART = re.compile(r"""\.?(?P<key>[^.\[\]"']+)|\[(?P<index>\d+)\]|\[(?P<quote>["'])(?P<quoted>.*?)(?P=quote)\]""")

#: What of a process, and of a loop, a column may set.
_FIELDS = {
    "process": ("config", "inputs", "resources"),
    "loop": ("bridge", "baseline", "until", "acceleration", "max_evaluations", "time_limit"),
}

Key = str | int


@dataclass(frozen=True)
class Target:
    """One place in a workflow: the process or loop, and the keys and indices that lead to the value."""

    node: str
    keys: tuple[Key, ...]
    text: str

    @property
    def is_input(self) -> bool:
        """Whether it is an input, whose value is a file, and not a setting."""
        return len(self.keys) > 1 and self.keys[-2] == "inputs" and (len(self.keys) == 2 or self.keys[0] == "baseline")


def parse_target(text: str, kinds: Mapping[str, str]) -> Target:
    """Return the place that a path means.

    Args:
        text: names joined by points; ``[0]`` is an entry of a list, ``["a.b"]`` a name with other characters in it.
        kinds: name of each process and component that a row runs, to ``process``, ``loop``, ``chain`` or ``group``.

    Raises:
        InvalidInput: it is no path, or it leads to nothing that a column may set; the hint says what there is.
    """
    keys = _split(text)
    node, rest = str(keys[0]), tuple(keys[1:])
    if node not in kinds:
        raise InvalidInput(f"{text}: there is no {node!r} in what the sweep runs", hint=f"there is: {', '.join(kinds)}")
    fields = _FIELDS.get(kinds[node])
    if fields is None:
        found = [name for name, kind in kinds.items() if kind in _FIELDS]
        raise InvalidInput(f"{text}: a {kinds[node]} has no settings", hint=f"these have: {', '.join(found)}")
    if not rest or rest[0] not in fields:
        hint = f"one of: {', '.join(f'{node}.{field}' for field in fields)}"
        raise InvalidInput(f"{text}: not a setting or an input of the {kinds[node]} {node}", hint=hint)
    if rest in {("inputs",), ("baseline",), ("bridge",), ("bridge", "name")}:
        raise InvalidInput(f"{text}: it ends too early", hint=f"for example {_example(node, str(rest[0]))}")
    return Target(node, rest, text)


def replaced(document: Any, keys: Sequence[Key], value: Any, where: str) -> Any:
    """Return a document with another value in one place; what is on no way to it is shared, not copied.

    A setting that is absent is added, the mappings that lead to it as well; an entry of a list must be there.

    Raises:
        InvalidInput: the way leads through a value that has no such entry.
    """
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(key, int):
        if not isinstance(document, list):
            raise InvalidInput(f"{where}: [{key}] is an entry of a list, but {_kind(document)} is there")
        if key >= len(document):
            raise InvalidInput(f"{where}: there is no entry [{key}]", hint=f"the list has {len(document)}, from [0] on")
        return [*document[:key], replaced(document[key], rest, value, where), *document[key + 1 :]]
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise InvalidInput(f"{where}: {key!r} is a name in a mapping, but {_kind(document)} is there")
    return {**document, key: replaced(document.get(key), rest, value, where)}


def _split(text: str) -> list[Key]:
    keys: list[Key] = []
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None or (found["key"] and (position > 0) != text[position:].startswith(".")):
            hint = 'expected names joined by points, as energy.config.scale[0].factor, or ["a.b"] for an odd name'
            raise InvalidInput(f"{text!r}: not a path, at character {position + 1}", hint=hint)
        keys.append(int(found["index"]) if found["index"] else found["key"] or found["quoted"])
        position = found.end()
    if not keys or isinstance(keys[0], int):
        raise InvalidInput(f"{text!r}: expected a path that begins with the name of a process or component")
    return keys


def _example(node: str, field: str) -> str:
    ends = {"inputs": "inputs.data", "baseline": "baseline.energy.config.scale", "bridge": "bridge.config.channels"}
    return f"{node}.{ends[field]}"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"the value {value!r}"
