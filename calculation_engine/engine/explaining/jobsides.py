"""The two jobs of a comparison, loaded, and their steps side by side."""

from __future__ import annotations

from collections.abc import Mapping
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
    keys: dict[str, list[str]] = field(default_factory=dict)
    """Of each sweep, the columns that tell its rows apart."""


def load_side(database: Database, job: JobRow, path: str | None) -> LoadedJob:
    """Return a job with its steps, those that they were reused from, and their outputs; ``path``: of one step alone."""
    steps = [step for step in database.steps.of_job(job.id) if path is None or step.path == path]
    history = database.history
    runs: dict[str, RunRow] = {}
    sources: dict[str, StepRow] = {}
    ids = [*(step.id for step in steps), *(step.reused_from for step in steps if step.reused_from)]
    for part in batched(sorted(set(ids)), _AT_ONCE):
        runs |= history.runs(part)
    for part in batched(sorted({step.reused_from for step in steps if step.reused_from}), _AT_ONCE):
        sources |= history.steps(part)
    made = {}
    for step in steps:
        source = sources.get(step.reused_from) if step.reused_from else step
        if source is None and step.spec is not None:  # brought here: its own row has what it was computed from
            source = step
        made[step.path] = Made(step, source, runs.get(step.reused_from or step.id) or runs.get(step.id))
    view = LoadedJob(job, made)
    wanted = {step.id for step in steps}
    for file in database.steps.outputs(job.id):
        if file.step_id in wanted:
            view.outputs.setdefault(file.step_id, []).append(file)
    return view


def pairs_of(
    a: LoadedJob, b: LoadedJob, rows: Mapping[str, Mapping[int, int]] | None = None
) -> list[tuple[Made | None, Made | None]]:
    """Return the steps of both by path; where each has one that the other has not, these two belong together.

    But for rows of sweeps: those that are not in both set different values.

    Args:
        a, b: the jobs.
        rows: of each sweep that both have: number of a row in ``b`` to that of the same row in ``a``.
    """
    of_b = {_path_in_a(path, rows or {}): made for path, made in b.made.items()}
    both = [(made, of_b[path]) for path, made in a.made.items() if path in of_b]
    rest_a = [made for path, made in a.made.items() if path not in of_b]
    rest_b = [made for path, made in of_b.items() if path not in a.made]
    in_rows = any(made.step.path.partition("/")[0] in (rows or {}) for made in (*rest_a, *rest_b))
    if len(rest_a) == len(rest_b) == 1 and not in_rows:
        return [*both, (rest_a[0], rest_b[0])]
    return [*both, *((made, None) for made in rest_a), *((None, made) for made in rest_b)]


def _path_in_a(path: str, rows: Mapping[str, Mapping[int, int]]) -> str:
    """Return the path that a step of a row of ``b`` has in ``a``; one that nothing there has where the row is new."""
    sweep, _, rest = path.partition("/")
    number, _, inner = rest.partition("/")
    if sweep not in rows or not number.isdigit():
        return path
    return f"{sweep}/{rows[sweep].get(int(number), f'new {number}')}/{inner}"
