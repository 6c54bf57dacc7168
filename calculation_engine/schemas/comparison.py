"""What differs between two settings, two files, two runs."""

from __future__ import annotations

from typing import Any, Literal

from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.files import Blob


class Change(Schema):
    """One value of a document that differs."""

    path: str
    """As ``scale[0].factor``; empty: the document itself."""
    change: Literal["changed", "added", "removed"]
    a: Any = None
    """Value in the first; null where it is absent as well."""
    b: Any = None

    def __str__(self) -> str:
        if self.change == "added":
            return f"{self.path}: {_short(self.b)} was added"
        if self.change == "removed":
            return f"{self.path}: {_short(self.a)} was removed"
        return f"{self.path}: {_short(self.a)} → {_short(self.b)}"


class Place(Schema):
    """A value of a table, in both."""

    row: dict[str, str]
    """The row's keys; in a table without any, ``row`` and its number."""
    a: float | str | None
    b: float | str | None
    difference: float | None = None
    """Absolute: in the value's own unit. Relative: of the larger of the two [-]."""


class ColumnDifference(Schema):
    """How one column differs in the rows that both tables have."""

    column: str
    kind: Literal["number", "text"]
    compared: int
    differing: int
    """Values that lie further apart than allowed; texts that are others."""
    largest_absolute: Place | None = None
    largest_relative: Place | None = None
    example: Place | None = None
    """First text, or first number with nothing beside it, that differs."""


class TableDifference(Schema):
    """How two tables differ; rows are matched by their keys."""

    keys: list[str]
    """Columns that tell rows apart; none: rows are matched by their number."""
    rows_a: int
    rows_b: int
    only_a: int
    """Rows that have vanished in the second."""
    only_b: int
    """Rows that have appeared in the second."""
    examples_only_a: list[dict[str, str]] = []
    examples_only_b: list[dict[str, str]] = []
    columns_only_a: list[str] = []
    columns_only_b: list[str] = []
    columns: list[ColumnDifference] = []

    @property
    def differing(self) -> int:
        """Values that lie further apart than allowed."""
        return sum(column.differing for column in self.columns)

    @property
    def is_same(self) -> bool:
        """Whether nothing differs by more than allowed."""
        return not (self.differing or self.only_a or self.only_b or self.columns_only_a or self.columns_only_b)


class NumberChange(Schema):
    """A number of a JSON document that differs."""

    path: str
    a: float
    b: float
    absolute: float
    relative: float
    """Of the larger of the two [-]."""


class DocumentDifference(Schema):
    """How two JSON documents differ."""

    compared: int
    """Values that both have."""
    differing: int
    """Values that differ by more than allowed, that appear or vanish."""
    largest_absolute: NumberChange | None = None
    largest_relative: NumberChange | None = None
    changes: list[Change] = []
    """The first of those that differ by more than allowed."""


class FileDifference(Schema):
    """How a file differs between two runs."""

    path: str
    state: Literal["same", "close", "differs", "only_a", "only_b"]
    """``same``: byte for byte; ``close``: all numbers within what is allowed; ``only_a``: it has vanished."""
    kind: Literal["table", "json", "file"]
    sentence: str
    """The same in words."""
    a: Blob | None = None
    b: Blob | None = None
    table: TableDifference | None = None
    document: DocumentDifference | None = None


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else _json(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
