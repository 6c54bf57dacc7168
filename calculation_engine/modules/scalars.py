"""The numbers that a manifest names, found in the files that a step left."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from calculation_engine.schemas.module import Scalar

_TAKE: dict[str, Callable[[list[float]], float]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "sum": math.fsum,
    "mean": lambda values: math.fsum(values) / len(values),
    "minimum": min,
    "maximum": max,
}


def read_scalars(scalars: Sequence[Scalar], read: Callable[[str], bytes | None]) -> dict[str, float | None] | None:
    """Return each named number, None where the files do not have it; None in all when nothing is named.

    Args:
        scalars: as the manifest declares them.
        read: returns the content of a file below ``output/``, or None where there is none.
    """
    if not scalars:
        return None
    contents: dict[str, Any] = {}
    return {scalar.name: _number(_find(scalar, contents, read)) for scalar in scalars}


def _find(scalar: Scalar, contents: dict[str, Any], read: Callable[[str], bytes | None]) -> Any:
    kind = "json" if scalar.pointer is not None else "csv"
    key = f"{kind}:{scalar.output}"
    if key not in contents:
        contents[key] = _parsed(kind, read(scalar.output))
    content = contents[key]
    if content is None:
        return None
    if scalar.pointer is not None:
        return _at(content, scalar.pointer)
    values = list(_cells(content, scalar))
    if not values or None in values or (scalar.take == "only" and len(values) > 1):
        return None
    numbers = [value for value in values if value is not None]
    return _TAKE.get(scalar.take, _TAKE["first"])(numbers)


def _parsed(kind: str, content: bytes | None) -> Any:
    """Return a file's content, or None where it is absent or not readable: the step is judged elsewhere."""
    try:
        text = None if content is None else content.decode("utf-8-sig")
        if text is None:
            return None
        return json.loads(text) if kind == "json" else list(csv.DictReader(io.StringIO(text, newline="")))
    except (ValueError, csv.Error):
        return None


def _at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer, or None."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None
    return document


def _cells(rows: list[dict[str, str]], scalar: Scalar) -> Iterator[float | None]:
    for row in rows:
        if all(row.get(name) == value for name, value in scalar.where.items()):
            yield _number(row.get(scalar.column or ""))


def _number(value: Any) -> float | None:
    """Return a finite number, or None; whole numbers stay whole."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and math.isfinite(value) else None
