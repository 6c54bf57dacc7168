"""Every final word, on the smallest map that deserves it, with the sentence that a modeller reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from calculation_engine.coupling import SUCCESSES, Caution, Evaluation, Options, Scheme, Word
from calculation_engine.errors import Conflict, InvalidInput
from tests.unit.coupling.maps import Map, Vector, group, run, solution, solve


def test_a_smooth_map_converges_to_its_fixed_point() -> None:
    scheme = solve(lambda x: 2 * x**-0.5, [1.0], relative=1e-8)
    assert scheme.word is Word.CONVERGED
    assert solution(scheme)[0] == pytest.approx(2 ** (1 / 1.5), rel=1e-7)
    assert "the models agree" in scheme.reports[-1].sentence
    assert scheme.reports[-1].cautions == ()


def test_a_map_that_runs_away_undamped_converges() -> None:
    scheme = solve(lambda x: 2 * x**-3.0, [1.0, 2.0], relative=1e-8)
    assert scheme.word is Word.CONVERGED
    np.testing.assert_allclose(solution(scheme), 2**0.25, rtol=1e-7)


def test_a_slope_of_nearly_one_is_not_accepted_early() -> None:
    scheme = solve(lambda x: np.exp(0.9999 * np.log(x)), [1.05], relative=1e-4)
    assert scheme.word is Word.CONVERGED
    assert solution(scheme)[0] == pytest.approx(1.0, rel=1e-3)


def test_an_answer_that_is_always_a_little_higher_is_no_solution_though_its_residual_is_within_tolerance() -> None:
    scheme = solve(lambda x: 1.001 * x, [1.0], relative=1e-2)
    assert scheme.word is not None
    assert scheme.word not in SUCCESSES


def test_an_unstable_equilibrium_is_found_and_flagged() -> None:
    scheme = solve(lambda x: np.exp(1.5 * np.log(x)), [1.05])
    assert scheme.word is Word.CONVERGED
    assert solution(scheme)[0] == pytest.approx(1.0, rel=1e-3)
    assert scheme.reports[-1].cautions == (Caution.UNSTABLE_EQUILIBRIUM,)
    assert "unstable" in scheme.reports[-1].sentence


def test_a_jump_is_enclosed_and_named() -> None:
    scheme = solve(lambda x: np.where(x < np.array([1.234, 99.0]), [2.0, 1.5], [1.0, 1.0]), [1.0, 1.4])
    report = scheme.reports[-1]
    assert scheme.word is Word.CONVERGED_SET
    (jump,) = report.jumps
    assert jump.name == "x 0"
    assert jump.low <= 1.234 <= jump.high
    assert jump.high / jump.low < 1.0011
    assert (jump.answer_below, jump.answer_above) == (2.0, 1.0)
    assert "inside a jump: x 0 between 1.23" in report.sentence


def test_a_steep_smooth_map_is_no_jump() -> None:
    scheme = solve(lambda x: np.exp(-80 * (np.log(x) - 0.1)), [1.0], Options(max_evaluations=60))
    assert scheme.word is Word.CONVERGED
    assert solution(scheme)[0] == pytest.approx(np.exp(8 / 81), rel=1e-4)


def test_declared_noise_above_the_tolerance_ends_at_the_noise_floor() -> None:
    scheme = solve(_noisy(1e-3), np.ones(3), Options(max_evaluations=60), relative=1e-5, noise=1e-3)
    assert scheme.word is Word.NOISE_FLOOR
    assert Caution.TOLERANCE_BELOW_NOISE in scheme.reports[-1].cautions
    assert "noise of the models" in scheme.reports[-1].sentence


def test_noise_that_fades_ends_once_it_hides_the_tolerance() -> None:
    scheme = solve(lambda x: np.exp(0.3 - 0.4 * np.log(x)), np.ones(3), relative=1e-7, noise=3e-6)
    assert scheme.word is Word.NOISE_FLOOR
    assert len(scheme.log) <= 6
    assert "cannot tell whether that is within 1e-07" in scheme.reports[-1].sentence


def test_noise_that_nobody_declared_is_recognised_by_the_disorder_of_signs() -> None:
    scheme = solve(_noisy(1e-2), np.ones(3), Options(max_evaluations=100), relative=1e-6)
    assert scheme.word is Word.NOISE_FLOOR


def test_noise_within_a_fifth_of_the_tolerance_does_not_hinder() -> None:
    scheme = solve(_noisy(2e-5), np.ones(3), relative=1e-4, noise=2e-5)
    assert scheme.word is Word.CONVERGED
    assert len(scheme.log) <= 8


def test_a_solution_beyond_a_bound_stalls() -> None:
    scheme = solve(lambda x: 0 * x + 3.0, [1.0], Options(max_evaluations=60), upper=2.0)
    assert scheme.word is Word.STALLED
    assert solution(scheme)[0] == 2.0
    assert "x 0 stands at a bound: 2 went in and 3 came out" in scheme.reports[-1].sentence


@pytest.mark.parametrize("method", ["multisecant", "constant"])
def test_models_that_make_each_other_dearer_have_no_solution_and_end_soon_with_that(method: str) -> None:
    def demand(x: Vector) -> Vector:  # fixed costs are spread over ever less demand
        return np.asarray((1.09 + 0.21 / x) ** -5)

    options = Options() if method == "multisecant" else Options(method=method, relaxation=1.0, max_step=np.inf)
    scheme = solve(demand, np.ones(3), options, lower=0.05)
    assert scheme.word is Word.STALLED
    assert len(scheme.log) <= 27
    told = scheme.reports[-1].sentence
    assert "try a milder scenario, or let one answer the other less strongly" in told
    assert ("stands at a bound: 0.05 went in" in told) == (method == "constant")
    assert ("there may be none: they reinforce a change" in told) == (method == "multisecant")


def test_a_limit_that_comes_while_nothing_falls_is_not_to_be_raised() -> None:
    scheme = solve(lambda x: 1.5 * x, [1.0], Options(max_evaluations=12))
    assert scheme.word is Word.MAX_EVALUATIONS
    assert "more of them will hardly help" in scheme.reports[-1].sentence


def test_plain_damping_on_a_runaway_map_stalls_and_says_that_the_models_drive_each_other_apart() -> None:
    scheme = solve(lambda x: 2 * x**-1.5, [1.0], Options(method="constant", relaxation=1.0))
    assert scheme.word is Word.STALLED
    assert "drive each other apart" in scheme.reports[-1].sentence


def test_the_limit_of_evaluations_is_no_success() -> None:
    scheme = solve(lambda x: 2 * x**-0.5, [1.0], Options(max_evaluations=2), relative=1e-12)
    assert scheme.word is Word.MAX_EVALUATIONS
    assert scheme.word not in SUCCESSES
    assert "raise max_evaluations" in scheme.reports[-1].sentence


def test_six_failures_in_a_row_fail_each_half_as_far_from_the_last_good_point() -> None:
    def g(x: Vector) -> Vector:
        if x[0] != 1.0:
            raise ArithmeticError("infeasible")
        return 2 * x

    scheme = solve(g, [1.0])
    assert scheme.word is Word.FAILED
    assert len(scheme.log) == 7
    away = np.log([entry.x[0] for entry in scheme.log[1:]])
    np.testing.assert_allclose(away[1:] / away[:-1], 0.5)
    assert scheme.solution == 1
    assert "infeasible" in scheme.reports[-1].sentence


def test_a_start_that_always_fails_ends_as_failed_after_trying_its_neighbours() -> None:
    scheme = Scheme([group(2)], [1.0, 1.0])
    while scheme.word is None:
        scheme.tell_failure("Steady state equilibrium not found")
    assert scheme.word is Word.FAILED
    assert len({entry.x for entry in scheme.log}) == 6
    assert scheme.solution is None
    assert "neither at the start nor near it, in 6 evaluations; the last: Steady state" in scheme.reports[-1].sentence


def test_a_region_that_cannot_be_solved_is_gone_round() -> None:
    def g(x: Vector) -> Vector:
        if x[0] > 1.3:
            raise ArithmeticError("infeasible")
        return 1.2 * (x / 1.2) ** -2.0

    scheme = solve(g, [1.0], Options(relaxation=1.0))
    assert any(entry.failure for entry in scheme.log)
    assert scheme.word is Word.CONVERGED
    assert solution(scheme)[0] == pytest.approx(1.2, rel=1e-3)


@pytest.mark.parametrize(
    ("answer", "said"), [(np.nan, "got nan"), (-1.0, "a number > 0, got -1.0"), (np.inf, "got inf")]
)
def test_an_unusable_answer_is_a_failed_evaluation_that_names_the_variable(answer: float, said: str) -> None:
    scheme = Scheme([group(2)], [1.0, 1.0])
    report = scheme.tell([1.0, answer])
    assert report.failure is not None
    assert "x 1" in report.failure
    assert said in report.failure


@pytest.mark.parametrize("seed", [4, 5, 6, 7])
def test_a_warm_start_from_a_near_scenario_takes_three_evaluations_and_a_cold_one_twice_as_many(seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(6, 6)) / 4

    def scenario(shift: float, start: Vector, prior: Sequence[Evaluation] = ()) -> Scheme:
        scheme = Scheme([group(6)], start, prior=prior)
        run(scheme, lambda x: np.exp(shift + matrix @ np.tanh(np.log(x))))
        assert scheme.word is Word.CONVERGED
        return scheme

    near = scenario(0.20, np.ones(6))
    cold = scenario(0.21, np.ones(6))
    warm = scenario(0.21, solution(near), near.log)
    assert len(warm.log) <= 3
    assert len(cold.log) >= 2 * len(warm.log)


def test_prior_evaluations_of_another_problem_do_not_keep_it_from_converging() -> None:
    wrong = [Evaluation((1.0 + k / 10,), (1.0 + 3 * k / 10,)) for k in range(5)]
    scheme = Scheme([group(1)], [1.0], prior=wrong)
    run(scheme, lambda x: 2 * x**-0.5)
    assert scheme.word is Word.CONVERGED


def test_what_a_user_got_wrong_is_named_all_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        Scheme([group(2, relative=-1.0, scale=(1.0,))], [1.0, 1.0, 1.0])
    assert len(caught.value.faults) == 3
    with pytest.raises(InvalidInput, match="multisecant"):
        Scheme([group(1)], [1.0], Options(method="newton"))
    with pytest.raises(InvalidInput, match="max_evaluations"):
        Options(max_evaluations=0)
    with pytest.raises(InvalidInput, match="outside its bounds"):
        Scheme([group(1, upper=0.5)], [1.0])


def test_an_ended_coupling_takes_nothing_more() -> None:
    scheme = solve(lambda x: 2 * x**-0.5, [1.0])
    with pytest.raises(Conflict):
        scheme.ask()
    with pytest.raises(Conflict):
        scheme.tell([1.0])


def test_a_log_of_another_coupling_is_refused() -> None:
    scheme = Scheme([group(1)], [1.0])
    with pytest.raises(Conflict, match="not the one that these settings ask for"):
        scheme.replay([Evaluation((2.0,), (1.0,))])


def test_a_log_that_was_rounded_elsewhere_is_continued_from_what_was_evaluated() -> None:
    scheme = Scheme([group(1)], [1.0])
    scheme.tell([2.0])
    elsewhere = float(scheme.ask()[0]) * (1 + 1e-14)
    scheme.replay([Evaluation((elsewhere,), (1.7,))])
    assert scheme.log[1].x == (elsewhere,)


def _noisy(amplitude: float) -> Map:
    """Return a contraction whose answers carry noise that does not repeat."""
    rng = np.random.default_rng(11)
    return lambda x: np.exp(0.3 - 0.4 * np.log(x) + amplitude * rng.uniform(-1, 1, len(x)))


@pytest.mark.parametrize("g", [lambda x: x, lambda x: 2 * x], ids=["agree", "disagree"])
def test_one_pass_ends_with_its_first_evaluation_and_claims_nothing(g: Map) -> None:
    scheme = solve(g, [1.0], Options(one_way=True))
    assert (scheme.word, len(scheme.log), scheme.solution) == (Word.ONE_WAY, 1, 1)
    assert "not claimed" in scheme.reports[-1].sentence
    assert "agree:" not in scheme.reports[-1].sentence


def test_one_pass_that_fails_is_not_tried_elsewhere() -> None:
    scheme = Scheme([group(1)], [1.0], Options(one_way=True))
    scheme.tell_failure("energy: infeasible")
    assert scheme.word is Word.FAILED
    assert "the one pass failed: energy: infeasible" in scheme.reports[-1].sentence
