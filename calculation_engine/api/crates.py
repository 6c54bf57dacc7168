"""Jobs that travel: what made their results, their crates, and jobs that come from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import Field

from calculation_engine.api.joblog import log_of
from calculation_engine.api.jobs import view_of
from calculation_engine.api.results import archive_headers, open_log
from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import job_path
from calculation_engine.api.zipstream import Entry, zip_stream
from calculation_engine.engine.archive.crate import METADATA, RECORD, Crate
from calculation_engine.engine.archive.crate_import import CrateReader
from calculation_engine.engine.explaining.provenance import provenance_of
from calculation_engine.errors import Conflict, Fault
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.files import Blob


class CrateQuery(Schema):
    """What is said in a crate besides what is known."""

    licence: str | None = Field(default=None, max_length=200, pattern=r"^[A-Za-z0-9.+-]+$|^https?://\S+$")
    """Licence of the files: an SPDX id such as `CC-BY-4.0`, or an address."""


def show_provenance(call: Call) -> Reply:
    """Answer what made a job's results: modules, environments, commands, configs, and all files by their hashes."""
    return Reply(provenance_of(call.context.database, call.load_job()))


def send_crate(call: Call) -> Reply:
    """Send a job that has ended as a Workflow Run RO-Crate: inputs, results, logs, and what made them."""
    job = call.load_job()
    database, data_dir = call.context.database, call.context.settings.data_dir
    logs = {
        step.id: _hashed(log) for step in database.steps.of_job(job.id) if (log := log_of(data_dir, step)).is_file()
    }
    crate = Crate(provenance_of(database, job), logs, call.query.licence, datetime.now(UTC))
    missing = crate.missing(call.context.store)
    if missing:
        faults = [Fault(path, "its content is not stored any more, or damaged") for path in missing]
        raise Conflict(f"job {job.id}: not all of its files are here", faults=faults)
    headers = archive_headers(f"{job.name or 'job'}-{job.id[:13]}.crate.zip")
    return Reply(headers=headers, content=zip_stream(_entries(call, crate)))


def import_job(call: Call) -> Reply:
    """Take a job in from its crate, with its id, steps, results and logs."""
    context = call.context
    reader = CrateReader(context.database, context.store, context.settings.data_dir, int(context.settings.upload_limit))
    [file] = call.body.files
    job, is_new = reader.bring_in(context.store.path(file.blob.sha256), call.owner)
    return Reply(view_of(call, job), 201 if is_new else 200, {"Location": job_path(job.id)})


def _entries(call: Call, crate: Crate) -> Generator[Entry]:
    store, time = call.context.store, crate.exported
    documents = {METADATA: crate.metadata, RECORD: crate.record, **crate.documents}
    for path, content in documents.items():
        yield Entry(path, time, len(content), content=content)
    for path, sha256 in crate.stored.items():
        yield Entry(path, time, crate.sizes[sha256], open=partial(store.open, sha256))
    steps = {step.id: step for step in call.context.database.steps.of_job(crate.provenance.job.id)}
    for path, step_id in crate.log_paths.items():
        log = log_of(call.context.settings.data_dir, steps[step_id])
        yield Entry(path, time, crate.logs[step_id].size, open=partial(open_log, log))


def _hashed(log: Path) -> Blob:
    with log.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Blob(sha256=digest.hexdigest(), size=file.tell())
