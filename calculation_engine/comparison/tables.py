"""Two CSV tables of any length, row by row, in a scratch database that spills to disk."""
# ruff: noqa: S608 - names are quoted, and what else is put into a query are numbers and paths of ours

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.comparison import ColumnDifference, Place, TableDifference
from calculation_engine.schemas.module import Column
from calculation_engine.schemas.reuse import Nearness
from calculation_engine.tables import NUMBER, WHOLE

#: Bounds of the scratch database: past the memory it goes on in files.
_MEMORY, _THREADS = "512MB", 2
_EXAMPLES = 5
_BOTH = '"#a" IS NOT NULL AND "#b" IS NOT NULL'
_ROW = "row"

Kind = Literal["number", "whole", "text"]


def compare_tables(
    a: Path, b: Path, columns: Sequence[Column], nearness: Nearness, scratch: Path, keys: Sequence[str] = ()
) -> TableDifference:
    """Return how two tables differ.

    Columns of texts and whole numbers, from the left, are keys until they tell all rows apart in both tables; all
    others are compared. Columns that are declared as ``number`` are never keys. Rows whose keys are the same are
    matched in their order.

    Args:
        a, b: CSV files, UTF-8, with a header line.
        columns: declared columns, as far as known.
        nearness: how far numbers may lie apart.
        scratch: an empty folder for what the memory does not hold.
        keys: columns that are keys before all others, numbers too. Where they stand in both tables, a column ``row``
            only counts and is left out.

    Raises:
        InvalidInput: one of them cannot be read as a table.
    """
    headers = [_header(a), _header(b)]
    config: dict[str, Any] = {
        "memory_limit": _MEMORY,
        "threads": _THREADS,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(config=config) as database:
            for name, path, header in zip("ab", (a, b), headers, strict=True):
                _load(database, name, path, header)
            return _Comparison(database, headers, columns, nearness, keys).report()
    except duckdb.Error as error:
        raise InvalidInput(f"it cannot be read as a table: {str(error).splitlines()[0][:300]}") from error


@dataclass
class _Comparison:
    database: duckdb.DuckDBPyConnection
    headers: list[list[str]]
    columns: Sequence[Column]
    nearness: Nearness
    known_keys: Sequence[str] = ()

    def report(self) -> TableDifference:
        common = [name for name in self.headers[0] if name in self.headers[1]]
        if self.known_keys and set(self.known_keys) <= set(common):
            common = [*self.known_keys, *(name for name in common if name not in {_ROW, *self.known_keys})]
        kinds = {name: self._kind(name) for name in common}
        keys = self._keys(kinds)
        self._join(common, keys)
        rows = [self._one(f"SELECT count(*) FROM {table}") for table in "ab"]
        only = {
            side: self._one(f'SELECT count(*) FROM j WHERE "#{side}" IS NOT NULL AND NOT ({_BOTH})') for side in "ab"
        }
        return TableDifference(
            keys=keys,
            rows_a=rows[0],
            rows_b=rows[1],
            only_a=only["a"],
            only_b=only["b"],
            examples_only_a=self._examples("a", keys),
            examples_only_b=self._examples("b", keys),
            columns_only_a=[name for name in self.headers[0] if name not in self.headers[1]],
            columns_only_b=[name for name in self.headers[1] if name not in self.headers[0]],
            columns=[
                self._numbers(name, keys) if kinds[name] != "text" else self._texts(name, keys)
                for name in common
                if name not in keys
            ],
        )

    def _kind(self, name: str) -> Kind:
        """Return what all values of a column are, in both tables."""
        column, kind = _quoted(name), "whole"
        for table in "ab":
            texts, fractions = self._row(
                f"SELECT count(*) FILTER (NOT regexp_full_match({column}, ?)),"
                f" count(*) FILTER (NOT regexp_full_match({column}, ?)) FROM {table} WHERE {column} <> ''",
                [NUMBER, WHOLE],
            )
            if texts:
                return "text"
            if fractions:
                kind = "number"
        declared = next((column.type for column in self.columns if column.name == name), None)
        return "number" if kind == "number" or declared == "number" else "whole"

    def _keys(self, kinds: dict[str, Kind]) -> list[str]:
        known = [name for name in self.known_keys if name in kinds]
        candidates = [*known, *(name for name, kind in kinds.items() if kind != "number" and name not in known)]
        for count in range(len(known), len(candidates) + 1):
            if all(self._tells_apart(table, candidates[:count]) for table in "ab"):
                return candidates[:count]
        wholes = [name for name in candidates if kinds[name] == "whole"]
        if "number" not in kinds.values() and wholes:
            candidates.remove(wholes[-1])  # of a table of whole numbers, the last is what was computed
        return candidates

    def _tells_apart(self, table: str, names: list[str]) -> bool:
        if not names:
            return self._one(f"SELECT count(*) FROM {table}") <= 1
        listed = ", ".join(map(_quoted, names))
        return not self._row(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {listed} HAVING count(*) > 1 LIMIT 1)"
        )[0]

    def _join(self, common: list[str], keys: list[str]) -> None:
        """Make ``j``: every row of either, with the number that it has in each, keys once, values of both."""
        values = [name for name in common if name not in keys]
        same = " AND ".join([*(f"a.{_quoted(name)} = b.{_quoted(name)}" for name in keys), 'a."#n" = b."#n"'])
        shown = [
            'a."#" AS "#a"',
            'b."#" AS "#b"',
            'coalesce(a."#n", b."#n") AS "#n"',
            *(f"coalesce(a.{_quoted(name)}, b.{_quoted(name)}) AS {_quoted('k' + name)}" for name in keys),
            *(f"{side}.{_quoted(name)} AS {_quoted(side + name)}" for name in values for side in "ab"),
        ]
        partition = f"PARTITION BY {', '.join(map(_quoted, keys))} " if keys else ""
        numbered = {
            side: f'(SELECT *, row_number() OVER ({partition}ORDER BY "#") AS "#n" FROM {side}) {side}' for side in "ab"
        }
        joined = f"{numbered['a']} FULL OUTER JOIN {numbered['b']} ON {same}"
        self.database.execute(f"CREATE TABLE j AS SELECT {', '.join(shown)} FROM {joined}")

    def _numbers(self, name: str, keys: list[str]) -> ColumnDifference:
        x, y = (f"try_cast({_quoted(side + name)} AS DOUBLE)" for side in "ab")
        size = f"greatest(abs({x}), abs({y}))"
        known = f"isfinite({x}) AND isfinite({y})"
        allowed = f"abs({y} - {x}) <= greatest({self.nearness.relative!r} * {size}, {self.nearness.absolute!r})"
        unequal = f"{x} IS DISTINCT FROM {y}"
        beyond = f"({unequal} AND NOT coalesce({known} AND {allowed}, false))"
        compared, differing = self._row(f"SELECT count(*), count(*) FILTER ({beyond}) FROM j WHERE {_BOTH}")
        absolute, relative = f"abs({y} - {x})", f"abs({y} - {x}) / {size}"
        finite = f"{_BOTH} AND {known} AND {unequal}"
        holes = f"{_BOTH} AND {beyond} AND NOT coalesce({known}, false)"
        return ColumnDifference(
            column=name,
            kind="number",
            compared=compared,
            differing=differing,
            largest_absolute=self._place(keys, x, y, absolute, finite, f"{absolute} DESC,"),
            largest_relative=self._place(keys, x, y, relative, finite, f"{relative} DESC,"),
            example=self._place(keys, _quoted("a" + name), _quoted("b" + name), "NULL", holes) if differing else None,
        )

    def _texts(self, name: str, keys: list[str]) -> ColumnDifference:
        x, y = _quoted("a" + name), _quoted("b" + name)
        compared, differing = self._row(f"SELECT count(*), count(*) FILTER ({x} <> {y}) FROM j WHERE {_BOTH}")
        example = self._place(keys, x, y, "NULL", f"{_BOTH} AND {x} <> {y}") if differing else None
        return ColumnDifference(column=name, kind="text", compared=compared, differing=differing, example=example)

    def _place(self, keys: list[str], x: str, y: str, difference: str, where: str, order: str = "") -> Place | None:
        shown = ", ".join([*(_quoted("k" + name) for name in keys), '"#n"', x, y, difference])
        found = self.database.execute(f'SELECT {shown} FROM j WHERE {where} ORDER BY {order} "#a" LIMIT 1').fetchone()
        if found is None:
            return None
        *row, number, a, b, apart = found
        return Place(row=_named(keys, row, number), a=a, b=b, difference=apart)

    def _examples(self, side: str, keys: list[str]) -> list[dict[str, str]]:
        shown = ", ".join([*(_quoted("k" + name) for name in keys), '"#n"'])
        other = "b" if side == "a" else "a"
        query = f'SELECT {shown} FROM j WHERE "#{other}" IS NULL ORDER BY "#{side}" LIMIT {_EXAMPLES}'
        return [_named(keys, row, number) for *row, number in self.database.execute(query).fetchall()]

    def _row(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        found = self.database.execute(query, list(values)).fetchone()
        assert found is not None
        return tuple(found)

    def _one(self, query: str) -> int:
        return int(self._row(query)[0])


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(itertools.islice(file, 1)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"it cannot be read as a table: {error}") from error
    lowered = [name.lower() for name in names]
    if not names or len(set(lowered)) < len(names) or "#" in names:
        raise InvalidInput("it cannot be read as a table: its header has no names, or one twice")
    return names


def _load(database: duckdb.DuckDBPyConnection, table: str, path: Path, header: list[str]) -> None:
    types = "{" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in header) + "}"
    columns = ", ".join(f"coalesce({_quoted(name)}, '') AS {_quoted(name)}" for name in header)
    database.execute(
        f'CREATE TABLE {table} AS SELECT row_number() OVER () AS "#", {columns} FROM read_csv({_text(str(path))},'
        f" columns = {types}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"')"
    )


def _named(keys: list[str], row: Sequence[Any], number: int) -> dict[str, str]:
    """Return a row by its keys; its number stands beside them where they do not tell it apart."""
    named = {name: str(value) for name, value in zip(keys, row, strict=True)}
    return named if keys and number == 1 else named | {_ROW: str(number)}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
