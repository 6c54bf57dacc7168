"""The final words of a coupling, and what they mean."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """How a coupling ended."""

    CONVERGED = "converged"  #: residual and estimated error are within tolerance
    CONVERGED_SET = "converged_set"  #: the equilibrium lies inside a jump, which is enclosed
    NOISE_FLOOR = "noise_floor"  #: what is left of the residual is noise of the models
    STALLED = "stalled"  #: the residual falls no more
    FAILED = "failed"  #: the models failed too often in a row
    MAX_EVALUATIONS = "max_evaluations"  #: the limit of evaluations came first
    ONE_WAY = "one_way"  #: the one evaluation that was wanted is there; whether the models agree was not asked


class Caution(StrEnum):
    """What is worth knowing beside a final word."""

    UNSTABLE_EQUILIBRIUM = "unstable_equilibrium"  #: the models drive each other away from this solution
    TOLERANCE_BELOW_NOISE = "tolerance_below_noise"  #: the tolerance is less than five times the declared noise


#: The words that are success; ``one_way`` is what was asked for, and claims no agreement.
SUCCESSES = frozenset({Word.CONVERGED, Word.CONVERGED_SET, Word.ONE_WAY})
