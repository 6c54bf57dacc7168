"""Two results file by file: tables and JSON by their numbers, everything else by its hash."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calculation_engine.comparison.documents import compare_documents, without
from calculation_engine.comparison.sentences import file_sentence
from calculation_engine.comparison.tables import compare_tables
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.comparison import DocumentDifference, FileDifference, TableDifference
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.module import Column
from calculation_engine.schemas.reuse import Nearness

_TABLE_TYPES = frozenset({"text/csv"})
_JSON_TYPES = frozenset({"application/json", "application/geo+json"})
#: Longer JSON documents are compared by their hash: they would have to be held in memory whole.
_MOST_JSON_BYTES = 64 << 20


@dataclass(frozen=True)
class Result:
    """One file that a run left."""

    blob: Blob
    media_type: str
    columns: Sequence[Column] = ()
    varies: Sequence[str] = ()
    """JSON pointers of what is left out of a comparison."""
    keys: Sequence[str] = ()
    """Columns by which the rows of a table are known, whatever their numbers."""


@dataclass(frozen=True)
class Comparer:
    """Compares the files of two runs.

    Args:
        path: where a content is on disk.
        nearness: how far numbers may lie apart.
        scratch: folder for scratch databases.
    """

    path: Callable[[str], Path]
    nearness: Nearness
    scratch: Path

    def compare(self, a: Mapping[str, Result], b: Mapping[str, Result]) -> Iterator[FileDifference]:
        """Yield every file of either, by path."""
        for path in sorted({*a, *b}):
            yield self._file(path, a.get(path), b.get(path))

    def _file(self, path: str, a: Result | None, b: Result | None) -> FileDifference:
        one = a or b
        assert one is not None
        kind = _kind(path, one.media_type)
        found = FileDifference(
            path=path, state="same", kind=kind, sentence="", a=a.blob if a else None, b=b.blob if b else None
        )
        if a is None or b is None:
            found.state = "only_b" if a is None else "only_a"
        elif a.blob.sha256 != b.blob.sha256:
            self._contents(found, a, b)
        found.sentence = found.sentence or file_sentence(found, self.nearness)
        return found

    def _contents(self, found: FileDifference, a: Result, b: Result) -> None:
        found.state = "differs"
        try:
            if found.kind == "table":
                found.table = self._tables(a, b)
                found.state = "close" if found.table.is_same else "differs"
            elif found.kind == "json":
                found.document = self._documents(a, b)
                found.state = "close" if not found.document.differing else "differs"
        except InvalidInput as error:
            found.sentence = f"its bytes differ; {error.message}"

    def _tables(self, a: Result, b: Result) -> TableDifference:
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            paths = (self.path(a.blob.sha256), self.path(b.blob.sha256))
            return compare_tables(*paths, a.columns or b.columns, self.nearness, Path(folder), a.keys)

    def _documents(self, a: Result, b: Result) -> DocumentDifference:
        if max(a.blob.size, b.blob.size) > _MOST_JSON_BYTES:
            raise InvalidInput(
                f"a JSON document longer than {_MOST_JSON_BYTES >> 20} MiB is compared by its hash alone"
            )
        varies = {*a.varies, *b.varies}
        return compare_documents(without(self._json(a), varies), without(self._json(b), varies), self.nearness)

    def _json(self, result: Result) -> Any:
        try:
            return json.loads(self.path(result.blob.sha256).read_bytes())
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"it cannot be read as JSON: {error}") from error


def _kind(path: str, media_type: str) -> Any:
    plain = media_type.partition(";")[0].strip().lower()
    if plain in _TABLE_TYPES or path.lower().endswith(".csv"):
        return "table"
    return "json" if plain in _JSON_TYPES or path.lower().endswith(".json") else "file"
