"""What a loop leaves for its neighbours in a sweep, its solution and last evaluations, and what they make of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calculation_engine.bridges.exchange import ExchangeTable
from calculation_engine.coupling import Evaluation, Scheme
from calculation_engine.coupling.scheme import PRIOR_LIMIT

PRIOR_FILE = "prior.json"


@dataclass(frozen=True)
class Prior:
    """A neighbour's solution and evaluations; or where a loop starts, as it follows from several of them.

    Args:
        source: path of the loop in its job.
        variables: what each value is: variable, index, unit, group.
        solution: g(x) of the evaluation that stands for the result, or where several of these lead, in the variables'
            units.
        evaluations: the last ones, oldest first.
    """

    source: str
    variables: list[list[str]]
    solution: tuple[float, ...]
    evaluations: tuple[Evaluation, ...]

    def fits(self, start: ExchangeTable) -> bool:
        """Return whether a loop iterates the same variables, so that it can start here."""
        return self.variables == _described(start)

    def towards(self, others: Sequence[Prior], weights: Sequence[float]) -> Prior:
        """Return this prior with the solution that follows from its own and others', which it outweighs.

        A value that would change its sign stays as it is here.

        Args:
            others: priors of the same variables.
            weights: of this one and the others, 1 in all.
        """
        solutions = np.array([self.solution, *(other.solution for other in others)])
        near, moved = solutions[0], np.array(weights) @ solutions
        kept = np.where(np.sign(moved) == np.sign(near), moved, near)
        return replace(self, solution=tuple(map(float, kept)))

    def text(self) -> str:
        """Return it as JSON; every number survives to the last bit."""
        document: dict[str, Any] = {"source": self.source, "variables": self.variables, "solution": self.solution}
        document["evaluations"] = [evaluation.as_dict() for evaluation in self.evaluations]
        return json.dumps(document, indent=1, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Prior:
        """Return what :meth:`text` wrote."""
        document = json.loads(text)
        evaluations = tuple(Evaluation.from_dict(entry) for entry in document["evaluations"])
        return cls(document["source"], document["variables"], tuple(document["solution"]), evaluations)


def prior_of(scheme: Scheme, start: ExchangeTable, source: str) -> Prior | None:
    """Return what a loop that has ended leaves, or None where it has no solution."""
    if scheme.solution is None:
        return None
    answer = scheme.log[scheme.solution - 1].g
    assert answer is not None, "the solution is an evaluation that succeeded"
    last = [entry for entry in scheme.log if entry.g is not None][-PRIOR_LIMIT:]
    return Prior(source, _described(start), answer, tuple(last))


def _described(table: ExchangeTable) -> list[list[str]]:
    return [[v.variable, v.index, v.unit, v.group] for v in table.variables]
