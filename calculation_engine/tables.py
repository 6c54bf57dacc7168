"""CSV and Parquet tables to pandas and back, exactly: numbers keep every digit, codes such as ``01`` stay text.

Units stand in ``frame.attrs["units"]``, column name to unit, where a manifest declares them; a file has none.
Parquet is written and read by DuckDB, which takes a tenth of a second to import, and pandas with it does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from calculation_engine.errors import InvalidInput

if TYPE_CHECKING:
    from calculation_engine.schemas.module import Column

WHOLE = r"[+-]?(?:0|[1-9]\d{0,17})"
NUMBER = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[nN]a[nN]|[+-]?[iI]nf(?:inity)?"
#: DuckDB with one thread, so that rows keep their order, and without a look at the network for more of itself.
_ALONE: dict[str, Any] = {"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
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
    frame.attrs["units"] = _units(declared.values(), frame)
    return frame


def write_table(frame: pd.DataFrame, target: Path | IO[bytes] | IO[str]) -> None:
    """Write a table as CSV, UTF-8; a named index becomes the first columns, a nameless one is left out."""
    named = any(name is not None for name in frame.index.names)
    frame.to_csv(target, index=named, encoding="utf-8", lineterminator="\n")


def write_parquet(frame: pd.DataFrame, target: Path) -> None:
    """Write a table as Parquet; equal tables give equal bytes. The index is left out.

    Args:
        frame: columns of numbers, truth values and text; what is not a number becomes null.
        target: the file, which is made or replaced.
    """
    import duckdb  # here, as most readers of tables have no Parquet

    with duckdb.connect(config=_ALONE) as database:
        database.register("frame", frame)
        database.execute(f"COPY frame TO {_quoted(target)} (FORMAT parquet)")


def read_parquet(source: Path, columns: Iterable[Column] = (), *, name: str = "table") -> pd.DataFrame:
    """Return a Parquet table; types are the file's own.

    Args:
        source: the file.
        columns: declared columns; they give units.
        name: what the table is called in an error.

    Raises:
        InvalidInput: it is no Parquet file, or DuckDB, which reads it, is not installed.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        hint = "pip install 'calculation-engine[parquet]'; a CSV file beside it has the same numbers"
        raise InvalidInput(f"{name}: reading Parquet needs DuckDB, which is not installed", hint=hint) from error
    try:
        with duckdb.connect(config=_ALONE) as database:
            frame: pd.DataFrame = database.execute(f"FROM read_parquet({_quoted(source)})").df()
    except duckdb.Error as error:
        raise InvalidInput(f"{name}: not readable as Parquet: {str(error).splitlines()[0][:300]}") from error
    frame.attrs["units"] = _units(columns, frame)
    return frame


def units_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the units of a table's columns, as far as they are known."""
    units: dict[str, str] = frame.attrs.get("units", {})
    return units


def _units(columns: Iterable[Column], frame: pd.DataFrame) -> dict[str, str]:
    return {column.name: column.unit for column in columns if column.unit and column.name in frame.columns}


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


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
