"""Carries a sweep on: rows that are under way, rows that begin, and the table when all have ended.

Only so many rows are under way at once; the steps of the others are not stored before their turn. What an ended row
left stands in one row of the database, so that planning looks at what is under way and at nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from uuid_utils import uuid7

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput, NewStep, RowEnd, StepRow, SweepChange, SweepEnd
from calculation_engine.engine.planning.cases import SweepCase
from calculation_engine.engine.planning.looping import LoopLook
from calculation_engine.engine.planning.planner import Part, Plan
from calculation_engine.engine.planning.priors import PRIOR_FILE, Prior
from calculation_engine.engine.planning.scope import Scope
from calculation_engine.engine.planning.stacking import rows_files, stacked
from calculation_engine.engine.planning.table import result_table
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.nesting import sweep_outputs
from calculation_engine.schemas.workflow import Loop, Workflow
from calculation_engine.states import ENDED, Reason, State
from calculation_engine.store import Store

_MEDIA_TYPES = {"csv": "text/csv", "json": "application/json"}
#: Failed rows that a sweep's message names.
_NAMED = 5


@dataclass
class Look:
    """How a scope stands, and what it needs now."""

    plan: Plan
    steps: list[NewStep] = field(default_factory=list)
    loops: list[LoopLook] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    change: SweepChange = field(default_factory=SweepChange)
    cancel: dict[str, str] = field(default_factory=dict)  #: steps that are to end, by id, and why


@dataclass
class SweepLook:
    """How a sweep stands, and what it needs now."""

    part: Part
    steps: list[NewStep] = field(default_factory=list)
    views: list[dict[str, Any]] = field(default_factory=list)
    change: SweepChange = field(default_factory=SweepChange)
    cancel: dict[str, str] = field(default_factory=dict)  #: steps that are to end, by id, and why


class SweepRun:
    """One sweep of one job, as the database says that it stands.

    Args:
        case: the sweep.
        outer: the scope that it is in.
        look: looks at a scope; given so that a row is planned like a job.
        window: rows that may be under way at once, unless the sweep says it itself.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        case: SweepCase,
        outer: Scope,
        look: Callable[[Scope, bool], Look],
        window: int,
    ) -> None:
        self._database = database
        self._store = store
        self._case = case
        self._outer = outer
        self._plan_scope = look
        self._window = case.sweep.rows_at_once or window
        self._name = case.sweep.name
        self._job = outer.job
        self._stand = database.sweeps.stand(self._job.id, self._name)
        self._result = SweepLook(Part(self._name, State.RUNNING))

    def look(self, *, cancelled: bool) -> SweepLook:
        """Return how the sweep stands and what it needs now."""
        steps = _by_row(self._name, self._outer.steps)
        running, failed = list[int](), self._stand.failed
        states = dict(self._states())  # of rows that others start from; empty where none does
        for number in self._stand.running:
            end = self._row(number, steps.get(number, {}), cancelled)
            if end is None:
                running.append(number)
            else:
                failed += end.state is State.FAILED
                states[number] = end.state
        stopped = cancelled or (failed > 0 and self._case.sweep.failed_rows == "stop")
        begun = self._stand.last if self._case.neighbours is None else len(states)
        for number in self._waiting(states):
            stopped = cancelled or (failed > 0 and self._case.sweep.failed_rows == "stop")
            if stopped or len(running) >= self._window:
                break
            if self._waits_for_neighbour(number, states):
                continue
            self._result.change.begun.append((self._name, number))
            begun += 1
            end = self._row(number, {}, cancelled=False)
            states[number] = end.state if end else State.RUNNING
            if end is None:
                running.append(number)
            else:
                failed += end.state is State.FAILED
        self._tell(begun, len(running), failed, cancelled=cancelled)
        return self._result

    def _states(self) -> Mapping[int, State]:
        """Return the state of each row that has begun, where others wait for them."""
        if self._case.neighbours is None:
            return {}
        return self._database.sweeps.states(self._job.id, self._name)

    def _waiting(self, states: Mapping[int, State]) -> Iterable[int]:
        """Return the rows that have not begun, in the order in which they are to."""
        if self._case.neighbours is None:
            return range(self._stand.last + 1, self._case.count + 1)
        return [number for number in self._case.neighbours.order if number not in states]

    def _waits_for_neighbour(self, number: int, states: Mapping[int, State]) -> bool:
        """Return whether the row that this one starts from has yet to end; it comes earlier in the order."""
        parent = self._case.neighbours.parent[number] if self._case.neighbours else 0
        return parent > 0 and states.get(parent) not in ENDED

    def _row(self, number: int, steps: Mapping[str, StepRow], cancelled: bool) -> RowEnd | None:
        """Look at a row and note what it needs; return how it ended, or None while it is under way."""
        try:
            workflow = self._case.row(number)
            scope = self._scope(number, workflow, steps)
            found = self._plan_scope(scope, cancelled)
        except (InvalidInput, NotFound) as error:
            return self._end(number, Plan(state=State.FAILED, reason=Reason.INPUT_INVALID, message=str(error)), steps)
        if found.plan.state in ENDED:
            return self._end(number, found.plan, steps, found, scope)
        self._result.steps += scope.stored(found.steps)
        self._result.views += found.views
        self._result.cancel |= found.cancel
        return None

    def _scope(self, number: int, workflow: Workflow, steps: Mapping[str, StepRow]) -> Scope:
        def prior(loop: Loop) -> Prior | None:
            return self._prior(number, loop.name)

        prefix = f"{self._name}/{number}/"
        return Scope(
            job=self._job,
            workflow=workflow,
            steps=steps,
            files=lambda place: self._case.files(workflow, place),
            prefix=prefix,
            outer=self._outer,
            prior=prior,
        )

    def _prior(self, number: int, loop: str) -> Prior | None:
        """Return what a row's loop starts from: what the nearest rows above it that have agreed have left."""
        tree = self._case.neighbours
        if tree is None:
            return None
        known: dict[int, Prior] = {}
        for row in tree.ancestors(number):
            prior = self._case.prior(row, loop, self._left)
            if prior is not None and all(prior.variables == other.variables for other in known.values()):
                known[row] = prior
            if len(known) > tree.dimensions:
                break
        if not known:
            return None
        first, *others = known.values()
        return first.towards(others, tree.weights(number, list(known)))

    def _left(self, number: int, loop: str) -> Prior | None:
        """Return what a row's loop has left, or None where it has not agreed."""
        kept = self._database.jobs.files(self._job.id, f"{self._name}/{number}/{loop}")
        if PRIOR_FILE not in kept:
            return None
        with self._store.open(kept[PRIOR_FILE].sha256) as file:
            return Prior.read(file.read().decode())

    def _end(
        self,
        number: int,
        plan: Plan,
        steps: Mapping[str, StepRow],
        found: Look | None = None,
        scope: Scope | None = None,
    ) -> RowEnd:
        change = self._result.change
        values: dict[str, Any] = {}
        for look in found.loops if found else ():
            name = look.part.name
            values |= {f"{name}.verdict": look.view["verdict"], f"{name}.evaluations": look.view["evaluations"]}
            if look.leaves is not None and self._case.neighbours is not None:
                text = look.leaves.text()
                change.files[f"{self._name}/{number}/{name}"] = {PRIOR_FILE: self._store.put(text.encode())}
        if scope is not None and found is not None and plan.state is State.SUCCEEDED:
            values |= _scalars(scope, found)
        result = {"values": values, "loops": list(found.views) if found else []}
        end = RowEnd(self._name, number, plan.state, plan.reason, plan.message, result)
        change.ended.append(end)
        change.settled.extend(step.id for step in steps.values())
        return end

    def _tell(self, begun: int, running: int, failed: int, *, cancelled: bool) -> None:
        """Note how the sweep stands, and its table when no row is under way or to come."""
        count = self._case.count
        stopped = cancelled or (failed > 0 and self._case.sweep.failed_rows == "stop")
        done = begun - running
        message = f"{done} of {count} rows" + (f", {failed} failed" if failed else "")
        if running or (begun < count and not stopped):
            self._result.part = Part(self._name, State.RUNNING, None, message, done / count)
            return
        state, reason = State.SUCCEEDED, None
        if cancelled:
            state, reason = State.CANCELLED, Reason.CANCELLED
        elif failed and (self._case.sweep.failed_rows != "accept" or failed == count):
            state, reason = State.FAILED, Reason.STEP_FAILED
        ends = self._all_ends()
        if failed:
            message += f": {self._failures(ends)}"
        outputs, faults = self._tables(ends)
        if faults and state is State.SUCCEEDED:
            state, reason = State.FAILED, Reason.OUTPUT_MISSING
        message = "; ".join([message, *faults])
        self._result.change.done.append(SweepEnd(str(uuid7()), self._name, state, reason, message, outputs))
        self._result.part = Part(self._name, state, reason, message, 1.0)

    def _all_ends(self) -> list[RowEnd]:
        """Return how all rows ended, those that have ended just now included."""
        stored = self._database.sweeps.ends(self._job.id, self._name)
        ends = {end.number: end for end in (*stored, *self._result.change.ended)}
        return [ends[number] for number in sorted(ends)]

    def _failures(self, ends: list[RowEnd]) -> str:
        failed = [end for end in ends if end.state is State.FAILED]
        told = [f"row {end.number} ({self._case.maker.told(end.number)}): {end.message}" for end in failed[:_NAMED]]
        return "; ".join(told) + ("; ..." if len(failed) > _NAMED else "")

    def _tables(self, ends: list[RowEnd]) -> tuple[list[NewOutput], list[str]]:
        """Return what the sweep leaves, and which tables of the rows cannot be made."""
        table = result_table(self._case.columns, self._case.design, ends)
        paths = sweep_outputs(self._case.sweep)
        contents, faults = {"table": table.csv(), "columns": table.described()}, list[str]()
        for label, rows in self._case.sweep.tables.items():
            found = self._database.sweeps.files(self._job.id, rows.process, rows.label)
            files = rows_files(self._name, rows, ends, found)
            try:
                contents[label] = stacked(self._case.design, files, self._read, rows.process)
            except InvalidInput as error:
                faults.append(f"there is no table {label}: {error.message}")
        outputs = []
        for label, content in contents.items():
            blob, path = self._store.put(content.encode()), paths[label]
            media_type = _MEDIA_TYPES[path.rsplit(".", 1)[-1]]
            outputs.append(NewOutput(path, blob.sha256, blob.size, label, media_type))
        return outputs, faults

    def _read(self, blob: Blob) -> bytes:
        with self._store.open(blob.sha256) as file:
            return file.read()


def _scalars(scope: Scope, found: Look) -> dict[str, Any]:
    """Return the numbers that the modules of a row's processes name, as ``process.number``."""
    solutions = {look.part.name: look.solution for look in found.loops}
    loop_of = {
        name: loop.name for loop in scope.workflow.components if isinstance(loop, Loop) for name in loop.sequence
    }
    values = {}
    for process in scope.workflow.processes:
        place = f"{solutions[loop_of[process.name]]}/" if process.name in loop_of else ""
        step = scope.steps.get(f"{place}{process.name}")
        for name, value in ((step.scalars or {}) if step else {}).items():
            values[f"{process.name}.{name}"] = value
    return values


def _by_row(sweep: str, steps: Mapping[str, StepRow]) -> dict[int, dict[str, StepRow]]:
    """Return the steps of each row, by their path in it."""
    rows: dict[int, dict[str, StepRow]] = {}
    for path, step in steps.items():
        parts = path.split("/", 2)
        if len(parts) == 3 and parts[0] == sweep and parts[1].isdigit():
            rows.setdefault(int(parts[1]), {})[parts[2]] = replace(step, path=parts[2])
    return rows
