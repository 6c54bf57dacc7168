"""What stays the same of a job while it runs: its workflow, and the designs of its sweeps. Read once, then kept."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from calculation_engine.db.database import Database
from calculation_engine.engine.planning.loops import baseline_path, overridden
from calculation_engine.engine.planning.priors import Prior
from calculation_engine.engine.planning.table import ResultColumn
from calculation_engine.engine.steps.given import GIVEN, given_key
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Loop, Process, Workflow
from calculation_engine.store import Store
from calculation_engine.sweeps.design import DesignTable
from calculation_engine.sweeps.neighbours import Neighbours, neighbours
from calculation_engine.sweeps.rows import RowMaker, nodes_in

DESIGN = "design"
DESIGN_FILE = "design.json"
_JOBS_KEPT = 64
_ROWS_KEPT = 1000
_PRIORS_KEPT = 256


@dataclass
class SweepCase:
    """One sweep of one job."""

    sweep: Sweep
    design: DesignTable
    columns: list[ResultColumn]
    workflow: Workflow
    given: dict[str, dict[str, Blob]]
    """Files of inputs, by :func:`given_key`."""
    _rows: OrderedDict[int, Workflow] = field(default_factory=OrderedDict)
    _priors: OrderedDict[tuple[int, str], Prior] = field(default_factory=OrderedDict)

    @cached_property
    def maker(self) -> RowMaker:
        """Makes what a row runs."""
        return RowMaker(self.workflow, self.sweep, self.design)

    @property
    def count(self) -> int:
        """Rows in all."""
        return len(self.design.rows)

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """Which row starts from which, where loops are to start from their neighbours."""
        nodes = nodes_in(self.workflow, self.sweep.component).values()
        if not self.sweep.warm_start or not any(isinstance(node, Loop) for node in nodes):
            return None
        return neighbours(self.design)

    def row(self, number: int) -> Workflow:
        """Return what a row runs."""
        if number not in self._rows:
            self._rows[number] = self.maker.workflow(number)
            if len(self._rows) > _ROWS_KEPT:
                self._rows.popitem(last=False)
        return self._rows[number]

    def prior(self, number: int, loop: str, load: Callable[[int, str], Prior | None]) -> Prior | None:
        """Return what a loop of a row that has ended has left; ``load`` gets what is not in memory."""
        key = (number, loop)
        if key not in self._priors:
            found = load(number, loop)
            if found is None:  # it may be written with this very plan
                return None
            self._priors[key] = found
            if len(self._priors) > _PRIORS_KEPT:
                self._priors.popitem(last=False)
        return self._priors[key]

    def files(self, workflow: Workflow, place: str) -> dict[str, Blob]:
        """Return the files of a process of a row, or of a loop's baseline by the path of its step."""
        process = workflow.find_process(place)
        for loop in workflow.components if process is None else ():
            for name, override in loop.baseline.items() if isinstance(loop, Loop) else ():
                if isinstance(loop, Loop) and baseline_path(loop, name) == place:
                    process = overridden(_found(workflow, name), override)
        files: dict[str, Blob] = {}
        for label, given in process.inputs.items() if process else ():
            assert process is not None
            files |= self.given[given_key(process.module, label, given)]
        return files


class JobCases:
    """Workflows and sweeps of the jobs that are planned, the latest kept in memory; none of them ever changes."""

    def __init__(self, database: Database, store: Store) -> None:
        self._database = database
        self._store = store
        self._workflows: OrderedDict[str, Workflow] = OrderedDict()
        self._sweeps: OrderedDict[tuple[str, str], SweepCase] = OrderedDict()

    def workflow(self, job_id: str) -> Workflow:
        """Return a job's workflow."""
        return _kept(self._workflows, job_id, lambda: Workflow.model_validate(self._database.jobs.get(job_id).workflow))

    def sweep(self, job_id: str, sweep: Sweep) -> SweepCase:
        """Return a sweep of a job."""
        return _kept(self._sweeps, (job_id, sweep.name), lambda: self._load(job_id, sweep))

    def _load(self, job_id: str, sweep: Sweep) -> SweepCase:
        blob = self._database.jobs.files(job_id, f"{sweep.name}/{DESIGN}")[DESIGN_FILE]
        with self._store.open(blob.sha256) as file:
            document = json.load(file)
        return SweepCase(
            sweep=sweep,
            design=DesignTable.from_dict(document["design"]),
            columns=[ResultColumn(**column) for column in document["columns"]],
            workflow=self.workflow(job_id),
            given=self._database.jobs.files_below(job_id, GIVEN),
        )


def _kept[K, V](kept: OrderedDict[K, V], key: K, make: Any) -> V:
    if key not in kept:
        kept[key] = make()
        if len(kept) > _JOBS_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _found(workflow: Workflow, name: str) -> Process:
    process = workflow.find_process(name)
    assert process is not None, "checked when the workflow was taken in"
    return process
