"""One database and data folder, the engines that share them, and the place where nothing really runs."""

from __future__ import annotations

import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ByteSize

from calculation_engine.db.database import Database
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import metadata
from calculation_engine.engine.intake.rerunning import Rerunner
from calculation_engine.engine.intake.submission import Submission
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.store import Store
from tests.integration.conftest import PROGRAMS
from tests.integration.scheduling.world import Life, World


@cache
def _template() -> Path:
    file = Path(tempfile.mkdtemp(prefix="scheduling")) / "empty.sqlite"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    return file


@cache
def catalogue() -> Catalogue:
    """Return the test programs as modules; read once."""
    return Catalogue([PROGRAMS])


class Cluster:
    """What users and engines share, and a way to start more engines."""

    def __init__(self, folder: Path, database_url: str | None = None, **settings: Any) -> None:
        """``database_url``: of a migrated database, which is emptied; None: a SQLite file of its own."""
        if database_url is None:
            shutil.copy(_template(), folder / "calculation-engine.sqlite")
        chosen: dict[str, Any] = {"cpus": 3, "memory": ByteSize(4 << 30), "steps_at_once": 4, "lease_seconds": 3600}
        chosen |= {"database": database_url} if database_url else {}
        self.settings = Settings(data_dir=folder, **(chosen | settings))
        self.world = World()
        self.store = Store(folder)
        self.database = Database(self.settings.database_url)
        self._writing = threading.Lock() if database_url is None else self.database.sessions._writing
        self.database.sessions._writing = self._writing
        if database_url is not None:
            self._empty()
        self.submission = Submission(self.database, self.store, catalogue(), self.settings, ["local"])
        self.lives: list[Life] = []

    def _empty(self) -> None:
        def work(tx: Transaction) -> None:
            for table in reversed(metadata.sorted_tables):
                tx.run(table.delete())

        self.database.sessions.write(work)

    @property
    def alive(self) -> list[Life]:
        """The engines that live, oldest first."""
        return [life for life in self.lives if not life.is_dead]

    def start_engine(self) -> Life:
        """Start one more engine."""
        self.lives.append(Life(self.world, self.settings, self.store, catalogue(), self._writing))
        return self.lives[-1]

    def submit(self, body: dict[str, Any], owner: str = "ada") -> str:
        """Store a job and return its id."""
        return self.submission.submit(JobRequest.model_validate(body), owner)[0].id

    def rerun(self, job_id: str, owner: str = "ada") -> str:
        """Store a job that repeats another and return its id."""
        return Rerunner(self.submission).rerun(self.database.jobs.get(job_id), owner).id

    def close(self) -> None:
        """Leave no thread and no connection."""
        for life in self.lives:
            life.close()
        self.database.close()
