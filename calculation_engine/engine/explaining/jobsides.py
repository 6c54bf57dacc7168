"""The two jobs of a comparison, loaded, and their steps side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import batched

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, OutputFile, RunRow, StepRow

_AT_ONCE = 500


@dataclass(frozen=True)
class Made:
    """A step with what it was computed from, by itself or by the step that it was reused from."""

    step: StepRow
    source: StepRow | None
    run: RunRow | None


@dataclass
class LoadedJob:
    """One of the two jobs, loaded."""

    job: JobRow
    made: dict[str, Made]
    outputs: dict[str, list[OutputFile]] = field(default_factory=dict)


def load_side(database: Database, job: JobRow, path: str | None) -> LoadedJob:
    """Return a job with its steps, those that they were reused from, and their outputs; ``path``: of one step alone."""
    steps = [step for step in database.steps.of_job(job.id) if path is None or step.path == path]
    history = database.history
    runs: dict[str, RunRow] = {}
    sources: dict[str, StepRow] = {}
    ids = [step.reused_from or step.id for step in steps]
    for part in batched(sorted(set(ids)), _AT_ONCE):
        runs |= history.runs(part)
    for part in batched(sorted({step.reused_from for step in steps if step.reused_from}), _AT_ONCE):
        sources |= history.steps(part)
    made = {}
    for step in steps:
        source = sources.get(step.reused_from) if step.reused_from else step
        made[step.path] = Made(step, source, runs.get(step.reused_from or step.id))
    view = LoadedJob(job, made)
    wanted = {step.id for step in steps}
    for file in database.steps.outputs(job.id):
        if file.step_id in wanted:
            view.outputs.setdefault(file.step_id, []).append(file)
    return view


def pairs_of(a: LoadedJob, b: LoadedJob) -> list[tuple[Made | None, Made | None]]:
    """Return the steps of both by path; where each has one that the other has not, these two belong together."""
    rest_a = [path for path in a.made if path not in b.made]
    rest_b = [path for path in b.made if path not in a.made]
    both = [(a.made[path], b.made[path]) for path in a.made if path in b.made]
    if len(rest_a) == len(rest_b) == 1:
        return [*both, (a.made[rest_a[0]], b.made[rest_b[0]])]
    return [*both, *((a.made[path], None) for path in rest_a), *((None, b.made[path]) for path in rest_b)]
