"""Takes a job in that ended on another machine, from its crate; nothing in a crate is believed unseen."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calculation_engine.db.database import Database
from calculation_engine.db.imported import ImportedJob, ImportedStep
from calculation_engine.db.rows import JobRow, NewOutput, NewRun, RowEnd, names_of
from calculation_engine.engine.archive.crate import METADATA, RECORD
from calculation_engine.engine.steps.keys import step_key
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.errors import Fault, InvalidInput, TooLarge, pydantic_faults
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.provenance import MadeStep, Provenance
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.store import Store
from calculation_engine.store.archive import member_faults
from calculation_engine.store.files import CHUNK_BYTES

_HINT = "nothing was stored; export the job again and send the file as it is"
_RECORD_BYTES = 256 << 20
_PREFIX = f"{RECORD}: "
#: Columns that are filled with something else than what the record says.
_APART = {"outputs", "run", "spec"}


@dataclass(frozen=True)
class CrateReader:
    """Takes crates in."""

    database: Database
    store: Store
    data_dir: Path
    most_bytes: int
    """Of all files of a crate together."""

    def bring_in(self, file: Path, owner: str) -> tuple[JobRow, bool]:
        """Store the job of a crate with its steps, results and logs, and return it and whether it is new here.

        Args:
            file: the crate, a zip archive.
            owner: whose it is from now on.

        Raises:
            InvalidInput: with everything that is wrong with it: paths that lead out of it, files that are absent or
                have another content than it says, a record that contradicts itself.
            TooLarge: its files have more bytes than allowed.
            Conflict: its id belongs to another job here.
        """
        try:
            with zipfile.ZipFile(file) as archive:
                record = self._record(archive)
                self._refuse(_contradictions(record))
                self._refuse(list(self._store_files(archive, record)))
                self._store_logs(archive, record)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError) as error:
            raise InvalidInput(f"the crate cannot be read as a zip archive: {error}", hint=_HINT) from error
        for content_hash, files in record.contents.items():
            if files:
                self.database.history.note_content(content_hash, dict(files))
        return self.database.jobs.bring_in(_job_of(record, owner))

    def _record(self, archive: zipfile.ZipFile) -> Provenance:
        members = [info for info in archive.infolist() if not info.is_dir()]
        faults = member_faults(members)
        present = {info.filename for info in members}
        faults += [
            Fault(name, "it is not in the crate", "only what this system exports can be taken in")
            for name in (METADATA, RECORD)
            if name not in present
        ]
        self._refuse(faults)
        content = _read(archive, RECORD)
        said = _said_of(_read(archive, METADATA), RECORD)
        if said != hashlib.sha256(content).hexdigest():
            self._refuse(
                [Fault(RECORD, f"its sha256 is not the one in {METADATA}, {said}: one of the two was changed")]
            )
        try:
            return Provenance.model_validate_json(content)
        except ValidationError as error:
            raise InvalidInput(
                "the crate cannot be taken in",
                hint="it was written by another version of the system, or by hand",
                faults=[Fault(_PREFIX + f.path, f.message, f.hint) for f in pydantic_faults(error.errors())][:100],
            ) from error

    def _store_files(self, archive: zipfile.ZipFile, record: Provenance) -> Iterator[Fault]:
        """Store all files, and yield what is wrong with them."""
        if sum(blob.size for blob in record.archive.values()) > self.most_bytes:
            raise TooLarge(f"the crate: its files have more than the {self.most_bytes} bytes that are allowed")
        present = set(archive.namelist())
        for path, blob in record.archive.items():
            if path not in present:
                yield Fault(path, "it is not in the crate")
                continue
            try:
                if not self._store_file(archive, path, blob):
                    yield Fault(path, f"its content is not the one with sha256 {blob.sha256} and {blob.size} bytes")
            except zipfile.BadZipFile as error:
                yield Fault(path, f"damaged: {error}")

    def _store_file(self, archive: zipfile.ZipFile, path: str, blob: Blob) -> bool:
        digest = hashlib.sha256()
        with archive.open(path) as member, self.store.writer() as writer:
            while (chunk := member.read(CHUNK_BYTES)) and writer.size <= blob.size:
                digest.update(chunk)
                writer.write(chunk)
            if (writer.size, digest.hexdigest()) != (blob.size, blob.sha256):
                return False
            writer.commit()
        return True

    def _store_logs(self, archive: zipfile.ZipFile, record: Provenance) -> None:
        for step in record.steps:
            if (name := f"{step.path}/log.txt") not in record.archive:
                continue
            target = step_log(self.data_dir, step.id)
            if target.exists():
                continue  # it is here already: the job was brought here before
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".partial")
            with archive.open(name) as member, partial.open("wb") as file:
                while chunk := member.read(CHUNK_BYTES):
                    file.write(chunk)
            partial.rename(target)

    def _refuse(self, faults: list[Fault]) -> None:
        if faults:
            raise InvalidInput("the crate cannot be taken in", hint=_HINT, faults=faults)


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        content = member.read(_RECORD_BYTES + 1)
    if len(content) > _RECORD_BYTES:
        raise TooLarge(f"the crate: {name} has more than {_RECORD_BYTES} bytes")
    return content


def _said_of(metadata: bytes, name: str) -> str | None:
    """Return the sha256 that a crate's metadata says a file has."""
    try:
        graph = json.loads(metadata)["@graph"]
        entity = next(entity for entity in graph if entity.get("@id") == name)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
        fault = Fault(METADATA, f"it is no RO-Crate metadata that describes {name}")
        raise InvalidInput("the crate cannot be taken in", hint=_HINT, faults=[fault]) from error
    return str(entity.get("sha256"))


