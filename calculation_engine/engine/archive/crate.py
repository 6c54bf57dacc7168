"""A job as a Workflow Run RO-Crate: which files, and what its metadata says of them.

Sources: RO-Crate 1.1, https://w3id.org/ro/crate/1.1; Workflow Run Crate 0.5, https://w3id.org/ro/wfrun/workflow/0.5.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.provenance import MadeStep, Provenance
from calculation_engine.states import State
from calculation_engine.store import Store

METADATA, RECORD, WORKFLOW = "ro-crate-metadata.json", "provenance.json", "workflow.json"
#: No process can have this name, nor a folder of results.
_INPUTS = "_inputs"
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_NO_LICENCE = {
    "@id": "#no-licence",
    "@type": "CreativeWork",
    "name": "No licence is stated",
    "description": "Whoever ran the job has all rights in its files.",
}
_STATUS = {
    State.SUCCEEDED: "http://schema.org/CompletedActionStatus",
    State.FAILED: "http://schema.org/FailedActionStatus",
    State.CANCELLED: "http://schema.org/FailedActionStatus",
}
_JSON = "application/json"


@dataclass(frozen=True)
class Crate:
    """The files and the metadata of a job's crate."""

    provenance: Provenance
    logs: dict[str, Blob]
    """Id of a step to the content of its log."""
    licence: str | None
    """SPDX id, or address, of the licence under which the files may be used."""
    exported: datetime

    @cached_property
    def stored(self) -> dict[str, str]:
        """Return path in the archive to sha256, of what is in the store: outputs, and the inputs that are none."""
        found: dict[str, str] = {}
        for step in self.provenance.steps:
            found |= {f"{step.path}/output/{file.path}": file.sha256 for file in step.outputs}
        known = set(found.values())
        for files in self._inputs():
            for path, blob in files.items():
                if blob.sha256 not in known:
                    found[f"{_INPUTS}/{blob.sha256[:16]}/{PurePosixPath(path).name}"] = blob.sha256
                    known.add(blob.sha256)
        return found

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Return sha256 to bytes, of all stored files."""
        sizes = {file.sha256: file.size for step in self.provenance.steps for file in step.outputs}
        return sizes | {blob.sha256: blob.size for files in self._inputs() for blob in files.values()}

    @cached_property
    def log_paths(self) -> dict[str, str]:
        """Return path in the archive to the id of the step whose log it is."""
        return {f"{step.path}/log.txt": step.id for step in self.provenance.steps if step.id in self.logs}

    @cached_property
    def archive(self) -> dict[str, Blob]:
        """Return path to content, of all files but those that describe the archive itself."""
        found = {path: Blob(sha256=sha256, size=self.sizes[sha256]) for path, sha256 in self.stored.items()}
        found |= {path: self.logs[step_id] for path, step_id in self.log_paths.items()}
        workflow = self.documents[WORKFLOW]
        return found | {WORKFLOW: _blob_of(workflow)}

    @cached_property
    def documents(self) -> dict[str, bytes]:
        """Return the workflow as it was sent, defaults filled in."""
        return {WORKFLOW: _document(self.provenance.job.workflow)}

    @cached_property
    def record(self) -> bytes:
        """Return what made the results, with every file of the archive."""
        whole = self.provenance.model_copy(update={"archive": self.archive})
        return _document(whole.model_dump(mode="json"))

    @cached_property
    def metadata(self) -> bytes:
        """Return the crate's description, JSON-LD."""
        context = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://schema.org/sha256"}]
        graph = [{key: _single(value) for key, value in entity.items()} for entity in self._graph()]
        return _document({"@context": context, "@graph": graph})

    def missing(self, store: Store) -> list[str]:
        """Return the paths of the files that the store has no more."""
        sizes = self.sizes
        return [path for path, sha in self.stored.items() if not store.has(Blob(sha256=sha, size=sizes[sha]))]

    def _inputs(self) -> Iterator[dict[str, Blob]]:
        yield from (step.files for step in self.provenance.steps)
        yield from self.provenance.job.files.values()

    def _graph(self) -> Iterator[dict[str, Any]]:
        job = self.provenance.job
        yield {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": [_ref("https://w3id.org/ro/crate/1.1"), _ref([*_PROFILES][-1])],
        }
        actions = ["#job", *(f"#step-{step.id}" for step in self._ran())]
        yield {
            "@id": "./",
            "@type": "Dataset",
            "name": job.name or f"job {job.id}",
            "description": job.description or f"Results of job {job.id}, and what made them.",
            "datePublished": _time(self.exported),
            "author": _ref("#owner"),
            "license": _ref(self._licence()["@id"]),
            "conformsTo": [_ref(profile) for profile in _PROFILES],
            "mainEntity": _ref(WORKFLOW),
            "hasPart": [_ref(_id(path)) for path in [*self.archive, RECORD]],
            "mentions": [_ref(action) for action in actions],
        }
        yield self._licence()
        for address, name in _PROFILES.items():
            yield {"@id": address, "@type": "CreativeWork", "name": name, "version": address.rpartition("/")[2]}
        yield from self._software()
        yield from self._files()
        yield from self._actions()

    def _licence(self) -> dict[str, Any]:
        if self.licence is None:
            return _NO_LICENCE
        address = self.licence if "://" in self.licence else f"https://spdx.org/licenses/{self.licence}"
        return {"@id": address, "@type": "CreativeWork", "name": self.licence}

    def _software(self) -> Iterator[dict[str, Any]]:
        engine = {"@id": "#engine", "@type": "SoftwareApplication", "name": "calculation-engine"}
        yield engine | {"softwareVersion": self.provenance.engine}
        language = {"@id": "#language", "@type": "ComputerLanguage", "name": "calculation-engine workflow"}
        yield language | {"version": self.provenance.engine}
        yield {
            "@id": WORKFLOW,
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "name": self.provenance.job.name or "workflow",
            "version": self.provenance.job.request_hash[:16],
            "programmingLanguage": _ref("#language"),
            "encodingFormat": _JSON,
            "contentSize": str(self.archive[WORKFLOW].size),
            "sha256": self.archive[WORKFLOW].sha256,
        }
        modules = {_module_id(step): step for step in self._ran()}
        for address, step in modules.items():
            software = {"@id": address, "@type": "SoftwareApplication", "name": step.module}
            software |= {"softwareVersion": step.module_version} if step.module_version else {}
            yield software

    def _files(self) -> Iterator[dict[str, Any]]:
        types = {
            f"{step.path}/output/{file.path}": file.media_type
            for step in self.provenance.steps
            for file in step.outputs
        }
        for path, blob in self.archive.items():
            if path != WORKFLOW:
                plain = "text/plain" if path in self.log_paths else None
                yield _file(path, blob, types.get(path) or plain)
        yield _file(RECORD, _blob_of(self.record), _JSON) | {"description": "What made the results: read on import."}

    def _actions(self) -> Iterator[dict[str, Any]]:
        job = self.provenance.job
        owner = {"@id": "#owner", "@type": "Person", "name": job.owner}
        yield owner
        given = [path for path in self.stored if path.startswith(f"{_INPUTS}/")]
        left = [path for path in self.stored if not path.startswith(f"{_INPUTS}/")]
        yield {
            "@id": "#job",
            "@type": "CreateAction",
            "name": f"job {job.id}",
            "identifier": job.id,
            "instrument": _ref(WORKFLOW),
            "agent": _ref("#owner"),
            "object": [_ref(_id(path)) for path in given],
            "result": [_ref(_id(path)) for path in left],
            **_course(job.state, job.message, job.started or job.created, job.ended),
        }
        path_of = {sha256: path for path, sha256 in reversed(self.stored.items())}
        for step in self._ran():
            config = {"@id": f"#config-{step.id}", "@type": "PropertyValue", "name": "config"}
            yield config | {"value": json.dumps(step.config, sort_keys=True, ensure_ascii=False)}
            inputs = sorted({path_of[blob.sha256] for blob in step.files.values()})
            outputs = [f"{step.path}/output/{file.path}" for file in step.outputs]
            outputs += [path for path, step_id in self.log_paths.items() if step_id == step.id]
            yield {
                "@id": f"#step-{step.id}",
                "@type": "CreateAction",
                "name": f"step {step.path}",
                "identifier": step.id,
                "instrument": _ref(_module_id(step)),
                "agent": _ref("#owner"),
                "object": [*(_ref(_id(path)) for path in inputs), _ref(f"#config-{step.id}")],
                "result": [_ref(_id(path)) for path in outputs],
                **_course(step.state, step.message, step.started or step.queued, step.ended),
            }

    def _ran(self) -> list[MadeStep]:
        return [step for step in self.provenance.steps if step.made_from is not None]


