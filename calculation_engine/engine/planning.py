"""Carries a job on when its steps changed: makes the steps that are ready, and writes how the job stands."""

from __future__ import annotations

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, JobRow, NewStep, StepRow
from calculation_engine.engine.inputs import Inputs
from calculation_engine.engine.planner import Plan, StepState, plan
from calculation_engine.engine.spec import spec_of
from calculation_engine.engine.submission import new_step
from calculation_engine.errors import Gone, InvalidInput, NotFound, Stale
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.workflow import Process, Workflow
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, Reason, State
from calculation_engine.store import Store

_JOBS_AT_ONCE = 50


class Planning:
    """Plans the jobs that are due. Two engines may plan one job at once: the second changes nothing."""

    def __init__(self, database: Database, store: Store, catalogue: Catalogue, settings: Settings) -> None:
        self._database = database
        self._catalogue = catalogue
        self._settings = settings
        self._inputs = Inputs(database, store, settings)

    def run(self) -> int:
        """Plan the jobs whose steps changed; return how many there were."""
        due = self._database.jobs.due(_JOBS_AT_ONCE)
        for job_id, seen in due:
            try:
                self._plan_job(job_id, seen)
            except (NotFound, Gone, Stale):
                continue  # deleted, or changed, since: if it is still there it stays due
        return len(due)

    def _plan_job(self, job_id: str, seen: int) -> None:
        job = self._database.jobs.get(job_id)
        steps = self._database.steps.of_job(job_id)
        workflow = Workflow.model_validate(job.workflow)
        states = [StepState(step.path, step.state, step.reason, step.message, step.fraction) for step in steps]
        result = plan(workflow, states, cancelled=job.cancel_requested is not None)
        try:
            new = [self._step(job, process, steps) for process in result.ready]
        except (InvalidInput, NotFound) as error:
            new = []
            result = Plan(state=State.FAILED, reason=Reason.INPUT_INVALID, message=str(error), fraction=result.fraction)
        # That a job runs is written when its first step starts.
        state = result.state if result.state in ENDED else None
        change = JobChange(state, result.reason, result.message, result.fraction) if job.state not in ENDED else None
        self._database.jobs.plan(job_id, seen, new, change)

    def _step(self, job: JobRow, process: Process, steps: list[StepRow]) -> NewStep:
        files = self._database.jobs.files(job.id, process.name)
        files |= self._piped(process, steps)
        return new_step(process, files, self._settings)

    def _piped(self, process: Process, steps: list[StepRow]) -> dict[str, Blob]:
        files: dict[str, Blob] = {}
        if not process.pipes:
            return files
        manifest = self._catalogue.get(process.module).manifest
        by_process = {step.process: step for step in steps}
        for label, pipe in process.pipes.items():
            source = by_process[pipe.process]
            spec = spec_of(source)
            declared = spec.outputs if spec else self._catalogue.get(source.module).manifest.outputs
            slot = manifest.find_input(label)
            output = next((item for item in declared if item.label == pipe.label), None)
            if slot is None or output is None:
                raise InvalidInput(f"{process.name}: input {label!r} or output {pipe.label!r} is no longer declared")
            files |= self._inputs.from_outputs(slot, self._database.steps.outputs_of(source.id), output)
        return files
