"""Gathers what made a job's results."""

from __future__ import annotations

from typing import Any

from calculation_engine import __version__
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, OutputFile, RowEnd, names_of
from calculation_engine.engine.explaining.jobsides import Made, load_side
from calculation_engine.errors import Conflict
from calculation_engine.schemas.provenance import MadeFrom, MadeJob, MadeOutput, MadeRow, MadeStep, Provenance
from calculation_engine.states import ENDED

_STEP = (
    "id", "path", "process", "module", "module_version", "executor", "config", "files", "resources", "cpu",
    "memory_bytes", "retry", "reuse", "state", "reason", "message", "fraction", "attempt", "host", "image", "key",
    "reused_from", "verdict", "scalars", "exit_code", "cpu_seconds", "peak_memory_bytes", "queued", "started", "ended",
)  # fmt: skip
_JOB = (
    "id", "owner", "name", "description", "tags", "slot", "state", "reason", "message", "priority", "created",
    "started", "ended", "request_hash", "workflow", "loops", "origin",
)  # fmt: skip
#: Where a module's files stand on this machine: of no use elsewhere, and nobody's business there.
_OF_THIS_MACHINE: dict[str, Any] = {"folder": "", "shared": [], "requirements": None}


def provenance_of(database: Database, job: JobRow) -> Provenance:
    """Return what made the results of a job.

    Raises:
        Conflict: it has not ended.
    """
    if job.state not in ENDED:
        raise Conflict(f"job {job.id} is {job.state}", hint="what made its results can be told when it has ended")
    side = load_side(database, job, None)
    contents: dict[str, dict[str, str]] = {}
    for made in side.made.values():
        if made.run is not None and made.run.content_hash not in contents:
            contents[made.run.content_hash] = database.history.content(made.run.content_hash) or {}
    return Provenance(
        engine=__version__,
        job=MadeJob(**{name: getattr(job, name) for name in _JOB}, files=database.jobs.all_files(job.id)),
        steps=[_step(made, side.outputs.get(made.step.id, [])) for made in side.made.values()],
        rows=[
            MadeRow(**{name: getattr(end, name) for name in names_of(RowEnd)}) for end in database.sweeps.ends(job.id)
        ],
        contents=contents,
    )


def _step(made: Made, outputs: list[OutputFile]) -> MadeStep:
    step, source = made.step, made.source
    spec = (source.spec if source else None) or step.spec
    run = made.run
    return MadeStep(
        **{name: getattr(step, name) for name in _STEP},
        command=spec["command"] if spec else None,
        spec=spec | _OF_THIS_MACHINE if spec else None,
        made_from=MadeFrom(content_hash=run.content_hash, environment=run.environment) if run else None,
        outputs=[
            MadeOutput(path=f.path, sha256=f.sha256, size=f.size, label=f.label, media_type=f.media_type)
            for f in sorted(outputs, key=lambda file: file.path)
        ],
    )
