"""Repeats a job exactly: same modules, configs, inputs and settings; its results are held against the first ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, NewJob, StepRow
from calculation_engine.engine.explaining.jobsides import LoadedJob, load_side
from calculation_engine.engine.intake.submission import Submission
from calculation_engine.engine.planning.planner import plan
from calculation_engine.engine.steps.asks import Asks
from calculation_engine.engine.steps.keys import hash_json
from calculation_engine.engine.steps.new import new_step
from calculation_engine.errors import Conflict, Fault, InvalidInput, NotFound
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.reuse import Reuse
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.states import ENDED

RERUN = "rerun"


@dataclass(frozen=True)
class Rerunner:
    """Stores jobs that repeat others."""

    submission: Submission

    @property
    def _database(self) -> Database:
        return self.submission.database

    def rerun(self, job: JobRow, owner: str) -> JobRow:
        """Store a job that repeats another one and return it.

        It computes every step anew, from the files that the first one read, and compares each result with that of the
        first: a step that gives another result fails as ``not_reproduced``.

        Raises:
            Conflict: it has not ended; or modules, executors or files that it ran with are not here any more: each is
                named.
            StorageFull: the data folder takes nothing new.
        """
        if job.state not in ENDED:
            raise Conflict(f"job {job.id} is {job.state}", hint="only a job that has ended can be repeated")
        self.submission.store.room.check()
        side = load_side(self._database, job, None)
        ran_on = {made.step.process: made.step.executor for made in side.made.values()}
        workflow = _verified(Workflow.model_validate(job.workflow), ran_on)
        files = self._database.jobs.all_files(job.id)
        ready = [process for name in plan(workflow, []).ready if (process := workflow.find_process(name))]
        steps = {made.step.path: made.step for made in side.made.values()}
        first = {process.name: steps[process.name].files for process in ready if process.name in steps}
        faults = [*self._changed(side), *self._absent(workflow, files | first, steps)]
        if faults:
            hint = "run it again with what is here now: submit its workflow as a new job"
            raise Conflict(f"job {job.id} cannot be repeated exactly", hint=hint, faults=faults)
        asks = Asks(self._database, self.submission.catalogue, self.submission.settings)
        queued = [new_step(process, first[process.name], self.submission.settings) for process in ready]
        document = workflow.model_dump(mode="json")
        new = NewJob(
            id=str(uuid7()),
            owner=owner,
            name=job.name,
            description=job.description,
            tags=job.tags,
            slot=None,
            request_hash=hash_json({"rerun": job.id, "workflow": document}),
            workflow=document,
            steps=asks.of(queued, min(job.priority, 0)),
            files=files,
            origin={"kind": RERUN, "job": job.id},
            priority=min(job.priority, 0),
        )
        return self._database.jobs.create(new)[0]

    def _changed(self, side: LoadedJob) -> Iterator[Fault]:
        """Yield the modules whose code is not the one that the job ran."""
        ran: dict[str, tuple[str, str | None]] = {}
        for made in side.made.values():
            if made.run is not None:
                ran.setdefault(made.step.module, (made.run.content_hash, made.step.module_version))
        for name, (content_hash, version) in sorted(ran.items()):
            if name not in self._module_names():
                continue  # a pass of a bridge: it is part of the engine
            module = self.submission.catalogue.get(name)
            if module.content_hash != content_hash:
                now = module.manifest.version
                told = f"version {now} is here" if now != version else f"its files have changed, still as version {now}"
                yield Fault(
                    f"modules.{name}", f"the job ran version {version} with the content {content_hash[:12]}; {told}"
                )

    def _module_names(self) -> list[str]:
        return self.submission.catalogue.names()

    def _absent(
        self, workflow: Workflow, files: dict[str, dict[str, Blob]], steps: dict[str, StepRow]
    ) -> Iterator[Fault]:
        """Yield the modules, executors and inputs that are not here."""
        for index, process in enumerate(workflow.processes):
            where = f"workflow.processes[{index}]"
            try:
                self.submission.catalogue.get(process.module)
            except (NotFound, InvalidInput) as error:
                yield Fault(f"{where}.module", error.message, error.hint)
            executor = process.executor or self.submission.settings.executor
            if executor not in self.submission.executors:
                yield Fault(f"{where}.executor", f"no job runs on an executor {executor!r} here")
        for name in plan(workflow, []).ready:
            if workflow.find_process(name) is not None and name not in steps:
                yield Fault(f"steps.{name}", "it was never queued, so that its inputs are not known")
        for place, found in files.items():
            for path, blob in found.items():
                if not self.submission.store.has(blob):
                    yield Fault(f"{place}/input/{path}", f"its content, sha256 {blob.sha256}, is not stored any more")


def _verified(workflow: Workflow, ran_on: dict[str, str]) -> Workflow:
    """Return the workflow with every process where it ran, computing anew and comparing as near as it allows itself."""
    processes = []
    for process in workflow.processes:
        kept = (process.reuse or workflow.reuse).model_dump(exclude={"mode"})
        place = process.executor or ran_on.get(process.name)
        processes.append(process.model_copy(update={"reuse": Reuse(mode="verify", **kept), "executor": place}))
    whole = workflow.reuse.model_copy(update={"mode": "verify"})
    return workflow.model_copy(update={"processes": processes, "reuse": whole})
