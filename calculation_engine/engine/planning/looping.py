"""Carries a loop on: its baselines, then one evaluation after the other until the participants agree.

All that a loop is stands in its steps: which x was asked is an input of an evaluation's first step, g(x) the output of
its last. So planning rebuilds the coupling from the steps each time, and a loop goes on in the middle of an evaluation.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from calculation_engine.bridges.base import Bridge, Node
from calculation_engine.bridges.exchange import ExchangeTable
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.coupling import SUCCESSES, Evaluation, Scheme, Word
from calculation_engine.db.rows import NewStep
from calculation_engine.engine.planning.convergence import convergence_csv, loop_view
from calculation_engine.engine.planning.loops import START, baseline_path, baselines_read, evaluation_of
from calculation_engine.engine.planning.planner import Part
from calculation_engine.engine.planning.priors import PRIOR_FILE, Prior, prior_of
from calculation_engine.engine.planning.scheme import make_scheme
from calculation_engine.engine.planning.scope import Scope
from calculation_engine.engine.planning.wiring import Wiring
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.workflow import Loop
from calculation_engine.states import ENDED, Reason, State

REPORT = "report"

#: A failure that says nothing of the point that was evaluated: the loop ends with it.
_NOT_THE_POINT = {
    Reason.ENGINE_ERROR,
    Reason.ENVIRONMENT_FAILED,
    Reason.IMAGE_MISSING,
    Reason.LOST,
    Reason.NOT_REPRODUCED,
    Reason.OUTPUT_MISSING,
}
_REASON_OF = {
    Word.FAILED: Reason.LOOP_FAILED,
    Word.STALLED: Reason.STALLED,
    Word.NOISE_FLOOR: Reason.NOISE_FLOOR,
    Word.MAX_EVALUATIONS: Reason.MAX_EVALUATIONS,
}


@dataclass
class LoopLook:
    """How a loop stands, and which steps it needs now."""

    part: Part
    steps: list[NewStep] = field(default_factory=list)
    view: dict[str, Any] = field(default_factory=dict)
    """What the job's reply tells of it."""
    solution: str | None = None
    """Path of the evaluation that stands for the result, once it has ended."""
    leaves: Prior | None = None
    """What it leaves for its neighbours in a sweep, once it has agreed."""


class _Ended(Exception):
    def __init__(self, state: State, reason: Reason | None, message: str) -> None:
        super().__init__(message)
        self.state, self.reason, self.message = state, reason, message


class _Waiting(Exception):
    def __init__(self, steps: list[NewStep], message: str = "") -> None:
        super().__init__(message)
        self.steps, self.message = steps, message


