"""The accelerations, by name: each proposes the next move from what was evaluated.

Symbols: base ``b``, residual ``f``, secants ``V`` and ``W``, unexplained part ``rho`` (see ``secants``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calculation_engine.coupling.linear import dot
from calculation_engine.coupling.options import Options
from calculation_engine.coupling.points import Point
from calculation_engine.coupling.secants import collect_secants
from calculation_engine.coupling.variables import Vector
from calculation_engine.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Proposal:
    """A move that a method proposes.

    Args:
        move: change of z, shape (n,) [-].
        rest: part of the residual that no secant explains, shape (n,) [-].
        share: share of ``rest`` that is in the move (beta) [-].
    """

    move: Vector
    rest: Vector
    share: float


class Method(ABC):
    """A way to propose the next move; it learns from each evaluation it proposed."""

    name: ClassVar[str]
    #: Whether steps that made it worse are taken back, stalls restarted and jumps enclosed.
    safeguarded: ClassVar[bool] = False

    def __init__(self, options: Options, noise: Vector) -> None:
        self.options = options
        self.noise = noise
        self.share = options.relaxation

    @abstractmethod
    def propose(self, base: Point, points: Sequence[Point]) -> Proposal:
        """Return the move from ``base``, given all points to learn from, oldest first; ``base`` is among them."""

    def learn(self, proposal: Proposal, base: Point, new: Point) -> None:
        """Take in what came of ``proposal``, whose move was made from ``base`` in full and led to ``new``."""


class Constant(Method):
    """Plain damping, ``z + a f``: the rule of most prototypes, kept for comparison."""

    name = "constant"

    def propose(self, base: Point, points: Sequence[Point]) -> Proposal:
        """Return the damped residual."""
        return Proposal(self.share * base.f, base.f, self.share)


class Aitken(Method):
    """Damping with one factor that follows the last two evaluations. Source: Irons & Tuck 1969."""

    name = "aitken"

    def propose(self, base: Point, points: Sequence[Point]) -> Proposal:
        """Return the residual times the current factor."""
        if len(points) > 1:
            change, move = base.f - points[-2].f, base.z - points[-2].z
            square = dot(change, change)
            factor = -dot(move, change) / square if square > 0 else np.nan
            self.share = factor if np.isfinite(factor) and factor != 0 else self.options.relaxation
        return Proposal(self.share * base.f, base.f, self.share)


class Anderson(Method):
    """Anderson mixing over the last few evaluations, with a constant share of the rest. Source: Walker & Ni 2011."""

    name = "anderson"

    def propose(self, base: Point, points: Sequence[Point]) -> Proposal:
        """Return the move of the last ``depth`` secants and the damped rest."""
        secants = collect_secants(points[-self.options.depth - 1 :], self.options.depth, 1e-9, self.noise)
        move, rest = secants.explain(base.f)
        return Proposal(move + self.share * rest, rest, self.share)


class Multisecant(Method):
    """IQN-ILS with all columns, safeguarded, and a learnt share of the rest.

    Sources: Degroote, Bathe & Vierendeels 2009 (least squares on all secants); the share is Aitken's factor on the
    part that the secants do not explain.
    """

    name = "multisecant"
    safeguarded = True

    def propose(self, base: Point, points: Sequence[Point]) -> Proposal:
        """Return the move of all secants that add something, and the learnt share of the rest."""
        secants = collect_secants(points, self.options.columns, self.options.filter, self.noise)
        if not secants.count:
            share = self.options.relaxation
            return Proposal(share * base.f, base.f, share)
        move, rest = secants.explain(base.f)
        return Proposal(move + self.share * rest, rest, self.share)

    def learn(self, proposal: Proposal, base: Point, new: Point) -> None:
        """Estimate the slope along the rest, and from it the share that removes it."""
        square = dot(proposal.rest, proposal.rest)
        if not square > 1e-4 * dot(base.f, base.f):
            return
        slope = 1 - (1 - dot(proposal.rest, new.f) / square) / proposal.share
        if np.isfinite(slope):
            slope = min(max(slope, -3.0), 0.9)
            self.share = min(max(1 / (1 - slope), 0.25), 1.0)


METHODS: dict[str, type[Method]] = {method.name: method for method in (Constant, Aitken, Anderson, Multisecant)}


def make_method(options: Options, noise: Vector) -> Method:
    """Return the method that ``options`` names.

    Raises:
        InvalidInput: there is no method of that name.
    """
    if options.method not in METHODS:
        known = ", ".join(METHODS)
        raise InvalidInput(f"acceleration.method: there is no method {options.method!r}", hint=f"one of {known}")
    return METHODS[options.method](options, noise)
