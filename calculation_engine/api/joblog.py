"""What a job's steps print: as text, by range or from the end, and while it is printed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from calculation_engine.api.ranges import wanted_span
from calculation_engine.api.routes import Call, Reply
from calculation_engine.db.rows import JobRow, StepRow
from calculation_engine.engine.steps.paths import earlier_log, step_log
from calculation_engine.errors import NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.states import ENDED
from calculation_engine.store.files import CHUNK_BYTES

TEXT_TYPE = "text/plain; charset=utf-8"
_BLOCK_BYTES = 1 << 16
_LOOK_SECONDS = 0.25


class LogQuery(Schema):
    """Which part of the log."""

    step: str | None = None
    """Path of the one step that is meant."""
    tail: int | None = Field(default=None, ge=1, le=1_000_000)
    """Number of lines from the end."""
    attempt: int | None = Field(default=None, ge=1, le=1000)
    """Number of an attempt that was lost, whose log is meant; none: the current or last one."""
    follow: bool = False
    """Whether to go on with what is printed from now on, until the job has ended."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a log: so many bytes of a file, or a heading."""

    size: int
    file: Path | None = None
    heading: bytes = b""

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop``; fewer where the file was deleted meanwhile."""
        if self.file is None:
            return self.heading[start:stop]
        try:
            with self.file.open("rb") as file:
                file.seek(start)
                return file.read(stop - start)
        except FileNotFoundError:
            return b""


@dataclass(frozen=True)
class Log:
    """The logs of some steps, one after the other, as long as they were at one moment."""

    pieces: Sequence[Piece]

    @property
    def size(self) -> int:
        """Length in bytes."""
        return sum(piece.size for piece in self.pieces)

    def read(self, start: int, stop: int) -> Generator[bytes]:
        """Yield the bytes from ``start`` to ``stop``, a chunk at a time."""
        for piece in self.pieces:
            first, last = max(start, 0), min(stop, piece.size)
            while first < last:
                yield piece.read(first, min(first + CHUNK_BYTES, last))
                first += CHUNK_BYTES
            start, stop = start - piece.size, stop - piece.size

    def start_of_tail(self, lines: int) -> int:
        """Return where the last so many lines begin; it reads no more than these."""
        stop = size = self.size
        left = lines
        while stop > 0:
            start = max(0, stop - _BLOCK_BYTES)
            block = b"".join(self.read(start, stop))
            position = len(block)
            while (position := block.rfind(b"\n", 0, position)) >= 0:
                if start + position == size - 1:
                    continue  # the end of the last line begins no other
                left -= 1
                if left == 0:
                    return start + position + 1
            stop = start
        return 0


async def show_log(call: Call) -> Reply:
    """Answer what was printed so far, or what is being printed."""
    query: LogQuery = call.query
    job, steps = await call.run(_load, call)
    titled = query.step is None and (len(job.workflow["processes"]) > 1 or len(steps) > 1)
    log: Log = await call.run(_measure, call, steps, titled)
    headers = {"Content-Type": TEXT_TYPE, "Cache-Control": "no-store", "Content-Security-Policy": "sandbox"}
    tail = await call.run(log.start_of_tail, query.tail) if query.tail else 0
    if query.follow:
        headers["X-Accel-Buffering"] = "no"
        return Reply(headers=headers, content=_follow(call, job.id, log, tail, titled=titled))
    if query.tail:
        headers["Content-Length"] = str(log.size - tail)
        return Reply(headers=headers, content=log.read(tail, log.size))
    span = wanted_span(call.headers, log.size)
    return Reply(status=span.status, headers=headers | span.headers, content=log.read(span.start, span.stop))


def log_of(data_dir: Path, step: StepRow, attempt: int | None = None) -> Path:
    """Return the file with what a step printed, or what the step printed whose result was taken."""
    if attempt is not None and attempt < step.attempt:
        return earlier_log(data_dir, step.id, attempt)
    return step_log(data_dir, step.reused_from or step.id)


def _load(call: Call) -> tuple[JobRow, list[StepRow]]:
    job = call.load_job()
    return job, _chosen(call, job.id)


def _chosen(call: Call, job_id: str) -> list[StepRow]:
    steps = call.context.database.steps.of_job(job_id)
    wanted = call.query.step
    chosen = [step for step in steps if wanted is None or wanted in {step.path, step.id}]
    if wanted is not None and not chosen:
        paths = ", ".join(step.path for step in steps) or "none yet"
        raise NotFound(f"job {job_id} has no step {wanted!r}", hint=f"its steps: {paths}")
    return chosen


def _measure(call: Call, steps: Sequence[StepRow], titled: bool) -> Log:
    pieces = []
    for step in steps:
        if titled:
            heading = _heading(step)
            pieces.append(Piece(len(heading), heading=heading))
        file = log_of(call.context.settings.data_dir, step, call.query.attempt)
        pieces.append(Piece(_size(file), file))
    return Log(pieces)


async def _follow(call: Call, job_id: str, log: Log, start: int, *, titled: bool) -> AsyncGenerator[bytes]:
    """Yield the log from ``start`` on, then what the steps print, each under its heading, until they have ended."""
    content = log.read(start, log.size)
    while (chunk := await call.run(next, content, None)) is not None:
        yield chunk
    offsets = {piece.file: piece.size for piece in log.pieces if piece.file}
    told = log.pieces[-1].file if log.pieces else None
    while True:
        steps, ended = await call.run(_look, call, job_id)
        for step in steps:
            file = log_of(call.context.settings.data_dir, step)
            while chunk := await call.run(_read_on, file, offsets.get(file, 0)):
                if titled and file != told:
                    yield _heading(step)
                told = file
                offsets[file] = offsets.get(file, 0) + len(chunk)
                yield chunk
        if ended or await call.pause(_LOOK_SECONDS):
            return


def _look(call: Call, job_id: str) -> tuple[list[StepRow], bool]:
    """Return the steps, and whether nothing will be printed any more; their logs are complete then."""
    job = call.context.database.jobs.get(job_id)
    steps = _chosen(call, job_id)
    one_ended = call.query.step is not None and all(step.state in ENDED for step in steps)
    return steps, job.state in ENDED or one_ended


def _read_on(file: Path, offset: int) -> bytes:
    return Piece(CHUNK_BYTES, file).read(offset, offset + CHUNK_BYTES)


def _heading(step: StepRow) -> bytes:
    return f"==> {step.path} <==\n".encode()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
