"""Two JSON documents, value by value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from calculation_engine.errors import join_path
from calculation_engine.schemas.comparison import Change, DocumentDifference, NumberChange
from calculation_engine.schemas.reuse import Nearness

_MOST_CHANGES = 20


def changes(a: Any, b: Any, path: str = "") -> Iterator[Change]:
    """Yield the values that differ, each at its deepest path; ``2`` and ``2.0`` are the same number."""
    for where, left, right in _pairs(a, b, path):
        if isinstance(left, _Absent):
            yield Change(path=where, change="added", b=right)
        elif isinstance(right, _Absent):
            yield Change(path=where, change="removed", a=left)
        elif not _equal(left, right):
            yield Change(path=where, change="changed", a=left, b=right)


def compare_documents(a: Any, b: Any, nearness: Nearness) -> DocumentDifference:
    """Return how two documents differ; numbers may lie apart as far as ``nearness`` allows."""
    report = DocumentDifference(compared=0, differing=0)
    for where, left, right in _pairs(a, b, ""):
        found: Change | None = None
        if isinstance(left, _Absent):
            found = Change(path=where, change="added", b=right)
        elif isinstance(right, _Absent):
            found = Change(path=where, change="removed", a=left)
        else:
            report.compared += 1
            if _is_finite(left) and _is_finite(right):
                _note(report, where, float(left), float(right))
                same = nearness.allows(float(left), float(right))
            else:
                same = _equal(left, right)
            found = None if same else Change(path=where, change="changed", a=left, b=right)
        if found:
            report.differing += 1
            if len(report.changes) < _MOST_CHANGES:
                report.changes.append(found)
    return report


def without(document: Any, pointers: Iterable[str]) -> Any:
    """Return a document without the values that JSON pointers (RFC 6901) name; one that is not there is no fault."""
    for pointer in pointers:
        keys = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        document = _without(document, keys)
    return document


def _without(value: Any, keys: list[str]) -> Any:
    if not isinstance(value, dict) or keys[0] not in value:
        return value
    rest = {key: item for key, item in value.items() if key != keys[0]}
    return rest if len(keys) == 1 else rest | {keys[0]: _without(value[keys[0]], keys[1:])}


def relative(a: float, b: float) -> float:
    """Return how far two numbers lie apart, of the larger of the two [-]."""
    return abs(b - a) / max(abs(a), abs(b)) if a != b else 0.0


class _Absent:
    """Stands for a value that one of the documents does not have."""


_ABSENT = _Absent()


def _pairs(a: Any, b: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield every place that is a single value in one of the two, with both values; a stack of its own walks them."""
    stack: list[tuple[str, Any, Any]] = [(path, a, b)]
    while stack:
        where, left, right = stack.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            names: list[str | int] = [*left, *(name for name in right if name not in left)]
            inner = [(name, left.get(name, _ABSENT), right.get(name, _ABSENT)) for name in names]
        elif isinstance(left, list) and isinstance(right, list):
            inner = [(index, _at(left, index), _at(right, index)) for index in range(max(len(left), len(right)))]
        else:
            yield where, left, right
            continue
        stack += [(join_path(where, [name]), x, y) for name, x, y in reversed(inner)]


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _note(report: DocumentDifference, path: str, a: float, b: float) -> None:
    if a == b:
        return
    found = NumberChange(path=path, a=a, b=b, absolute=abs(b - a), relative=relative(a, b))
    if report.largest_absolute is None or found.absolute > report.largest_absolute.absolute:
        report.largest_absolute = found
    if report.largest_relative is None or found.relative > report.largest_relative.relative:
        report.largest_relative = found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)


def _equal(a: Any, b: Any) -> bool:
    if _is_number(a) and _is_number(b):
        return bool(a == b or (math.isnan(a) and math.isnan(b)))
    return type(a) is type(b) and bool(a == b)
