"""Why steps were computed or reused, told from what the database keeps of this run and of earlier ones.

A step is compared with the most alike of the last 20 runs of its module for the same owner: those at the same path in
the workflow, where there are any, else those at any path. Most alike is the run that differs in the fewest values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow, RunRow, StepRow
from calculation_engine.engine.explaining.likeness import Computed, differences, most_alike
from calculation_engine.engine.explaining.waits import Waits
from calculation_engine.schemas.files import SWEEP_MODULE
from calculation_engine.schemas.why import Cause, RunRef, StepWhy, Verification
from calculation_engine.states import ENDED, State

_CANDIDATES = 20
RULE = (
    "each step is compared with the most alike of the last 20 runs of its module at the same path, or, where there is "
    "none, at any path: the one that differs in the fewest values"
)


@dataclass
class Reasons:
    """Tells why, for steps of one job."""

    database: Database
    job: JobRow
    waits: Waits
    _contents: dict[str, dict[str, str] | None] = field(default_factory=dict)

    def of(self, steps: Sequence[StepRow]) -> list[StepWhy]:
        """Return why each of the steps was computed or reused."""
        found = self.database.history.runs([step.id for step in steps])
        sources = [step.reused_from for step in steps if step.reused_from]
        known = self.database.history.steps(sources) if sources else {}
        return [self._of(step, found.get(step.id), known) for step in steps]

    def _of(self, step: StepRow, run: RunRow | None, sources: dict[str, StepRow]) -> StepWhy:
        why = StepWhy(step=step.id, path=step.path, state=step.state, outcome="waiting", sentence="")
        if step.module == SWEEP_MODULE:
            why.outcome, why.sentence = "not_computed", "not computed: it only puts the rows of the sweep into tables"
        elif step.reused_from:
            self._tell_reused(why, step, sources.get(step.reused_from))
        elif run is not None:
            self._tell_computed(why, Computed(step, run))
        elif step.attempt:
            why.outcome, why.sentence = "computed", "computed, before it was noted why"
        elif step.state in ENDED:
            why.outcome, why.sentence = "not_computed", f"not computed: {step.message or step.reason or step.state}"
        else:
            why.sentence = "not decided yet: whether a stored result fits is seen when it is its turn"
        why.waits = self.waits.of(step)
        if why.waits is not None:
            decided = "" if why.outcome == "waiting" else f"{why.sentence}; "
            why.sentence = f"{decided}queued: {why.waits.sentence}"
        return why

    def _tell_reused(self, why: StepWhy, step: StepRow, source: StepRow | None) -> None:
        why.outcome = "reused"
        same = f"module {step.module} {step.module_version or ''}".rstrip() + ", environment, command, config and "
        same += "the one input file are" if len(step.files) == 1 else f"all {len(step.files)} input files are"
        if source is None:
            why.reused_from = RunRef(step=str(step.reused_from))
            gone = "that was not brought here" if self.job.imported else "whose job was deleted since"
            why.sentence = f"reused: {same} those of a step {gone}"
            return
        why.reused_from = self._ref(source)
        why.sentence = f"reused: {same} those of {_name(why.reused_from)}"

    def _tell_computed(self, why: StepWhy, computed: Computed) -> None:
        step, run = computed.step, computed.run
        why.outcome = "computed"
        why.verification = Verification.model_validate(run.verification) if run.verification else None
        word = run.cause.get("word")
        if word == "reuse_off":
            why.causes.append(Cause(kind="reuse_off", sentence="taking stored results is switched off (reuse: never)"))
        elif word == "verify":
            why.causes.append(Cause(kind="verify", sentence=_verify_sentence(why.verification)))
        elif word == "imported":
            told = "it ran on another machine, and its result was brought here"
            why.causes.append(Cause(kind="imported", sentence=told))
        elif word == "result_damaged":
            told = f"files of the stored result of step {run.cause.get('reference')} were gone or damaged"
            why.causes.append(Cause(kind="result_damaged", sentence=told))
        else:
            self._tell_no_result(why, computed)
        if why.compared_with is None and word in {"reuse_off", "verify"}:
            earlier = most_alike(computed, self._earlier(step))
            why.compared_with = self._ref(earlier.step) if earlier else None
        why.sentence = f"computed: {'; '.join(cause.sentence for cause in why.causes)}"
        if why.compared_with is not None and word == "no_result":
            why.sentence += f"; last run: {_name(why.compared_with)}"

    def _tell_no_result(self, why: StepWhy, computed: Computed) -> None:
        step = computed.step
        deleted = self.database.history.deleted(step.key) if step.key else None
        if deleted is not None and (step.started is None or deleted[1] <= step.started):
            told = (
                f"the same was computed before, and its result was deleted with job {deleted[0]}, {_time(deleted[1])}"
            )
            why.causes.append(Cause(kind="result_deleted", sentence=told))
            return
        earlier = most_alike(computed, self._earlier(step))
        if earlier is None:
            told = f"it is the first run of module {step.module} here"
            why.causes.append(Cause(kind="first_run", sentence=told))
            return
        why.compared_with = self._ref(earlier.step)
        for content in (earlier.run.content_hash, computed.run.content_hash):
            if content not in self._contents:
                self._contents[content] = self.database.history.content(content)
        why.causes += differences(earlier, computed, self._contents) or [_same_again(earlier.step)]

    def _earlier(self, step: StepRow) -> list[Computed]:
        """Return the last runs that a step may be compared with, newest first."""
        history = self.database.history
        ids = history.earlier(step, self.job.owner, _CANDIDATES)
        if not ids:
            return []
        rows, runs = history.steps(ids), history.runs(ids)
        return [Computed(rows[step_id], runs[step_id]) for step_id in ids if step_id in rows and rows[step_id].spec]

    def _ref(self, step: StepRow) -> RunRef:
        job_id, name, owner = self.database.history.jobs_of([step.id]).get(step.id, (None, None, None))
        if owner != self.job.owner:
            return RunRef(step=step.id)
        ended = step.ended.isoformat(timespec="seconds").replace("+00:00", "Z") if step.ended else None
        return RunRef(step=step.id, path=step.path, job=job_id, job_name=name or None, ended=ended)


def _same_again(earlier: StepRow) -> Cause:
    """Return why a step was computed of which an equal one ran before."""
    if earlier.state is State.SUCCEEDED:
        told = "the same was computed before, but its result was not there yet when this began"
        return Cause(kind="result_absent", sentence=told)
    how = f"{earlier.state}, {earlier.reason}" if earlier.reason else f"{earlier.state}"
    return Cause(kind="earlier_failed", sentence=f"nothing changed, but the earlier run has no result ({how})")


def _verify_sentence(found: Verification | None) -> str:
    asked = "its result was to be verified (reuse: verify)"
    return f"{asked}; {found.sentence}" if found else asked


def _name(ref: RunRef) -> str:
    if ref.job is None:
        return f"step {ref.step} of somebody else's job"
    named = f"job {ref.job}" + (f" ({ref.job_name})" if ref.job_name else "")
    return f"step {ref.path} of {named}" + (f", {ref.ended}" if ref.ended else "")


def _time(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def summary(whys: Sequence[StepWhy]) -> str:
    """Return how many steps were computed, and how many reused."""
    counts: dict[str, Any] = {}
    for why in whys:
        counts[why.outcome] = counts.get(why.outcome, 0) + 1
    words = {"computed": "computed", "reused": "reused", "waiting": "not decided yet", "not_computed": "not computed"}
    return ", ".join(f"{counts[word]} {text}" for word, text in words.items() if word in counts) or "no steps yet"
