"""Carries a job on when its steps changed: makes the steps that are ready, and writes how the job stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, JobRow, NewStep, StepRow
from calculation_engine.engine.asks import Asks
from calculation_engine.engine.inputs import Inputs
from calculation_engine.engine.looping import LoopLook, LoopRun
from calculation_engine.engine.loops import baseline_path
from calculation_engine.engine.planner import Part, Plan, loops_of, plan
from calculation_engine.engine.spec import spec_of
from calculation_engine.engine.submission import new_step
from calculation_engine.engine.wiring import Wiring
from calculation_engine.errors import Gone, InvalidInput, NotFound, Stale
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.workflow import Loop, Process, Workflow
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, Reason, State
from calculation_engine.store import Store

_JOBS_AT_ONCE = 50


class Planning:
    """Plans the jobs that are due. Two engines may plan one job at once: the second changes nothing."""

    def __init__(self, database: Database, store: Store, catalogue: Catalogue, settings: Settings) -> None:
        self._database = database
        self._store = store
        self._catalogue = catalogue
        self._settings = settings
        self._inputs = Inputs(database, store, settings)
        self._asks = Asks(database, catalogue, settings)

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
        cancelled = job.cancel_requested is not None
        try:
            result, new, looks = self._next(job, workflow, steps, cancelled=cancelled)
        except (InvalidInput, NotFound) as error:
            new, looks = [], []
            result = Plan(state=State.FAILED, reason=Reason.INPUT_INVALID, message=str(error))
        # That a job runs is written when its first step starts.
        state = result.state if result.state in ENDED else None
        loops = [look.view for look in looks]
        change = JobChange(state, result.reason, result.message, result.fraction, loops)
        self._database.jobs.plan(
            job_id, seen, self._asks.of(new, job.priority), change if job.state not in ENDED else None
        )

    def _next(
        self, job: JobRow, workflow: Workflow, steps: list[StepRow], *, cancelled: bool
    ) -> tuple[Plan, list[NewStep], list[LoopLook]]:
        """Return how the job stands, its next steps, and how its loops stand."""
        by_path = {step.path: step for step in steps}
        parts = [
            Part(step.path, step.state, step.reason, step.message, step.fraction)
            for step in steps
            if "/" not in step.path
        ]
        begun = [loop for loop in loops_of(workflow) if any(path.startswith(f"{loop.name}/") for path in by_path)]
        looks = [self._look(job, workflow, loop, by_path) for loop in begun]
        if cancelled:
            looks = [replace(look, steps=[], part=_stopped(look, steps)) for look in looks]
        result = plan(workflow, [*parts, *(look.part for look in looks)], cancelled=cancelled)
        new = [step for look in looks for step in look.steps]
        solutions = {look.part.name: look.solution for look in looks}
        for name in result.ready:
            process = workflow.find_process(name)
            if process is not None:
                new.append(self._step(job, process, workflow, by_path, solutions))
            else:
                loop = next(loop for loop in loops_of(workflow) if loop.name == name)
                looks.append(self._look(job, workflow, loop, by_path))
                new += looks[-1].steps
        return result, new, looks

    def _look(self, job: JobRow, workflow: Workflow, loop: Loop, steps: Mapping[str, StepRow]) -> LoopLook:
        places = [*loop.sequence, *(baseline_path(loop, name) for name in loop.sequence)]
        stored = {place: self._database.jobs.files(job.id, place) for place in places}
        own: dict[str, dict[str, Blob]] = {place: files for place, files in stored.items() if files}
        for name in loop.sequence:
            process = workflow.find_process(name)
            if process is not None and process.pipes:
                piped = self._piped(process, workflow, steps, {})
                for place in (name, baseline_path(loop, name)):
                    own[place] = {**own.get(place, own.get(name, {})), **piped}
        wiring = Wiring(self._database, self._store, self._catalogue, self._settings, workflow, job.id, steps, own)
        return LoopRun(loop, job, steps, wiring).look()

    def _step(
        self,
        job: JobRow,
        process: Process,
        workflow: Workflow,
        steps: Mapping[str, StepRow],
        solutions: Mapping[str, str | None],
    ) -> NewStep:
        files = self._database.jobs.files(job.id, process.name)
        return new_step(process, files | self._piped(process, workflow, steps, solutions), self._settings)

    def _piped(
        self,
        process: Process,
        workflow: Workflow,
        steps: Mapping[str, StepRow],
        solutions: Mapping[str, str | None],
    ) -> dict[str, Blob]:
        """Return the files of the inputs that pipes fill; a participant of a loop stands for its solution."""
        files: dict[str, Blob] = {}
        manifest = self._catalogue.get(process.module).manifest if process.pipes else None
        for label, pipe in process.pipes.items():
            loop = next((loop for loop in loops_of(workflow) if pipe.process in loop.sequence), None)
            source = steps[f"{solutions[loop.name]}/{pipe.process}" if loop else pipe.process]
            spec = spec_of(source)
            declared = spec.outputs if spec else self._catalogue.get(source.module).manifest.outputs
            slot = manifest.find_input(label) if manifest else None
            output = next((item for item in declared if item.label == pipe.label), None)
            if slot is None or output is None:
                raise InvalidInput(f"{process.name}: input {label!r} or output {pipe.label!r} is no longer declared")
            files |= self._inputs.from_outputs(slot, self._database.steps.outputs_of(source.id), output)
        return files


def _stopped(look: LoopLook, steps: list[StepRow]) -> Part:
    """Return how a loop of a cancelled job stands: it ends as soon as none of its steps is active."""
    active = any(step.path.startswith(f"{look.part.name}/") and step.state not in ENDED for step in steps)
    if active or look.part.state in ENDED:
        return look.part
    return replace(look.part, state=State.CANCELLED, reason=Reason.CANCELLED)
