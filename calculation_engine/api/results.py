"""Results: listed, sent one by one, or all as an archive. To a browser they are hostile."""

from __future__ import annotations

import re
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from calculation_engine.api.joblog import log_of
from calculation_engine.api.ranges import Span, matches, wanted_span
from calculation_engine.api.routes import Call, Reply
from calculation_engine.api.views import job_view, result_files
from calculation_engine.api.zipstream import Entry, zip_stream
from calculation_engine.db.rows import JobRow
from calculation_engine.engine.archive.crate import RECORD
from calculation_engine.engine.explaining.provenance import provenance_of
from calculation_engine.errors import NotFound
from calculation_engine.schemas.files import ResultFile
from calculation_engine.states import ENDED
from calculation_engine.store.files import CHUNK_BYTES

#: What a browser may show in place; anything else is saved.
_SHOWN = frozenset({"text/csv", "text/plain", "application/json", "image/png"})
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)


def list_results(call: Call) -> Reply:
    """Answer all files that the steps have left so far."""
    return Reply(_files(call, call.load_job()))


def send_result(call: Call) -> Reply:
    """Send one file, or a range of it."""
    job = call.load_job()
    path = call.path["path"]
    files = _files(call, job)
    file = next((file for file in files if file.path == path), None)
    if file is None:
        below = [file.path for file in files if file.path.startswith(path.rstrip("/") + "/")]
        names = ", ".join((below or [file.path for file in files])[:20]) or "none yet"
        raise NotFound(f"job {job.id} has no result {path!r}", hint=f"its results: {names}")
    etag = f'"{file.sha256}"'
    headers = _headers_of(file) | {"ETag": etag}
    if matches(call.headers, etag):
        return Reply(status=304, headers={"ETag": etag})
    span = wanted_span(call.headers, file.size, etag)
    source = call.context.store.open(file.sha256)
    return Reply(status=span.status, headers=headers | span.headers, content=_read(source, span))


def send_archive(call: Call) -> Reply:
    """Send everything of a job as one zip, made while it is sent."""
    job = call.load_job()
    headers = archive_headers(f"{job.name or 'job'}-{job.id[:13]}.zip")
    return Reply(headers=headers, content=zip_stream(_entries(call, job)))


def archive_headers(name: str) -> dict[str, str]:
    """Return the headers of an archive that is made while it is sent."""
    return {
        "Content-Type": "application/zip",
        "Content-Disposition": _disposition("attachment", name),
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "no-store",
    }


def _entries(call: Call, job: JobRow) -> Generator[Entry]:
    store, steps = call.context.store, call.context.database.steps.of_job(job.id)
    document = job_view(job, steps).model_dump_json(indent=2).encode() + b"\n"
    yield Entry("job.json", job.ended or job.created, len(document), content=document)
    if job.state in ENDED:
        made = provenance_of(call.context.database, job).model_dump_json(indent=1).encode() + b"\n"
        yield Entry(RECORD, job.ended or job.created, len(made), content=made)
    for file in result_files(job.id, steps, call.context.database.steps.outputs(job.id)):
        yield Entry(file.path, job.ended or job.created, file.size, open=partial(store.open, file.sha256))
    for step in steps:
        log = log_of(call.context.settings.data_dir, step)
        if log.is_file():
            size = log.stat().st_size
            yield Entry(f"{step.path}/log.txt", step.ended or job.created, size, open=partial(open_log, log))


def open_log(log: Path) -> BinaryIO:
    """Open a log for reading."""
    return log.open("rb")


def _files(call: Call, job: JobRow) -> list[ResultFile]:
    steps = call.context.database.steps
    return result_files(job.id, steps.of_job(job.id), steps.outputs(job.id))


def _headers_of(file: ResultFile) -> dict[str, str]:
    media_type = file.media_type.partition(";")[0].strip().lower()
    media_type = media_type if _TYPE.fullmatch(media_type) else "application/octet-stream"
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return {
        "Content-Type": media_type + charset,
        "Content-Disposition": _disposition(
            "inline" if media_type in _SHOWN else "attachment", file.path.rpartition("/")[2]
        ),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }


def _disposition(kind: str, name: str) -> str:
    plain = re.sub(r"[^\w.+-]", "_", name, flags=re.ASCII)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _read(source: BinaryIO, span: Span) -> Generator[bytes]:
    """Yield a file's bytes. A whole file's hash is checked before the last of them goes out; a range has none."""
    with source:
        if span.partial:
            _skip(source, span.start)
        left = span.stop - span.start
        last = b""
        while left > 0 and (chunk := source.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            if last:
                yield last
            last = chunk
        if not span.partial:
            source.read(1)
        if last:
            yield last


def _skip(source: BinaryIO, count: int) -> None:
    while count > 0 and (chunk := source.read(min(CHUNK_BYTES, count))):
        count -= len(chunk)
