"""What is known of a job, wherever it ran."""

from __future__ import annotations

from typing import Any, cast

from calculation_engine.client.display import job_html
from calculation_engine.client.ids import short_id
from calculation_engine.errors import Fault, JobFailed
from calculation_engine.schemas.job import JobSummary, JobView, StepView
from calculation_engine.states import ENDED, Reason, State


class Record:
    """A job, as it was when it was last asked for."""

    def __init__(self, summary: JobSummary) -> None:
        self._summary = summary

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.name!r}: {self.state}>"

    def _repr_html_(self) -> str:
        return job_html(self.view)

    @property
    def id(self) -> str:
        """Id, a UUIDv7."""
        return self._summary.id

    @property
    def short_id(self) -> str:
        """Beginning of the id that is enough to name the job."""
        return short_id(self.id)

    @property
    def name(self) -> str:
        """Name that the user gave."""
        return self._summary.name

    @property
    def state(self) -> State:
        """Where it stands."""
        return self._summary.state

    @property
    def reason(self) -> Reason | None:
        """Why it failed, or was cancelled."""
        return self._summary.reason

    @property
    def message(self) -> str:
        """What is to be said of it, in a sentence."""
        return self._summary.message

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in ENDED

    @property
    def summary(self) -> JobSummary:
        """What a list tells of it."""
        return self._summary

    @property
    def view(self) -> JobView:
        """All that is known of it, steps included."""
        return cast(JobView, self._summary)

    @property
    def steps(self) -> list[StepView]:
        """The runs of modules that it consists of so far."""
        return self.view.steps

    @property
    def verdicts(self) -> dict[str, dict[str, Any]]:
        """What solvers said, by step: status, objective and the like."""
        return {step.path: step.verdict for step in self.steps if step.verdict}

    def failure(self) -> JobFailed:
        """Return what went wrong as an error: each failed step with its reason, exit code and message."""
        failed = [step for step in self.steps if step.state is State.FAILED]
        faults = [Fault(step.path, _sentence(step)) for step in failed]
        message = f"job {self.short_id} {self.state}" + (f": {self.reason}" if self.reason else "")
        if self.message and not any(self.message == step.message for step in failed):
            message += f": {self.message}"
        return JobFailed(message, hint=f"the whole log: calculation-engine job log {self.short_id}", faults=faults)


def _sentence(step: StepView) -> str:
    code = "" if step.exit_code is None else f", exit code {step.exit_code}"
    return f"{step.reason}{code}: {step.message}" if step.message else f"{step.reason}{code}"
