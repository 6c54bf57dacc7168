"""JSON and YAML bodies, read strictly: what comes out is plain JSON that can be stored and hashed."""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar, NoReturn

import yaml

from calculation_engine.errors import Fault, InvalidInput, UserError, join_path

_MOST_VALUES = 2_000_000  # of a document once its YAML aliases are written out
_DEEPEST = 100
_MOST_DIGITS = 1000


class Unreadable(UserError):
    """The body is not what its Content-Type says."""


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML without dates, which JSON does not have: ``2030-01-01`` stays text."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_json(content: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        Unreadable: it is not JSON; line and column are told.
        InvalidInput: it has values that cannot be kept: NaN, keys that occur twice, texts that are not Unicode.
    """
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise Unreadable(f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise Unreadable(f"the body is nested deeper than {_DEEPEST} levels") from error
    except ValueError as error:
        raise Unreadable(f"the body is not JSON: {error}") from error
    return _checked(value)


def read_yaml(content: bytes) -> Any:
    """Return the value of a YAML text.

    Raises:
        Unreadable: it is not YAML; line and column are told.
        InvalidInput: it has values that JSON does not have.
    """
    try:
        value = yaml.load(content, _Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Unreadable(f"the body is not YAML: {where}{error.problem or error}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"the body is not YAML: {error}") from error
    return _checked(value)


def _checked(document: Any) -> Any:
    """Return the document; a stack of its own walks it, as nesting must not reach the interpreter's limit."""
    faults: list[Fault] = []
    stack: list[tuple[Any, _Trail | None, int]] = [(document, None, 0)]
    count = 0
    while stack:
        value, trail, depth = stack.pop()
        count += 1
        if depth > _DEEPEST:
            raise Unreadable(f"the body is nested deeper than {_DEEPEST} levels")
        if count > _MOST_VALUES:
            raise InvalidInput(f"the body has more than {_MOST_VALUES} values", hint="send tables as files")
        if isinstance(value, dict):
            faults += [Fault(_path(trail), message) for key in value if (message := _key_fault(key))]
            stack += [(item, (trail, key), depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            stack += [(item, (trail, index), depth + 1) for index, item in enumerate(value)]
        elif message := _fault_of(value):
            faults.append(Fault(_path(trail), message))
    if faults:
        faults.sort(key=lambda fault: fault.path)
        raise InvalidInput("the body has values that JSON does not have", faults=faults[:100])
    return document


#: A value's place: its container's place, and its key or index there.
_Trail = tuple["_Trail | None", str | int]


def _path(trail: _Trail | None) -> str:
    parts: list[str | int] = []
    while trail is not None:
        trail, part = trail
        parts.append(part)
    return join_path("", [part if isinstance(part, int) else str(part) for part in reversed(parts)])


def _key_fault(key: Any) -> str | None:
    return _fault_of(key) if isinstance(key, str) else f"expected names as keys, got {key!r}; put it into quotes"


def _fault_of(value: Any) -> str | None:
    if isinstance(value, str):
        return None if value.isascii() or _is_unicode(value) else "half of a surrogate pair is not a character"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"expected a finite number, got {value}"
    if value is None or isinstance(value, bool | int):
        return None
    return f"expected a value that JSON has, got a {type(value).__name__}"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInput(f"the body has keys that occur twice in one object: {', '.join(twice[:20])}")
    return result


def _whole_number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits, at most {_MOST_DIGITS} are read")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON has")
