"""A job that has ended and whose files are here: nothing is asked of a server any more."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calculation_engine.client.job import Job
from calculation_engine.client.record import Record
from calculation_engine.client.results import Results
from calculation_engine.schemas.files import ResultFile

_CHUNK_BYTES = 1 << 20


class Finished(Record):
    """A job that has ended, with its results and log in a folder."""

    def __init__(self, job: Job, folder: Path | None = None) -> None:
        """Fetch a job's files.

        Args:
            job: one that has ended.
            folder: where its results are put; none: a temporary one that goes with this object.
        """
        super().__init__(job.view)
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="calculation-engine-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.folder = folder
        job.results.save(self.folder)
        self.log = job.log()
        columns = {path: job.columns(file) for path, file in job.results.files.items()}
        self.results = Results(self.id, list(job.results.files.values()), self._read, lambda file: columns[file.path])

    @contextmanager
    def _read(self, file: ResultFile) -> Iterator[Iterator[bytes]]:
        with (self.folder / file.path).open("rb") as stream:
            yield iter(lambda: stream.read(_CHUNK_BYTES), b"")
