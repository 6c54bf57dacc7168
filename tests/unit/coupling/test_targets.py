"""The targets of the benchmark hold: evaluations to a true residual of 1e-6, and no false claim."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from benchmarks.coupling.measure import run
from benchmarks.coupling.suite import Row, claim_problems, smooth_rows, step_problems
from calculation_engine.coupling import SUCCESSES, Options, Word
from tests.unit.coupling.maps import Vector, solve


@pytest.mark.parametrize("row", smooth_rows(), ids=lambda row: row.name)
def test_a_smooth_problem_takes_no_more_evaluations_than_it_must(row: Row) -> None:
    outcomes = [run(problem, 1e-6) for problem in row.problems]
    solved = [outcome.solved for outcome in outcomes if outcome.solved is not None]
    assert len(solved) == len(row.problems)
    assert (statistics.median(solved) if row.median else max(solved)) <= row.must
    assert {outcome.word for outcome in outcomes} == {Word.CONVERGED}
    assert not any(outcome.false_claim or outcome.slipped for outcome in outcomes)


def test_jumps_of_step_prices_are_certified_and_the_certificates_are_true() -> None:
    outcomes = [run(problem, 1e-4, limit=80) for problem in step_problems()]
    certified = [outcome.evaluations for outcome in outcomes if outcome.word is Word.CONVERGED_SET]
    assert len(certified) >= 0.9 * len(outcomes)
    assert np.percentile(certified, 95) <= 40
    assert not any(outcome.false_claim for outcome in outcomes)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-4, 1e-6])
def test_maps_that_tempt_to_a_false_claim_get_none(tolerance: float) -> None:
    false = [problem.name for problem in claim_problems() if run(problem, tolerance, limit=80).false_claim]
    assert false == []


@pytest.mark.parametrize("amplitude", [1e-3, 1e-2, 1e-1])
@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_noise_that_nobody_declared_is_never_success(size: int, amplitude: float) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)

        def g(x: Vector, rng: np.random.Generator = rng) -> Vector:
            return np.asarray(np.exp(0.3 - 0.4 * np.log(x) + amplitude * rng.uniform(-1, 1, size)))

        assert solve(g, np.ones(size), Options(max_evaluations=80), relative=1e-6).word not in SUCCESSES
