"""Job documents: YAML 1.2 or JSON, on disk or in an option, checked before anything is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from calculation_engine.errors import InvalidInput

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


class _Loader(yaml.SafeLoader):
    """The core schema of YAML 1.2: ``NO`` is Norway, ``1e-4`` a number, ``2030-01-01`` a text; no key stands twice.

    PyYAML reads YAML 1.1, where the first is false, the second a text and the third a date that JSON does not have.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                message = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, message, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+0123456789.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML 1.2 (or JSON) text.

    Raises:
        InvalidInput: it is not readable; the message has line and column.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise InvalidInput(f"not readable as YAML: {_told(error)}") from error


def compose_yaml(text: str) -> yaml.Node | None:
    """Return the tree of a YAML 1.2 (or JSON) text, whose nodes know where they stand; None for an empty one.

    Raises:
        InvalidInput: as :func:`parse_yaml`.
    """
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except yaml.YAMLError as error:
        raise InvalidInput(f"not readable as YAML: {_told(error)}") from error
    return node


def _told(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    text = ": ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark
    return f"{text}, at line {mark.line + 1}, column {mark.column + 1}" if mark else text


def load_document(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML or JSON file.

    Raises:
        InvalidInput: the file is absent, not readable as YAML (with line and column), or holds no mapping.
    """
    try:
        document = parse_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}") from error
    if not isinstance(document, dict):
        kind = {type(None): "nothing", list: "a list", str: "a text", bool: "true or false"}.get(
            type(document), "a number"
        )
        raise InvalidInput(f"{path}: expected keys and values, such as `module: cbc`, got {kind}")
    return document


def named_after_file(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a job document that has a name: its own, else its file's."""
    suffix = path.suffix if path.suffix in _SUFFIXES else ""
    return {"name": path.name.removesuffix(suffix), **document}