def _course(state: State, message: str, started: datetime, ended: datetime | None) -> dict[str, Any]:
    """Return when an action ran and how it ended."""
    course: dict[str, Any] = {"startTime": _time(started), "actionStatus": _STATUS[state]}
    if ended is not None:
        course["endTime"] = _time(ended)
    if message and state is State.SUCCEEDED:
        course["description"] = message
    elif state is not State.SUCCEEDED:
        course["error"] = message or str(state)
    return course


def _file(path: str, blob: Blob, media_type: str | None) -> dict[str, Any]:
    entity: dict[str, Any] = {"@id": _id(path), "@type": "File", "name": path}
    entity |= {"contentSize": str(blob.size), "sha256": blob.sha256}
    return entity | {"encodingFormat": media_type or "application/octet-stream"}


def _module_id(step: MadeStep) -> str:
    """Return an address of a module's content: RFC 6920's form of its sha256."""
    assert step.made_from is not None
    digest = base64.urlsafe_b64encode(bytes.fromhex(step.made_from.content_hash)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}"


def _single(value: Any) -> Any:
    """Return a list of one as RO-Crate writes it: without the list."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _ref(address: str) -> dict[str, str]:
    return {"@id": address}


def _id(path: str) -> str:
    """Return a path as a relative address."""
    return quote(path, safe="/")


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _document(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _blob_of(content: bytes) -> Blob:
    return Blob(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
