"""The coupling as an ask/tell object: state = configuration + an append-only log of evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from calculation_engine.coupling.options import Options
from calculation_engine.coupling.points import Evaluation, make_point
from calculation_engine.coupling.report import Report, make_report
from calculation_engine.coupling.search import Search
from calculation_engine.coupling.variables import Group, Variables, Vector
from calculation_engine.coupling.words import Word
from calculation_engine.errors import Conflict

#: Evaluations of an earlier coupling that are learnt from.
PRIOR_LIMIT = 25


class Scheme:
    """Finds x with g(x) = x in few evaluations of g.

    ``ask`` gives the x to evaluate, ``tell`` or ``tell_failure`` take what came of it. Everything else follows from
    the configuration and ``log``: :meth:`replay` rebuilds the same state to the last bit.

    Args:
        groups: the exchange variables, n in all.
        start: first x, shape (n,), in the variables' units.
        options: how the iteration behaves.
        prior: evaluations of a near problem, oldest first; the last 25 are learnt from until they mislead.

    Raises:
        InvalidInput: groups, start or options are wrong; every fault is named.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        start: ArrayLike,
        options: Options | None = None,
        prior: Sequence[Evaluation] = (),
    ) -> None:
        first = np.array(start, dtype=float)
        self.options = options or Options()
        self.variables = Variables(groups, first)
        self.start = tuple(map(float, first))
        self.prior = tuple(prior)[-PRIOR_LIMIT:]
        self.log: list[Evaluation] = []
        self.reports: list[Report] = []
        points = [
            make_point(self.variables, 0, np.array(entry.x), np.array(entry.g))
            for entry in self.prior
            if entry.g is not None and not any(map(self.variables.fault_of, map(np.array, (entry.x, entry.g))))
        ]
        self._search = Search(self.variables, self.options, first, points)

    def ask(self) -> Vector:
        """Return the x to evaluate next, shape (n,), in the variables' units; the same until something is told.

        Raises:
            Conflict: the coupling has ended.
        """
        self._must_run()
        return self._search.step.x.copy()

    def tell(self, g: ArrayLike) -> Report:
        """Take in g(x) of the x that was asked for; an answer that is no number, or <= 0 where it may not, failed.

        Raises:
            Conflict: the coupling has ended.
        """
        self._must_run()
        answer = np.array(g, dtype=float)
        fault = self.variables.fault_of(answer)
        if fault:
            return self.tell_failure(f"the answer is unusable: {fault}")
        self.log.append(Evaluation(self._asked(), tuple(map(float, answer))))
        with np.errstate(all="ignore"):
            self._search.add(answer)
        return self._report()

    def tell_failure(self, failure: str) -> Report:
        """Take in that the x that was asked for could not be evaluated, and why (a sentence).

        Raises:
            Conflict: the coupling has ended.
        """
        self._must_run()
        self.log.append(Evaluation(self._asked(), None, failure))
        with np.errstate(all="ignore"):
            self._search.add_failure()
        return self._report()

    @property
    def word(self) -> Word | None:
        """The final word, or none while the coupling runs."""
        return self._search.word

    @property
    def solution(self) -> int | None:
        """Number of the evaluation (from 1) that stands for the result, or none if all failed."""
        point = self._search.solution
        return None if point is None else point.number

    def as_dict(self) -> dict[str, Any]:
        """Return configuration and log as JSON holds them, exactly."""
        return {
            "groups": [group.as_dict() for group in self.variables.groups],
            "start": list(self.start),
            "options": self.options.as_dict(),
            "prior": [entry.as_dict() for entry in self.prior],
            "log": [entry.as_dict() for entry in self.log],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Scheme:
        """Return the scheme that :meth:`as_dict` wrote."""
        scheme = cls(
            [Group.from_dict(group) for group in values["groups"]],
            values["start"],
            Options.from_dict(values["options"]),
            [Evaluation.from_dict(entry) for entry in values["prior"]],
        )
        scheme.replay(Evaluation.from_dict(entry) for entry in values["log"])
        return scheme

    def replay(self, log: Iterable[Evaluation]) -> None:
        """Take in evaluations of an earlier life of this coupling, in their order.

        What was evaluated counts: where another processor rounds the last bits differently, the log's x is taken.

        Raises:
            Conflict: an entry is not what this configuration asks for.
        """
        for entry in log:
            asked, logged = self.ask(), np.array(entry.x)
            if logged.shape != asked.shape or not np.allclose(logged, asked, rtol=1e-6, atol=0):
                raise Conflict(
                    f"evaluation {len(self.log) + 1} of the log is not the one that these settings ask for",
                    hint="continue with the settings and the version that the coupling began with",
                )
            self._search.take_logged(logged)
            if entry.g is None:
                self.tell_failure(entry.failure or "")
            else:
                self.tell(entry.g)

    def _asked(self) -> tuple[float, ...]:
        return tuple(map(float, self._search.step.x))

    def _report(self) -> Report:
        self.reports.append(make_report(self._search, self.log))
        return self.reports[-1]

    def _must_run(self) -> None:
        if self.word is not None:
            raise Conflict(f"the coupling has ended: {self.word}", hint="begin another with `prior` to go on from here")
