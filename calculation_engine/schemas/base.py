"""The base of all schemas, and the types that several of them share."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)

NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"


def _name(value: str) -> str:
    if not re.fullmatch(NAME_PATTERN, value):
        raise ValueError(f"expected a letter, then letters, digits, _ and -, 64 characters at most, got {value[:80]!r}")
    return value


#: Name of a process or component: it becomes a folder of the results.
Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]

#: Hex digest of a file's content, and the form ``sha256:...`` that users may write.
Sha256 = Annotated[
    str,
    BeforeValidator(
        lambda value: value.removeprefix("sha256:") if isinstance(value, str) else value,
        json_schema_input_type=Annotated[str, StringConstraints(pattern=r"^(sha256:)?[0-9a-f]{64}$")],
    ),
    StringConstraints(pattern=r"^[0-9a-f]{64}$"),
]


class Bytes(ByteSize):
    """A number of bytes; ``"2GiB"`` and ``"500MB"`` are understood."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?([kKMGTP]i?)?B$", "examples": ["500MB", "2GiB"]}
        return {"anyOf": [{"type": "integer", "minimum": 0}, text]}


_UNITS_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9.]+)\s*(s|min|m|h|d)?\s*", value)
        if not match:
            raise ValueError('expected seconds, or a number with a unit as in "90s", "15min", "2h", "1d"')
        return float(match[1]) * _UNITS_SECONDS[match[2] or "s"]
    return value


#: A duration in seconds; ``"90s"``, ``"15min"``, ``"2h"`` and ``"1d"`` are understood.
Seconds = Annotated[
    float,
    BeforeValidator(
        _seconds,
        json_schema_input_type=float | Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(s|min|m|h|d)?$")],
    ),
]


def _inside(value: str) -> str:
    parts = value.split("/")
    if value.startswith("/") or "\\" in value or "\0" in value or any(part in {"", ".", ".."} for part in parts):
        raise ValueError("expected a path inside the folder, with / between its parts and no '..'")
    return value


#: A path below a working folder: relative, with forward slashes, no ``..``.
InnerPath = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_inside)]


def _one_line(value: str) -> str:
    wrong = sorted({character for character in value if unicodedata.category(character) == "Cc"})
    if wrong:
        raise ValueError(f"expected one line without control characters, got {', '.join(map(repr, wrong))} in it")
    return value


#: A text that is shown in lists and terminals.
Line = Annotated[str, AfterValidator(_one_line)]


class Schema(BaseModel):
    """A schema that refuses unknown fields, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            for way in (field, *field.get("anyOf", ())):
                _bound_numbers(way)
        return schema


def _bound_numbers(way: dict[str, Any]) -> None:
    """Put bounds where they mean something: pydantic leaves those of a number that may be written as a text outside."""
    bounds = {word: way.pop(key) for key, word in _BOUNDS.items() if key in way}
    for number in way.get("anyOf", ()):
        if number.get("type") in {"integer", "number"}:
            number.update(bounds)


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
