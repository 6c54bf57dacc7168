"""The search for a solution: what to evaluate next, and when to end, given one evaluation after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calculation_engine.coupling.convergence import Measures, has_stalled, is_converged, is_noise, measure
from calculation_engine.coupling.jumps import SignSearch, find_other_side, is_disordered
from calculation_engine.coupling.methods import Proposal, make_method
from calculation_engine.coupling.options import Options
from calculation_engine.coupling.points import Point, make_point
from calculation_engine.coupling.secants import Secants, collect_secants
from calculation_engine.coupling.trust import Trust
from calculation_engine.coupling.variables import Variables, Vector
from calculation_engine.coupling.words import Word

#: Sign searches in one coupling; the second is for a jump beside one that was no jump.
SIGN_SEARCHES = 2
#: Enclosures of one search that did not last: what looked like a jump is noise.
REFUTED = 2


@dataclass(frozen=True, eq=False)
class Step:
    """A step on its way.

    Args:
        base: point it leaves from; none for the start.
        x: exchange values to evaluate, shape (n,), in their units.
        proposal: what the method proposed, if the step is that proposal in full.
    """

    base: Point | None
    x: Vector
    proposal: Proposal | None = None


class Search:
    """The state of a search: it depends on what was added, in that order, and on nothing else."""

    def __init__(self, variables: Variables, options: Options, start: Vector, prior: Sequence[Point]) -> None:
        self.variables = variables
        self.options = options
        self.step = Step(None, start)
        self.came_from: Point | None = None  # what the step to the newest point left from
        self.points: list[Point] = []
        self.measures: list[Measures] = []
        self.secants = self._collect([])
        self.method = make_method(options, variables.noise)
        self.trust = Trust(options.max_step, self.method.safeguarded)
        self.signs: SignSearch | None = None
        self.word: Word | None = None
        self._start = start
        self._near = min(0.15 * options.max_step, 0.1)  # distance within which two points tell of a jump
        self._prior = list(prior)
        self._known: list[Point] = []  # what steps learn from: all points since the start or the restart
        self._watched: list[float] = []  # best residual after each of them
        self._asked = [variables.to_z(start)]
        self._count = self._failures = self._sign_searches = 0
        self._restarted = self._suspected = False

    def add(self, g: Vector) -> None:
        """Take in the answer to the step's x; it must be usable."""
        self._count, self._failures = self._count + 1, 0
        self.came_from = self.step.base
        point = make_point(self.variables, self._count, self.step.x, g)
        self.points.append(point)
        self._known.append(point)
        self.secants = self._collect([*self._prior, *self.points])
        measures = measure(self.variables, self.points, self.secants)
        self.measures.append(measures)
        self._watched.append(min(measures.largest, self._watched[-1] if self._watched else np.inf))
        if self.options.one_way:
            self.word = Word.ONE_WAY
        elif is_converged(measures, self.options, len(self.points)):
            self.word = Word.CONVERGED
        elif measures.within_noise:
            self.word = Word.NOISE_FLOOR
        elif self.signs is not None:
            self._follow_signs(self.signs, point)
        else:
            self._accelerate(point)
        self._stop_at_limit()

    def add_failure(self) -> None:
        """Take in that the step's x could not be evaluated: go half the way back to where it left from."""
        self._count, self._failures = self._count + 1, self._failures + 1
        base = self.step.base
        if self.options.one_way or self._failures >= self.options.max_failures:
            self.word = Word.FAILED
        elif base is None:
            self._ask(None, self._neighbour_of_start())
        else:
            move = self.variables.to_z(self.step.x) - base.z
            self.trust.shrink(float(np.max(np.abs(move))))
            self._ask(base, self.variables.to_x(base.z + 0.5 * move))
        self._stop_at_limit()

    def take_logged(self, x: Vector) -> None:
        """Put the x that was really evaluated, equal but for rounding, in place of the step's own."""
        self._asked[-1] = self.variables.to_z(x)
        self.step = replace(self.step, x=x)

    @property
    def solution(self) -> Point | None:
        """The point that the search stands for: the one that converged, else the one with the smallest residual."""
        if not self.points:
            return None
        if self.word is Word.CONVERGED:
            return self.points[-1]
        if self.word is Word.CONVERGED_SET and self.signs is not None and self.signs.enclosure is not None:
            return min(self.signs.enclosure.points, key=lambda point: point.size)
        return self.points[int(np.argmin([measures.largest for measures in self.measures]))]

    def _accelerate(self, point: Point) -> None:
        step = self.step
        if step.base is not None and step.proposal is not None:
            self.method.learn(step.proposal, step.base, point)
        if step.base is not None and point.size > 0.5 * step.base.size:
            self._prior = []
        self.trust.add(point)
        other = self._find_other_side(point)
        if other is not None:
            self._begin_signs([other, point])
        elif has_stalled(self._watched, self.options.stall_evaluations):
            self._leave_stall()
        else:
            self._propose()

    def _propose(self) -> None:
        """Ask for the method's step, or for a relaxation step where that was evaluated before."""
        base = self.trust.base
        assert base is not None
        if base.size == 0 and sum(np.array_equal(base.x, point.x) for point in self.points) == 1:
            self._ask(base, base.x)
            return
        proposal = self.method.propose(base, [*self._prior, *self._known])
        shares = [self.options.relaxation * 0.5**k for k in range(4)]
        for k, wanted in enumerate([proposal.move, *(share * base.f for share in shares)]):
            if not np.all(np.isfinite(wanted)):
                continue
            move, cut = self.trust.limit(wanted)
            x = self.variables.to_x(base.z + move)
            if self._is_new(x, 1e-6 * float(np.max(np.abs(base.f)))):
                at_bound = np.any((x == self.variables.lower) | (x == self.variables.upper))
                self._ask(base, x, None if k or cut or at_bound else proposal)
                return
        self._leave_stall()

    def _leave_stall(self) -> None:
        """Find out why it stalls: noise; else begin anew without secants once; else look for a jump."""
        best = self.trust.best
        assert best is not None
        if is_noise(self.variables, best):
            self.word = Word.NOISE_FLOOR
        elif not self.method.safeguarded:
            self.word = Word.STALLED
        elif not self._restarted and self._across_a_jump(best) is None:
            self._restart([best])
            self._propose()
        else:
            self._begin_signs([best])

    def _restart(self, known: list[Point]) -> None:
        self._restarted = True
        self._prior = []
        self._known = known
        self._watched = []
        self.trust.restart()
        self.method = make_method(self.options, self.variables.noise)

    def _find_other_side(self, point: Point) -> Point | None:
        """Return a point across a jump from ``point``, once the residual has stopped falling."""
        falls = len(self._watched) > 4 and self._watched[-1] <= 0.5 * self._watched[-5]
        if not self.method.safeguarded or falls or self._sign_searches >= SIGN_SEARCHES:
            return None
        return self._across_a_jump(point)

    def _across_a_jump(self, point: Point) -> Point | None:
        return find_other_side(self.variables, point, self.points, self._near)

    def _begin_signs(self, seeds: list[Point]) -> None:
        if self._sign_searches >= SIGN_SEARCHES or (self._sign_searches and self._is_disordered()):
            self._give_up()
            return
        self._sign_searches += 1
        self._suspected = len(seeds) > 1
        self.signs = SignSearch(self.options.jump_resolution, self.options.max_step, self.variables.noise)
        for point in sorted(seeds, key=lambda seed: -seed.size):
            self.signs.add(point)
        self._step_by_signs(self.signs)

    def _give_up(self) -> None:
        """End; but where a search began at a mere suspicion, go on without it once."""
        if self.signs is not None and self._suspected and self._sign_searches < SIGN_SEARCHES:
            self._leave_signs()
            return
        self.word = Word.NOISE_FLOOR if self._is_disordered() else Word.STALLED

    def _is_disordered(self) -> bool:
        return is_disordered(self.points, self._near)

    def _follow_signs(self, signs: SignSearch, point: Point) -> None:
        o = self.options
        signs.add(point)
        self.trust.add(point)
        if signs.confirmed:
            self.word = Word.CONVERGED_SET
        elif signs.refuted >= REFUTED:
            self.word = Word.NOISE_FLOOR
        elif len(signs.points) > (o.stall_evaluations if signs.is_one_sided else o.jump_evaluations):
            self._give_up()
        elif signs.is_calm:
            self._leave_signs()
        else:
            self._step_by_signs(signs)

    def _step_by_signs(self, signs: SignSearch) -> None:
        base = signs.points[-1]
        limit = self.options.max_step
        move = np.clip(signs.next() - base.z, -limit, limit)
        for share in (1.0, 0.7, 0.4):
            x = self.variables.to_x(base.z + share * move)
            if self._is_new(x, 1e-3 * self.options.jump_resolution):
                self._ask(base, x)
                return
        self._leave_signs()

    def _leave_signs(self) -> None:
        """Go on with the acceleration: what was searched is steep, but no jump."""
        self.signs = None
        self._restart(self.points[-3:])
        self._propose()

    def _ask(self, base: Point | None, x: Vector, proposal: Proposal | None = None) -> None:
        self._asked.append(self.variables.to_z(x))
        self.step = Step(base, x, proposal)

    def _is_new(self, x: Vector, distance: float) -> bool:
        """Return whether ``x`` is farther than ``distance`` from all that was asked, in the scaled space [-]."""
        z = self.variables.to_z(x)
        return all(float(np.max(np.abs(z - asked))) > distance for asked in self._asked)

    def _collect(self, points: list[Point]) -> Secants:
        return collect_secants(points, self.options.columns, self.options.filter, self.variables.noise)

    def _neighbour_of_start(self) -> Vector:
        """Return a point beside a start that failed: all variables a little up, down, further up, ..."""
        away = 0.1 * min(self.options.max_step, 0.3) * ((self._failures + 1) // 2)
        sign = 1 if self._failures % 2 else -1
        return self.variables.to_x(self.variables.to_z(self._start) + sign * away)

    def _stop_at_limit(self) -> None:
        if self.word is None and self._count >= self.options.max_evaluations:
            self.word = Word.MAX_EVALUATIONS
