"""What a solver returns, whichever it was."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a solver ended; the verdict's word."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"  #: a point that holds all constraints, not proven best
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible_or_unbounded"
    ITERATION_LIMIT = "iteration_limit"  #: ended there without a feasible point
    TIME_LIMIT = "time_limit"  #: ended there without a feasible point
    UNKNOWN = "unknown"


@dataclass
class Solution:
    """A solver's answer for a :class:`_lp.problem.Task`, in the order of its rows and columns.

    Duals are the change of the minimised objective per unit of the right-hand side; an integer program has none.
    """

    status: Status
    row_values: list[float] | None = None
    column_values: list[float] | None = None
    row_duals: list[float] | None = None
    column_duals: list[float] | None = None
    bound: float | None = None  #: best proven bound of the minimised objective, without its constant
    iterations: int | None = None
    nodes: int | None = None
    stopped_by: str | None = None  #: ``time_limit``, ``iteration_limit``: what ended it before the optimum
    solver: str = ""  #: name and version
    program_memory_bytes: int = 0  #: peak of the solver's own process, if it has one

    @property
    def has_point(self) -> bool:
        """Whether there are values to report."""
        return self.status in {Status.OPTIMAL, Status.FEASIBLE} and self.column_values is not None