class LoopRun:
    """One loop of one job, as its steps say that it stands."""

    def __init__(self, loop: Loop, scope: Scope, wiring: Wiring) -> None:
        self._loop = loop
        self._job = scope.job
        self._steps = scope.steps
        self._place = f"{scope.prefix}{loop.name}"
        self._prior = scope.prior(loop)
        self._wiring = wiring
        self._start: ExchangeTable | None = None
        self._scheme: Scheme | None = None

    def look(self) -> LoopLook:
        """Return how the loop stands and the steps that it needs now."""
        solution = leaves = None
        try:
            word = self._walk()
            part = self._part(State.SUCCEEDED, None, self._sentence())
            if word not in SUCCESSES:
                part = self._part(State.FAILED, _REASON_OF[word], self._sentence())
            new: list[NewStep] = []
            if self._scheme and self._scheme.solution:
                solution = f"{self._loop.name}/{self._scheme.solution}"
            if word in SUCCESSES and self._scheme and self._start:
                leaves = prior_of(self._scheme, self._start, self._place)
        except _Ended as end:
            part, new = self._part(end.state, end.reason, end.message), []
        except _Waiting as waiting:
            part, new = self._part(State.RUNNING, None, waiting.message or self._sentence()), waiting.steps
        view = loop_view(self._place, self._scheme, self._used_prior.source if self._used_prior else None)
        return LoopLook(part, new, view, solution, leaves)

    @property
    def _used_prior(self) -> Prior | None:
        return self._prior if self._scheme is not None and self._scheme.prior else None

    def _walk(self) -> Word:
        """Go along the steps that are there, and raise where one is missing, runs or ended the loop."""
        bridge = make_bridge(self._loop.bridge.name, self._loop.bridge.config)
        sequence = self._loop.sequence
        start = bridge.start(sequence)
        self._require([self._baseline_step(name) for name in baselines_read(bridge, self._loop)], "the baseline")
        self._require([self._node_step(start, START)], "the start of the loop")
        self._start, declared = self._wiring.start(f"{self._loop.name}/{START}")
        self._scheme = make_scheme(self._loop, self._start, declared, self._prior)
        while self._scheme.word is None:
            self._refuse_after_time_limit()
            self._evaluate(bridge, self._scheme, len(self._scheme.log) + 1)
        report = bridge.report(sequence)
        if report is not None and self._scheme.solution:
            last = evaluation_of(bridge, self._loop)[-1]
            self._require([self._report_step(report, self._scheme, last)], "the report")
        return self._scheme.word

    def _evaluate(self, bridge: Bridge[Any], scheme: Scheme, number: int) -> None:
        nodes = evaluation_of(bridge, self._loop)
        place = f"{self._loop.name}/{number}"
        asked = self._wiring.asked(self._steps, nodes, place)
        if asked is None:
            table = self._wiring.table(scheme.ask())
            asked = table
        for node in nodes:
            path = f"{place}/{node.name}"
            step = self._steps.get(path)
            if step is None:
                raise _Waiting([self._new(node, path, asked)])
            if step.state is State.CANCELLED:
                raise _Ended(State.CANCELLED, Reason.CANCELLED, "cancelled on request")
            if step.state is State.FAILED:
                if step.reason in _NOT_THE_POINT:
                    raise _Ended(State.FAILED, step.reason, f"evaluation {number}, {node.name}: {step.message}")
                scheme.replay([Evaluation(asked.values_tuple, None, f"{node.name}: {step.message}")])
                return
            if step.state is not State.SUCCEEDED:
                raise _Waiting([], f"evaluation {number}: {node.name} {step.state}. {self._sentence()}".strip())
        self._tell(scheme, asked, f"{place}/{nodes[-1].name}")

    def _tell(self, scheme: Scheme, asked: ExchangeTable, path: str) -> None:
        try:
            answered = self._wiring.answer(self._steps[path])
        except InvalidInput as error:
            scheme.replay([Evaluation(asked.values_tuple, None, str(error))])
            return
        scheme.replay([Evaluation(asked.values_tuple, answered)])

    def _require(self, steps: list[tuple[str, NewStep | None]], what: str) -> None:
        """Return when all these steps have succeeded; else raise what that means for the loop."""
        missing = [step for _, step in steps if step is not None]
        if missing:
            raise _Waiting(missing, f"{what} is computed")
        for path, _ in steps:
            step = self._steps[path]
            if step.state is State.FAILED:
                reason = step.reason if step.reason in _NOT_THE_POINT else Reason.LOOP_FAILED
                raise _Ended(State.FAILED, reason, f"{what} failed at {path}: {step.message}")
            if step.state is State.CANCELLED:
                raise _Ended(State.CANCELLED, Reason.CANCELLED, "cancelled on request")
        if any(self._steps[path].state not in ENDED for path, _ in steps):
            raise _Waiting([], f"{what} is computed")

    def _baseline_step(self, name: str) -> tuple[str, NewStep | None]:
        path = baseline_path(self._loop, name)
        return path, None if path in self._steps else self._wiring.baseline_step(self._loop, name, path)

    def _node_step(self, node: Node, name: str) -> tuple[str, NewStep | None]:
        path = f"{self._loop.name}/{name}"
        return path, None if path in self._steps else self._new(node, path, None)

    def _report_step(self, node: Node, scheme: Scheme, last: Node) -> tuple[str, NewStep | None]:
        path = f"{self._loop.name}/{REPORT}"
        if path in self._steps:
            return path, None
        solution = f"{self._loop.name}/{scheme.solution}"
        step = self._wiring.node_step(self._loop, node, path, evaluation=solution, asked=None)
        for number, entry in enumerate(scheme.log, 1):
            step.files.update(self._wiring.history(f"{self._loop.name}/{number}", number, entry.x, last))
        if self._used_prior:
            step.files[PRIOR_FILE] = self._wiring.put(self._used_prior.text())
        step.files["convergence.csv"] = self._wiring.put(convergence_csv(scheme))
        step.files["loop.json"] = self._wiring.put(json.dumps(self._description(scheme), indent=1, sort_keys=True))
        return path, step

    def _description(self, scheme: Scheme) -> dict[str, Any]:
        """Return what ran and how it ended, without ids and times: an equal run has an equal report."""
        steps = [step for path, step in self._steps.items() if path.startswith(f"{self._loop.name}/")]
        return {
            "loop": self._loop.model_dump(mode="json"),
            "verdict": scheme.word,
            "solution": scheme.solution,
            "sentence": self._sentence(),
            "steps": [
                {"path": step.path, "module": step.module, "version": step.module_version, "key": step.key}
                for step in sorted(steps, key=lambda step: step.queued)
            ],
        }

    def _new(self, node: Node, path: str, asked: ExchangeTable | None) -> NewStep:
        return self._wiring.node_step(self._loop, node, path, evaluation=path.rsplit("/", 1)[0], asked=asked)

    def _refuse_after_time_limit(self) -> None:
        limit = self._loop.time_limit
        if limit is None or self._job.started is None:
            return
        seconds = time.time() - self._job.started.timestamp()
        number = len(self._scheme.log) + 1 if self._scheme else 1
        if seconds > limit and not any(path.startswith(f"{self._loop.name}/{number}/") for path in self._steps):
            message = f"after {seconds:.0f} s, with a time limit of {limit:g} s: {self._sentence()}"
            raise _Ended(State.FAILED, Reason.TIME_LIMIT, message)

    def _sentence(self) -> str:
        return self._scheme.reports[-1].sentence if self._scheme and self._scheme.reports else ""

    def _part(self, state: State, reason: Reason | None, message: str) -> Part:
        return Part(self._loop.name, state, reason, message, self._fraction(state))

    def _fraction(self, state: State) -> float | None:
        if state in ENDED or self._scheme is None or not self._scheme.reports:
            return 1.0 if state in ENDED else 0.0
        done = len(self._scheme.log)
        expected = self._scheme.reports[-1].expected
        return done / (done + max(1.0, expected[0])) if expected else None
