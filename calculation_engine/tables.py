"""CSV tables to pandas and back, exactly: numbers keep every digit, codes such as ``01`` or ``NA`` stay text.

Units stand in ``frame.attrs["units"]``, column name to unit, where a manifest declares them; a CSV file has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import pandas as pd

from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.module import Column

WHOLE = r"[+-]?(?:0|[1-9]\d{0,17})"
NUMBER = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[nN]a[nN]|[+-]?[iI]nf(?:inity)?"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def read_table(
    source: Path | IO[bytes] | IO[str], columns: Iterable[Column] = (), *, name: str = "table"
) -> pd.DataFrame:
    """Return a CSV table.

    Args:
        source: the file, UTF-8, with a header line.
        columns: declared columns; they decide types and give units. Columns that are not declared become numbers where
            every value reads as one and none has a leading zero, and text otherwise.
        name: what the table is called in an error.

    Raises:
        InvalidInput: it is not readable as CSV, or a value is not of its column's declared type.
    """
    try:
        frame = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name}: not readable as CSV: {error}") from error
    declared = {column.name: column for column in columns}
    for label in frame.columns:
        kind = declared[label].type if label in declared else _kind(frame[label])
        try:
            frame[label] = _converted(frame[label], kind)
        except (KeyError, ValueError) as error:
            raise InvalidInput(f"{name}: column {label}: not every value is a {kind}: {error}") from error
    frame.attrs["units"] = {label: c.unit for label, c in declared.items() if c.unit and label in frame.columns}
    return frame


def write_table(frame: pd.DataFrame, target: Path | IO[bytes] | IO[str]) -> None:
    """Write a table as CSV, UTF-8; a named index becomes the first columns, a nameless one is left out."""
    named = any(name is not None for name in frame.index.names)
    frame.to_csv(target, index=named, encoding="utf-8", lineterminator="\n")


def units_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the units of a table's columns, as far as they are known."""
    units: dict[str, str] = frame.attrs.get("units", {})
    return units


def _kind(values: pd.Series[Any]) -> str:
    filled = values[values != ""]
    if filled.empty or not filled.str.fullmatch(NUMBER).all():
        return "string"
    return "integer" if len(filled) == len(values) and filled.str.fullmatch(WHOLE).all() else "number"


def _converted(values: pd.Series[Any], kind: str) -> Any:
    """Return the values as their kind; ``float`` rounds correctly, which the CSV reader's default does not."""
    if kind == "string":
        return values
    if kind == "boolean":
        return [_TRUTH[value.strip().lower()] for value in values]
    objects = values.to_numpy(dtype=object)
    if kind == "integer" and not (values == "").any():
        return objects.astype("int64")
    objects[objects == ""] = "nan"
    return objects.astype("float64")
