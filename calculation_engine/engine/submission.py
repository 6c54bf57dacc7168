"""Takes a job in: validates all of it, and stores it whole before anybody is told that it was taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, NewJob, NewStep
from calculation_engine.engine.checking import Checker, Files
from calculation_engine.engine.inputs import Inputs
from calculation_engine.engine.keys import hash_json
from calculation_engine.engine.planner import plan, stuck
from calculation_engine.engine.sweepcheck import check_sweeps
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import InlineInput, PartInput, Process, UploadInput, Workflow
from calculation_engine.settings import Settings
from calculation_engine.store import Store


@dataclass(frozen=True)
class Submission:
    """The one way by which jobs come into the system."""

    database: Database
    store: Store
    catalogue: Catalogue
    settings: Settings
    executors: Collection[str]
    """Names that a process may run on."""

    def submit(
        self, request: JobRequest, owner: str, job_id: str | None = None, parts: Mapping[str, str] | None = None
    ) -> tuple[JobRow, bool]:
        """Store a job with its first steps and return it, and whether it is new.

        Args:
            request: the job.
            owner: whose it is.
            job_id: id that the sender chose; the same body again is the same job.
            parts: name of a part of the same request to the upload that it was stored as.

        Raises:
            InvalidInput: with every fault of modules, configs, inputs and order, each with its path.
            Conflict: the id is taken by a job with another body.
            Gone: the job of that id was deleted.
        """
        workflow = _with_parts(request.workflow, parts or {})
        files = self._validated(workflow, owner)
        ready = [process for name in plan(workflow, []).ready if (process := workflow.find_process(name))]
        job = NewJob(
            id=str(UUID(job_id)) if job_id else str(uuid7()),
            owner=owner,
            name=request.name,
            description=request.description,
            tags=request.tags,
            slot=request.slot,
            request_hash=hash_json(_identity(request, workflow, files)),
            workflow=workflow.model_dump(mode="json"),
            steps=[new_step(process, files[process.name], self.settings) for process in ready],
            files={name: inputs for name, inputs in files.items() if name not in {process.name for process in ready}},
        )
        return self.database.jobs.create(job)

    def _validated(self, workflow: Workflow, owner: str) -> Files:
        inputs = Inputs(self.database, self.store, self.settings)
        checker = Checker(inputs, self.catalogue, self.executors, owner, workflow)
        checker.check()
        check_sweeps(checker)
        circle = stuck(workflow)
        if circle:
            checker.tell([Fault("workflow", f"these wait for each other: {', '.join(circle)}")])
        if checker.faults:
            raise InvalidInput(
                "the job cannot run as it is",
                hint="nothing was stored; correct it and send it again",
                faults=checker.faults,
            )
        return checker.files


def new_step(process: Process, files: Mapping[str, Blob], settings: Settings, path: str = "") -> NewStep:
    """Return the step of a process whose files are all known; its path is the process's name unless it is given."""
    return NewStep(
        id=str(uuid7()),
        path=path or process.name,
        process=process.name,
        module=process.module,
        executor=process.executor or settings.executor,
        config=process.config,
        files=dict(files),
        resources=process.resources.model_dump(mode="json", exclude_none=True),
    )


def _with_parts(workflow: Workflow, parts: Mapping[str, str]) -> Workflow:
    processes = []
    for process in workflow.processes:
        inputs = {
            label: UploadInput(uuid=UUID(parts[given.name]))
            if isinstance(given, PartInput) and given.name in parts
            else given
            for label, given in process.inputs.items()
        }
        processes.append(process.model_copy(update={"inputs": inputs}))
    components = [
        node.model_copy(update={"design": type(node.design).model_validate(_parts_in(node.design.model_dump(), parts))})
        if isinstance(node, Sweep) and parts
        else node
        for node in workflow.components
    ]
    return workflow.model_copy(update={"processes": processes, "components": components})


def _parts_in(value: Any, parts: Mapping[str, str]) -> Any:
    """Return a sweep's design with every part of the request named by the upload that it was stored as."""
    if isinstance(value, list):
        return [_parts_in(item, parts) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "part" and value.get("name") in parts:
        return {"type": "upload", "uuid": parts[value["name"]]}
    return {key: _parts_in(item, parts) for key, item in value.items()}


def _identity(request: JobRequest, workflow: Workflow, files: Files) -> dict[str, Any]:
    """Return what makes two requests the same: all that was asked for, files by their content."""
    document = workflow.model_dump(mode="json")
    for process in document["processes"]:
        given = workflow.find_process(process["name"])
        assert given is not None
        kept = {label for label, item in given.inputs.items() if not isinstance(item, UploadInput | InlineInput)}
        process["inputs"] = {label: item for label, item in process["inputs"].items() if label in kept}
        process["files"] = {path: blob.sha256 for path, blob in files.get(process["name"], {}).items()}
    own = {process.name for process in workflow.processes}
    baselines_ = {
        place: {path: blob.sha256 for path, blob in found.items()} for place, found in files.items() if place not in own
    }
    return request.model_dump(mode="json", exclude={"workflow"}) | {"workflow": document, "baselines": baselines_}
