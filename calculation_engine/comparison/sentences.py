"""Differences in words."""

from __future__ import annotations

from collections.abc import Sequence

from calculation_engine.schemas.comparison import (
    ColumnDifference,
    DocumentDifference,
    FileDifference,
    Place,
    TableDifference,
)
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Nearness


def file_sentence(found: FileDifference, nearness: Nearness) -> str:
    """Return how a file differs, in a sentence."""
    if found.state == "same":
        return "the same, byte for byte"
    if found.state in {"only_a", "only_b"}:
        return "it has vanished" if found.state == "only_a" else "it has appeared"
    within = f"all numbers within {nearness.relative:g} relative or {nearness.absolute:g} absolute"
    if found.table is not None:
        told = _table(found.table)
        return f"{within}; {told}" if found.state == "close" and told else told or f"{within}; other text of the same"
    if found.document is not None:
        told = _document(found.document)
        return f"{within}; {told}" if found.state == "close" and told else told or f"{within}; other text of the same"
    return f"its bytes differ: {_blob(found.a)} → {_blob(found.b)}"


def summary_sentence(files: Sequence[FileDifference]) -> str:
    """Return how all files differ, in a sentence."""
    unlike = [file for file in files if file.state not in {"same", "close"}]
    if not unlike:
        close = sum(file.state == "close" for file in files)
        return f"all {len(files)} files are the same" + (f", {close} of them within what is allowed" if close else "")
    first = "; ".join(f"{file.path}: {file.sentence}" for file in unlike[:3])
    more = f"; and {len(unlike) - 3} more" if len(unlike) > 3 else ""
    return f"{len(unlike)} of {len(files)} files differ: {first}{more}"


def _table(table: TableDifference) -> str:
    parts = [_column(column) for column in table.columns]
    parts += [f"{table.only_a} rows have vanished{_rows(table.examples_only_a)}"] if table.only_a else []
    parts += [f"{table.only_b} rows have appeared{_rows(table.examples_only_b)}"] if table.only_b else []
    parts += [f"column {name} has vanished" for name in table.columns_only_a]
    parts += [f"column {name} has appeared" for name in table.columns_only_b]
    return "; ".join(part for part in parts if part)


def _column(column: ColumnDifference) -> str:
    absolute, relative = column.largest_absolute, column.largest_relative
    if column.kind == "text" or absolute is None or relative is None:
        if not column.differing:
            return ""
        told = f", as {_at(column.example)} {column.example.a!r} → {column.example.b!r}" if column.example else ""
        return f"{column.column} differs in {column.differing} of {column.compared} rows{told}"
    many = f" differs in {column.differing} of {column.compared} rows" if column.differing else ""
    return (
        f"{column.column}{many}: largest absolute difference {absolute.difference:.3g} {_values(absolute)},"
        f" largest relative {relative.difference:.3g} {_values(relative)}"
    )


def _values(place: Place) -> str:
    return f"{_at(place)} ({place.a:g} → {place.b:g})"


def _document(document: DocumentDifference) -> str:
    parts = [str(change) for change in document.changes[:5]]
    if document.differing > 5:
        parts.append(f"and {document.differing - 5} more")
    largest = document.largest_relative
    if largest is not None:
        parts.append(f"largest relative difference {largest.relative:.3g} at {largest.path}")
    return "; ".join(parts)


def _blob(blob: Blob | None) -> str:
    return f"{blob.size} bytes, sha256 {blob.sha256[:12]}" if blob else "none"


def _at(place: Place | None) -> str:
    return "at " + ", ".join(f"{name} {value}" for name, value in place.row.items()) if place else ""


def _rows(examples: Sequence[dict[str, str]]) -> str:
    return f", as {', '.join(f'{name} {value}' for name, value in examples[0].items())}" if examples else ""