def _contradictions(record: Provenance) -> list[Fault]:
    """Return what a record says that cannot all be true."""
    try:
        Workflow.model_validate(record.job.workflow)
        faults = []
    except ValidationError as error:
        faults = pydantic_faults(error.errors(), "job.workflow")
    for name in ("id", "path"):
        counted = Counter(getattr(step, name) for step in record.steps)
        faults += [Fault(f"steps.{value}", f"two steps have this {name}") for value, n in counted.items() if n > 1]
    rows = Counter((row.sweep, row.number) for row in record.rows)
    faults += [Fault(f"rows.{sweep}/{number}", "it stands there twice") for (sweep, number), n in rows.items() if n > 1]
    contents = {(blob.sha256, blob.size) for blob in record.archive.values()}
    named = [(f"job.files.{place}.{path}", b) for place, files in record.job.files.items() for path, b in files.items()]
    for step in record.steps:
        where = f"steps.{step.path}"
        named += [(f"{where}.files.{path}", blob) for path, blob in step.files.items()]
        named += [(f"{where}.outputs.{file.path}", file) for file in step.outputs]
        faults += _step_faults(step, where)
    faults += [
        Fault(where, f"no file of the crate has its content, sha256 {blob.sha256}")
        for where, blob in named
        if (blob.sha256, blob.size) not in contents
    ]
    return [Fault(_PREFIX + fault.path, fault.message, fault.hint) for fault in faults]


def _step_faults(step: MadeStep, where: str) -> list[Fault]:
    faults = []
    if step.spec is not None:
        try:
            StepSpec.model_validate(step.spec)
        except ValidationError as error:
            faults += pydantic_faults(error.errors(), f"{where}.spec")
    if step.key is None:
        return faults
    made = step.made_from
    if made is None or step.command is None:
        return [*faults, Fault(f"{where}.key", "it has a key, but not what that is made of")]
    key = step_key(
        content_hash=made.content_hash,
        environment_id=made.environment,
        command=step.command,
        config=step.config,
        files=step.files,
    )
    if key != step.key:
        faults.append(Fault(f"{where}.key", "it is not the key of this module, environment, command, config and files"))
    return faults


def _job_of(record: Provenance, owner: str) -> ImportedJob:
    job = record.job
    apart = {"owner", "origin", "steps", "files", "rows"}
    came: dict[str, Any] = {"kind": "import", "owner": job.owner, "engine": record.engine}
    came |= {"slot": job.slot} if job.slot else {}
    came |= {"origin": job.origin} if job.origin else {}
    return ImportedJob(
        **{name: getattr(job, name) for name in names_of(ImportedJob) if name not in apart},
        owner=owner,
        origin=came,
        steps=[_step_of(step) for step in record.steps],
        files=dict(job.files),
        rows=[RowEnd(**{name: getattr(row, name) for name in names_of(RowEnd)}) for row in record.rows],
    )


def _step_of(step: MadeStep) -> ImportedStep:
    made = step.made_from
    return ImportedStep(
        **{name: getattr(step, name) for name in names_of(ImportedStep) if name not in _APART},
        spec=step.spec,
        outputs=[NewOutput(f.path, f.sha256, f.size, f.label, f.media_type) for f in step.outputs],
        run=NewRun(made.content_hash, made.environment, {"word": "imported"}) if made else None,
    )
