"""What is planned together: a job's workflow, or what one row of a sweep runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from calculation_engine.db.rows import JobRow, NewOutput, NewStep, StepRow
from calculation_engine.engine.planning.priors import Prior
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.workflow import Loop, Workflow

Files = dict[str, Blob]


def no_prior(loop: Loop) -> Prior | None:
    """Return None: what is not in a sweep has no neighbours."""
    return None


@dataclass(frozen=True)
class Scope:
    """A workflow, the steps of it that there are, and the files it was given.

    Args:
        job: that it belongs to.
        workflow: what is run.
        steps: its steps by path, a row's own path left out.
        files: returns the files of a process as the user gave them, or of a loop's baseline by the path of its step.
        prefix: path of the row, with a slash at its end; empty for the job's own workflow.
        outer: where pipes lead that leave a row.
        prior: returns what a loop starts from.
        solutions: of each loop that has ended, the path of the evaluation that stands for its result.
        tables: outputs of the sweeps that have ended just now, whose step is not stored yet.
    """

    job: JobRow
    workflow: Workflow
    steps: Mapping[str, StepRow]
    files: Callable[[str], Files]
    prefix: str = ""
    outer: Scope | None = None
    prior: Callable[[Loop], Prior | None] = no_prior
    solutions: dict[str, str | None] = field(default_factory=dict)
    tables: dict[str, Sequence[NewOutput]] = field(default_factory=dict)

    def stored(self, steps: list[NewStep]) -> list[NewStep]:
        """Return new steps with the paths that they have in the job."""
        return [replace(step, path=self.prefix + step.path) for step in steps] if self.prefix else steps
