"""The files that a job left: tables as DataFrames, JSON as values, all of it as a folder."""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from calculation_engine.errors import EngineError, InvalidInput, NotFound
from calculation_engine.schemas.files import ResultFile
from calculation_engine.schemas.module import Column

if TYPE_CHECKING:
    import pandas as pd

_CSV = "text/csv"
_PARQUET = ".parquet"
_JSON_TYPES = frozenset({"application/json", "application/geo+json"})
_YAML_TYPES = frozenset({"application/yaml", "text/yaml"})


class Results:
    """A job's results by name, much as a mapping.

    A file is named by its path ``<step>/output/<file>`` or by any end of it that is unique, with or without the
    suffix: ``results["AnnualEmissions"]``. Where a table is there as CSV and as Parquet, a name without a suffix means
    the CSV.
    """

    def __init__(
        self,
        job_id: str,
        files: list[ResultFile],
        opened: Callable[[ResultFile], AbstractContextManager[Iterator[bytes]]],
        columns: Callable[[ResultFile], list[Column]],
    ) -> None:
        """Keep what is known of the files; nothing is read yet.

        Args:
            job_id: whose they are.
            files: all that there are.
            opened: gives a file's content in pieces.
            columns: gives the declared columns of a table.
        """
        self._job_id = job_id
        self._opened = opened
        self._columns = columns
        self.files = {file.path: file for file in files}

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and len(self._matches(name)) == 1

    def __repr__(self) -> str:
        return f"<Results of job {self._job_id}: {len(self.files)} files>"

    @property
    def names(self) -> list[str]:
        """Paths of all files."""
        return list(self.files)

    @property
    def tables(self) -> list[str]:
        """Paths of the files that are tables."""
        return [path for path, file in self.files.items() if _is_table(file)]

    def __getitem__(self, name: str) -> Any:
        """Return a file as what it is: a DataFrame, the value of a JSON or YAML file, a text, or bytes.

        Raises:
            NotFound: no file ends like this; near names are told.
            InvalidInput: several do.
        """
        file = self.find(name)
        if _is_table(file):
            return self.table(name)
        if file.media_type in _JSON_TYPES:
            return json.loads(self.read(name))
        if file.media_type in _YAML_TYPES:
            return yaml.safe_load(self.read(name))
        return self.read(name).decode() if file.media_type.startswith("text/") else self.read(name)

    def table(self, name: str) -> pd.DataFrame:
        """Return a CSV or Parquet file as a table, its units in ``attrs["units"]``; raises as ``[]`` does.

        Parquet needs DuckDB: ``pip install 'calculation-engine[parquet]'``.
        """
        from calculation_engine.tables import read_parquet, read_table  # here, as pandas takes a second to import

        file = self.find(name)
        if _is_parquet(file):
            with tempfile.TemporaryDirectory() as folder:
                return read_parquet(self._save(file, Path(folder) / "table"), self._columns(file), name=file.path)
        return read_table(io.BytesIO(self.read(file.path)), self._columns(file), name=file.path)

    def read(self, name: str) -> bytes:
        """Return a file's bytes, checked against its hash; raises as ``[]`` does."""
        file = self.find(name)
        with self._opened(file) as chunks:
            content = b"".join(chunks)
        _check(file, hashlib.sha256(content).hexdigest())
        return content

    def save(self, folder: Path | str) -> list[Path]:
        """Write all files below a folder as ``<step>/output/<file>`` and return their paths.

        Raises:
            EngineError: a file came with other bytes than its hash says; it is not left behind.
        """
        return [self._save(file, Path(folder) / file.path) for file in self.files.values()]

    def find(self, name: str) -> ResultFile:
        """Return the file that a name means; raises as ``[]`` does."""
        matches = self._matches(name)
        if len(matches) > 1:
            listed = ", ".join(file.path for file in matches[:10])
            raise InvalidInput(f"job {self._job_id}: {name!r} means several files", hint=f"name one of: {listed}")
        if not matches:
            known = [name for path in self.files for name in (path, PurePosixPath(path).stem)]
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(self.files) or 'none'}"
            raise NotFound(f"job {self._job_id} has no result {name!r}", hint=hint)
        return matches[0]

    def _matches(self, name: str) -> list[ResultFile]:
        if name in self.files:
            return [self.files[name]]
        whole = [file for path, file in self.files.items() if path.endswith(f"/{name}")]
        found = whole or [
            file for path, file in self.files.items() if f"/{path}".endswith(f"/{name}{PurePosixPath(path).suffix}")
        ]
        others = {file.path for file in found if not _is_parquet(file)}
        return [file for file in found if not _is_parquet(file) or f"{file.path[: -len(_PARQUET)]}.csv" not in others]

    def _save(self, file: ResultFile, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        digest = hashlib.sha256()
        try:
            with self._opened(file) as chunks, partial.open("wb") as stream:
                for chunk in chunks:
                    digest.update(chunk)
                    stream.write(chunk)
            _check(file, digest.hexdigest())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return target


def _is_table(file: ResultFile) -> bool:
    return file.media_type == _CSV or file.path.lower().endswith(".csv") or _is_parquet(file)


def _is_parquet(file: ResultFile) -> bool:
    return file.path.endswith(_PARQUET)


def _check(file: ResultFile, sha256: str) -> None:
    if sha256 != file.sha256:
        message = f"{file.path}: expected content with sha256 {file.sha256}, got {sha256}"
        raise EngineError(message, hint="fetch it again")
