"""Carries a job on when its steps changed: makes the steps that are ready, and writes how the job stands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import structlog

from calculation_engine import metrics
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobChange, StepRow, SweepChange
from calculation_engine.engine.planning.cases import JobCases
from calculation_engine.engine.planning.looping import LoopLook, LoopRun
from calculation_engine.engine.planning.loops import baseline_path
from calculation_engine.engine.planning.piping import Piping
from calculation_engine.engine.planning.planner import Part, Plan, loops_of, plan, stopped, sweeps_of
from calculation_engine.engine.planning.scope import Scope
from calculation_engine.engine.planning.sweeping import Look, SweepLook, SweepRun
from calculation_engine.engine.planning.taking import Taking
from calculation_engine.engine.planning.wiring import Wiring
from calculation_engine.engine.steps.asks import Asks
from calculation_engine.engine.steps.inputs import Inputs
from calculation_engine.engine.steps.keyed import Keys
from calculation_engine.engine.steps.new import new_step
from calculation_engine.engine.steps.stored import StoredResults
from calculation_engine.errors import Gone, InvalidInput, NotFound, Stale
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Loop, Process
from calculation_engine.settings import Settings
from calculation_engine.states import ENDED, Reason, State
from calculation_engine.store import Store

log = structlog.get_logger(__name__)

_JOBS_AT_ONCE = 50
#: After which others that are due wait until steps have been claimed.
_MOMENT_SECONDS = 0.25
#: Rows of a sweep that are under way at once, where nobody says otherwise: enough for a few engines.
_WINDOW = 32


class Planning:
    """Plans the jobs that are due. Two engines may plan one job at once: the second changes nothing."""

    def __init__(
        self,
        database: Database,
        store: Store,
        catalogue: Catalogue,
        settings: Settings,
        keys: Keys,
        window: int = _WINDOW,
    ) -> None:
        self._database = database
        self._store = store
        self._catalogue = catalogue
        self._settings = settings
        self._window = max(window, _WINDOW)
        self._cases = JobCases(database, store)
        self._piping = Piping(database, catalogue, Inputs(database, store, settings))
        self._asks = Asks(database, catalogue, settings)
        self._taking = Taking(database, keys, StoredResults(database, store))

    def run(self) -> int:
        """Plan the jobs whose steps changed, as many as a moment allows; return how many."""
        begin, count = time.monotonic(), 0
        for job_id, seen in self._database.jobs.due(_JOBS_AT_ONCE):
            with suppress(NotFound, Gone, Stale):  # deleted, or changed, since: if it is still there it stays due
                self._plan_job(job_id, seen)
            count += 1
            if time.monotonic() - begin > _MOMENT_SECONDS:
                break
        return count

    def _plan_job(self, job_id: str, seen: int) -> None:
        job = self._database.jobs.head(job_id)
        steps = {step.path: step for step in self._database.steps.to_plan(job_id)}
        try:
            scope = Scope(job, self._cases.workflow(job_id), steps, partial(self._database.jobs.files, job_id))
            look = self._look(scope, job.cancel_requested is not None)
        except (InvalidInput, NotFound) as error:
            look = Look(Plan(state=State.FAILED, reason=Reason.INPUT_INVALID, message=str(error)))
        # That a job runs is written when its first step starts.
        result = look.plan
        if result.state is State.CANCELLED and job.superseded_by is not None:
            result.reason, result.message = Reason.SUPERSEDED, f"job {job.superseded_by} took over its slot"
        state = result.state if result.state in ENDED else None
        change = JobChange(state, result.reason, result.message, result.fraction, look.views)
        taken = self._database.jobs.plan(
            job_id,
            seen,
            self._asks.of(self._taking.of(look.steps, job.owner), job.priority),
            change if job.state not in ENDED else None,
            look.cancel,
            sweeps=look.change,
        )
        if taken:
            metrics.STEPS_REUSED.inc(taken)
            log.info("steps_reused", job=job_id, steps=taken)

    def _look(self, scope: Scope, cancelled: bool) -> Look:
        """Return how a scope stands, its next steps, and how its loops and sweeps stand."""
        parts = [
            Part(path, step.state, step.reason, step.message, step.fraction)
            for path, step in scope.steps.items()
            if "/" not in path
        ]
        loops = [self._loop(scope, loop) for loop in loops_of(scope.workflow) if _has_begun(scope, loop.name)]
        if cancelled:
            loops = [replace(look, steps=[], part=_stopped(look, scope.steps)) for look in loops]
        stop = stopped(scope.workflow, [*parts, *(look.part for look in loops)])
        sweeps = [
            self._sweep(scope, sweep, cancelled or sweep.name in stop)
            for sweep in sweeps_of(scope.workflow)
            if sweep.name not in scope.steps and _has_begun(scope, sweep.name)
        ]
        stop = stopped(scope.workflow, [*parts, *(look.part for look in loops), *(look.part for look in sweeps)])
        loops = [
            replace(look, steps=[], part=_stopped(look, scope.steps)) if look.part.name in stop else look
            for look in loops
        ]
        new = [*(step for look in loops for step in look.steps), *(step for look in sweeps for step in look.steps)]
        while True:
            scope.solutions.update({look.part.name: look.solution for look in loops})
            scope.tables.update({end.path: end.outputs for look in sweeps for end in look.change.done})
            result = plan(
                scope.workflow, [*parts, *(look.part for look in loops), *(look.part for look in sweeps)],
                cancelled=cancelled,
            )  # fmt: skip
            if not result.ready:
                break
            for name in result.ready:
                node = scope.workflow.find_process(name) or scope.workflow.find_component(name)
                if isinstance(node, Process):
                    files = scope.files(name) | self._piping.files(node, scope)
                    new.append(new_step(node, files, self._settings))
                    parts.append(Part(name, State.QUEUED))
                elif isinstance(node, Loop):
                    loops.append(self._loop(scope, node))
                    new += loops[-1].steps
                elif isinstance(node, Sweep):
                    sweeps.append(self._sweep(scope, node, cancelled))
                    new += sweeps[-1].steps
        views = [*(look.view for look in loops), *(view for look in sweeps for view in look.views)]
        cancel = {step_id: why for look in sweeps for step_id, why in look.cancel.items()} | _cancelled(scope, stop)
        return Look(result, new, loops, views, _joined_changes([look.change for look in sweeps]), cancel)

    def _loop(self, scope: Scope, loop: Loop) -> LoopLook:
        places = [*loop.sequence, *(baseline_path(loop, name) for name in loop.sequence)]
        stored = {place: scope.files(place) for place in places}
        own: dict[str, dict[str, Blob]] = {place: files for place, files in stored.items() if files}
        for name in loop.sequence:
            process = scope.workflow.find_process(name)
            if process is not None and process.pipes:
                piped = self._piping.files(process, scope)
                for place in (name, baseline_path(loop, name)):
                    own[place] = {**own.get(place, own.get(name, {})), **piped}
        wiring = Wiring(
            self._database, self._store, self._catalogue, self._settings, scope.workflow, scope.job.id, scope.steps, own
        )
        return LoopRun(loop, scope, wiring).look()

    def _sweep(self, scope: Scope, sweep: Sweep, cancelled: bool) -> SweepLook:
        case = self._cases.sweep(scope.job.id, sweep)
        run = SweepRun(self._database, self._store, case, scope, self._look, self._window)
        return run.look(cancelled=cancelled)


def _cancelled(scope: Scope, stop: Mapping[str, str]) -> dict[str, str]:
    """Return the steps of parts that stop, by id, and why."""
    return {
        step.id: stop[name]
        for path, step in scope.steps.items()
        if (name := path.partition("/")[0]) in stop and step.state not in ENDED
    }


def _has_begun(scope: Scope, name: str) -> bool:
    return any(path.startswith(f"{name}/") for path in scope.steps)


def _joined_changes(changes: list[SweepChange]) -> SweepChange:
    if len(changes) == 1:
        return changes[0]
    return SweepChange(
        begun=[row for change in changes for row in change.begun],
        ended=[end for change in changes for end in change.ended],
        settled=[step for change in changes for step in change.settled],
        files={place: files for change in changes for place, files in change.files.items()},
        done=[end for change in changes for end in change.done],
    )


def _stopped(look: LoopLook, steps: Mapping[str, StepRow]) -> Part:
    """Return how a loop of a cancelled job stands: it ends as soon as none of its steps is active."""
    active = any(path.startswith(f"{look.part.name}/") and step.state not in ENDED for path, step in steps.items())
    if active or look.part.state in ENDED:
        return look.part
    return replace(look.part, state=State.CANCELLED, reason=Reason.CANCELLED)
