"""Turns the inputs that a request names into stored files below ``input/``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput
from calculation_engine.errors import CalculationEngineError, Conflict, Fault, InvalidInput
from calculation_engine.modules.checks import place, table_faults
from calculation_engine.schemas.files import Blob, result_path
from calculation_engine.schemas.module import Manifest, Slot
from calculation_engine.schemas.workflow import InlineInput, Input, JobInput, PartInput, Process, UploadInput
from calculation_engine.settings import Settings
from calculation_engine.states import State
from calculation_engine.store import Store
from calculation_engine.store.archive import is_zip, unpack_zip
from calculation_engine.store.files import CHUNK_BYTES

_MD5_DIGITS = 32


@dataclass(frozen=True)
class Inputs:
    """Finds, checks and places the files that a job's processes read."""

    database: Database
    store: Store
    settings: Settings
    parts_follow: bool = False
    """Whether files that come with a request are not looked for: it is only checked."""

    def resolve(
        self, process: Process, manifest: Manifest, owner: str, path: str
    ) -> tuple[dict[str, Blob], list[Fault]]:
        """Return the files of a process's own inputs by their path below ``input/``, and all that is wrong with them.

        Args:
            process: whose ``inputs`` are meant; its pipes are filled when what they name has ended.
            manifest: of its module.
            owner: whose uploads and jobs may be read.
            path: where the process stands in the request.
        """
        files: dict[str, Blob] = {}
        faults: list[Fault] = []
        for label, given in process.inputs.items():
            slot = manifest.find_input(label)
            if slot is None or (self.parts_follow and isinstance(given, PartInput)):
                continue
            where = f"{path}.inputs.{label}"
            try:
                placed = self._placed(slot, self._given(given, slot, owner))
                faults += self._table_faults(slot, placed, where)
                files |= placed
            except InvalidInput as error:
                faults += [Fault(f"{where}/{f.path}", f.message, f.hint) for f in error.faults] or [
                    _fault(error, where)
                ]
            except CalculationEngineError as error:
                faults.append(_fault(error, where))
            except ValueError as error:
                faults.append(Fault(where, str(error), slot.description or None))
        return files, faults

    def from_outputs(self, slot: Slot, outputs: Sequence[NewOutput], output: Slot) -> dict[str, Blob]:
        """Return the files of an input that a pipe fills from another step's outputs.

        Args:
            slot: the input.
            outputs: all files that the other step left.
            output: the declared output that is meant.

        Raises:
            InvalidInput: the step left nothing under that label, or it does not fit the input.
        """
        chosen = {
            _inner_path(output, file.path): Blob(sha256=file.sha256, size=file.size)
            for file in outputs
            if file.label == output.label
        }
        if not chosen:
            raise InvalidInput(f"input {slot.label!r}: the step before has left no output {output.label!r}")
        try:
            placed = self._placed(slot, chosen)
        except ValueError as error:
            raise InvalidInput(f"input {slot.label!r}: output {output.label!r} does not fit: {error}") from error
        faults = self._table_faults(slot, placed, f"inputs.{slot.label}")
        if faults:
            raise InvalidInput(f"input {slot.label!r}: output {output.label!r} does not fit", faults=faults)
        return placed

    def _given(self, given: Input, slot: Slot, owner: str) -> dict[str, Blob]:
        if isinstance(given, InlineInput):
            return {PurePosixPath(slot.path).name: self.store.put(given.text.encode())}
        if isinstance(given, UploadInput):
            return self._uploaded(given, slot, owner)
        if isinstance(given, JobInput):
            return self._of_job(given, owner)
        raise InvalidInput(
            f"part {given.name!r}: the request has no such part", hint="send the files as multipart/form-data"
        )

    def _uploaded(self, given: UploadInput, slot: Slot, owner: str) -> dict[str, Blob]:
        upload = self.database.uploads.get(str(given.uuid))
        if upload.owner != owner:
            raise InvalidInput(f"there is no upload {given.uuid}")
        self._check_sum(f"upload {given.uuid}", upload.sha256, given.checksum)
        is_archive = is_zip(self.store.path(upload.sha256))
        if slot.kind == "file" and slot.media_type.startswith("text/") and is_archive:
            raise InvalidInput(f"expected one file of text, got the archive {upload.name}: of a folder?")
        if slot.kind != "file" and is_archive:
            limits = {"most_bytes": int(self.settings.upload_limit), "most_files": self.settings.upload_files_limit}
            return unpack_zip(self.store, self.store.path(upload.sha256), **limits)
        return {_plain_name(upload.name, slot): Blob(sha256=upload.sha256, size=upload.size)}

    def _of_job(self, given: JobInput, owner: str) -> dict[str, Blob]:
        job = self.database.jobs.get(str(given.uuid))
        if job.owner != owner:
            raise InvalidInput(f"there is no job {given.uuid}")
        if job.state is not State.SUCCEEDED:
            raise Conflict(f"job {given.uuid} is {job.state}; only the results of a succeeded job can be read")
        steps = {step.id: step for step in self.database.steps.of_job(job.id)}
        files = {
            result_path(steps[file.step_id].path, steps[file.step_id].module, file.path): Blob(
                sha256=file.sha256, size=file.size
            )
            for file in self.database.steps.outputs(job.id)
        }
        if given.path in files:
            blob = files[given.path]
            self._check_sum(f"{given.path} of job {given.uuid}", blob.sha256, given.checksum)
            return {PurePosixPath(given.path).name: blob}
        inside = {
            path.removeprefix(given.path + "/"): blob
            for path, blob in files.items()
            if path.startswith(given.path + "/")
        }
        if inside and given.checksum is not None:
            raise InvalidInput(
                f"{given.path} of job {given.uuid} is a folder of {len(inside)} files, and has no checksum",
                hint="leave the checksum out, or name one file",
            )
        if not inside:
            raise InvalidInput(
                f"job {given.uuid} has no result {given.path}", hint=f"it has: {', '.join(sorted(files)[:20])}"
            )
        return inside

    def _check_sum(self, what: str, sha256: str, wanted: str | None) -> None:
        if wanted is None or wanted == sha256:
            return
        if len(wanted) == _MD5_DIGITS:
            with self.store.open(sha256) as file:
                digest = hashlib.md5(usedforsecurity=False)
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
            found = digest.hexdigest()
            if found == wanted:
                return
            raise Conflict(f"{what}: its md5 is {found}, not {wanted}")
        raise Conflict(f"{what}: its sha256 is {sha256}, not {wanted}")

    def _placed(self, slot: Slot, files: Mapping[str, Blob]) -> dict[str, Blob]:
        places = place(slot, list(files))
        return {places[name]: blob for name, blob in files.items()}

    def _table_faults(self, slot: Slot, files: Mapping[str, Blob], where: str) -> list[Fault]:
        if not slot.columns:
            return []
        faults: list[Fault] = []
        for path, blob in files.items():
            name = where if len(files) == 1 else f"{where}/{path}"
            with self.store.open(blob.sha256) as file:
                faults += table_faults(slot.columns, file, name, values=True)
        return faults


def _inner_path(output: Slot, path: str) -> str:
    """Return the path of a file inside the declared output that it belongs to."""
    return path.removeprefix(output.path + "/") if output.kind == "folder" else PurePosixPath(path).name


def _plain_name(name: str, slot: Slot) -> str:
    plain = re.sub(r"[^\w.+-]", "_", PurePosixPath(name.replace("\\", "/")).name)
    return plain if plain.strip("._") else PurePosixPath(slot.path).name


def _fault(error: CalculationEngineError, where: str) -> Fault:
    return Fault(where, error.message, error.hint)
