"""Takes a job in: validates all of it, and stores it whole before anybody is told that it was taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, NewJob
from calculation_engine.engine.intake.checker import Checker, Files
from calculation_engine.engine.intake.identity import identity
from calculation_engine.engine.intake.sweepcheck import check_sweeps
from calculation_engine.engine.planning.planner import plan, stuck
from calculation_engine.engine.steps.asks import Asks
from calculation_engine.engine.steps.inputs import Inputs
from calculation_engine.engine.steps.keys import hash_json
from calculation_engine.engine.steps.new import new_step
from calculation_engine.errors import Fault, Forbidden, InvalidInput
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Component, Input, Loop, PartInput, UploadInput, Workflow
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
            StorageFull: the data folder takes nothing new.
            Forbidden: the owner may not ask for this priority.
        """
        self._check_priority(request.priority, owner)
        self.store.room.check()
        workflow = _with_reuse(_with_parts(request.workflow, parts or {}), request.reuse)
        files = self._validated(workflow, owner)
        ready = [process for name in plan(workflow, []).ready if (process := workflow.find_process(name))]
        job = NewJob(
            id=str(UUID(job_id)) if job_id else str(uuid7()),
            owner=owner,
            name=request.name,
            description=request.description,
            tags=request.tags,
            slot=request.slot,
            request_hash=hash_json(identity(request, workflow, files, self._sha256_of)),
            workflow=workflow.model_dump(mode="json"),
            steps=self._asks.of(
                [new_step(process, files[process.name], self.settings) for process in ready], request.priority
            ),
            priority=request.priority,
            files={name: inputs for name, inputs in files.items() if name not in {process.name for process in ready}},
        )
        return self.database.jobs.create(job)

    def faults(self, request: JobRequest, owner: str) -> list[Fault]:
        """Return every fault for which :meth:`submit` would refuse the job; inputs of type ``part`` count as given."""
        faults: list[Fault] = []
        try:
            self._check_priority(request.priority, owner)
        except Forbidden as error:
            faults.append(Fault("priority", error.message.removeprefix("priority: "), error.hint))
        try:
            self._validated(_with_reuse(request.workflow, request.reuse), owner, parts_follow=True)
        except InvalidInput as error:
            faults += error.faults
        return faults

    def _sha256_of(self, upload: str) -> str:
        return self.database.uploads.get(upload).sha256

    @cached_property
    def _asks(self) -> Asks:
        return Asks(self.database, self.catalogue, self.settings)

    def _check_priority(self, priority: int, owner: str) -> None:
        if priority > 0 and self.settings.tokens_file is not None and owner not in self.settings.priority_owners:
            raise Forbidden(
                f"priority: {owner} may use -10 to 0, got {priority}: above 0 a job goes before those of others",
                hint="leave it out, or ask the administrator to add the owner to the setting priority_owners",
            )

    def _validated(self, workflow: Workflow, owner: str, *, parts_follow: bool = False) -> Files:
        inputs = Inputs(self.database, self.store, self.settings, parts_follow)
        checker = Checker(inputs, self.catalogue, self._asks, self.executors, owner, workflow)
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


def _with_reuse(workflow: Workflow, reuse: Reuse | None) -> Workflow:
    """Return the workflow with every process saying whether it takes stored results."""
    given = reuse or workflow.reuse
    processes = [process.model_copy(update={"reuse": process.reuse or given}) for process in workflow.processes]
    return workflow.model_copy(update={"processes": processes, "reuse": given})


def _with_parts(workflow: Workflow, parts: Mapping[str, str]) -> Workflow:
    """Return the workflow with uploads in place of parts, in processes and in baselines."""

    def uploaded(inputs: Mapping[str, Input | None]) -> dict[str, Input | None]:
        return {
            label: UploadInput(uuid=UUID(parts[given.name]))
            if isinstance(given, PartInput) and given.name in parts
            else given
            for label, given in inputs.items()
        }

    def with_uploads(component: Component) -> Component:
        if isinstance(component, Sweep) and parts:
            design = type(component.design).model_validate(_parts_in(component.design.model_dump(), parts))
            return component.model_copy(update={"design": design})
        if not isinstance(component, Loop):
            return component
        baseline = {
            name: override.model_copy(update={"inputs": uploaded(override.inputs)})
            for name, override in component.baseline.items()
        }
        return component.model_copy(update={"baseline": baseline})

    processes = [process.model_copy(update={"inputs": uploaded(process.inputs)}) for process in workflow.processes]
    components = [with_uploads(component) for component in workflow.components]
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
