"""Names of fields and of columns."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def names_of(row: type[DataclassInstance]) -> list[str]:
    """Return the names of a row's fields, which are the names of its table's columns."""
    return [field.name for field in fields(row)]
