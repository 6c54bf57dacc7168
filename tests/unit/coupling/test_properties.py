"""What holds for every map, proved by examples that hypothesis looks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculation_engine.coupling import Options, Scheme, Word
from calculation_engine.coupling.methods import METHODS
from tests.unit.coupling.maps import Map, Vector, claimed_residual, group, run, through_json

seeds = st.integers(0, 2**32 - 1)
methods = st.sampled_from(sorted(METHODS))


def _linear(seed: int, size: int) -> tuple[Map, Vector, Vector]:
    """Return a linear map without an eigenvalue near 1, its fixed point, and a start."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    values = rng.uniform(-2.0, 0.8, size)
    matrix = basis @ np.diag(values) @ basis.T
    fixed = rng.normal(size=size)
    return lambda x: fixed + matrix @ (x - fixed), fixed, fixed + rng.normal(size=size)


def _wild(seed: int, size: int) -> Map:
    """Return an arbitrary map: bent, stepped, noisy, crashing, NaN or negative here and there."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(size, size)) * 10.0 ** rng.uniform(-1, 1)
    offset = rng.normal(size=size)
    steps, crashes, nans, negatives, ripple = rng.uniform(size=5)
    probe = rng.normal(size=size) * 100

    def g(x: Vector) -> Vector:
        place = float(np.sin(probe @ np.log(x)))
        if place > 1 - 0.5 * (crashes > 0.6):
            raise ArithmeticError("the model crashed here")
        z = offset + np.tanh(matrix @ np.log(x))
        if steps > 0.5:
            z = np.round(z * 3) / 3
        if ripple > 0.7:
            z = z + 0.1 * place
        answer = np.exp(z)
        if nans > 0.8 and place < -0.7:
            answer[0] = np.nan
        if negatives > 0.8 and -0.5 < place < -0.2:
            answer[-1] = -1.0
        return np.asarray(answer)

    return g


@given(seeds, st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_a_linear_map_ends_within_n_plus_3_evaluations(seed: int, size: int) -> None:
    g, fixed, start = _linear(seed, size)
    options = Options(max_step=float("inf"), filter=1e-9)
    scheme = Scheme([group(size, positive=False, scale=1.0, relative=1e-6)], start, options)
    run(scheme, g)
    assert scheme.word is Word.CONVERGED
    assert len(scheme.log) <= size + 3
    np.testing.assert_allclose(scheme.log[-1].x, fixed, atol=1e-4)  # ten tolerances, and the matrix' condition


@given(seeds, st.integers(1, 6), methods, st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_a_replay_after_any_prefix_is_bit_identical_and_ask_is_idempotent(
    seed: int, size: int, method: str, prefix: int
) -> None:
    g = _wild(seed, size)
    scheme = Scheme([group(size)], np.ones(size), Options(method=method, max_evaluations=40))
    asked = []
    twin = None
    while scheme.word is None:
        if len(scheme.log) == prefix:
            twin = through_json(scheme)
        x = scheme.ask()
        assert x.tobytes() == scheme.ask().tobytes()
        if twin is not None:
            assert twin.ask().tobytes() == x.tobytes()
        asked.append(x)
        for each in (scheme,) if twin is None else (scheme, twin):
            try:
                each.tell(g(x))
            except ArithmeticError as error:
                each.tell_failure(str(error))
    again = through_json(scheme)
    assert again.log == scheme.log
    assert again.word is scheme.word
    assert again.solution == scheme.solution


@given(seeds, st.integers(1, 5), methods, st.floats(0.01, 2.0), st.sampled_from([1e-2, 1e-4, 1e-6]))
@settings(max_examples=150, deadline=None)
def test_any_map_ends_in_time_with_a_final_word_and_never_claims_falsely(
    seed: int, size: int, method: str, relaxation: float, tolerance: float
) -> None:
    options = Options(method=method, relaxation=relaxation, max_evaluations=60)
    scheme = Scheme([group(size, relative=tolerance)], np.ones(size), options)
    run(scheme, _wild(seed, size))
    assert scheme.word is not None
    assert len(scheme.log) <= 60
    if scheme.word is Word.CONVERGED:
        assert claimed_residual(scheme) <= 1
        assert len(scheme.log) >= 2
    assert scheme.reports[-1].sentence


@given(seeds, st.integers(1, 5), methods, st.floats(0.01, 1.0))
@settings(max_examples=80, deadline=None)
def test_bounds_and_the_cap_always_hold(seed: int, size: int, method: str, max_step: float) -> None:
    options = Options(method=method, max_step=max_step, max_evaluations=50)
    scheme = Scheme([group(size, lower=0.5, upper=1.7)], np.ones(size), options)
    run(scheme, _wild(seed, size))
    for entry in scheme.log:
        assert min(entry.x) >= 0.5
        assert max(entry.x) <= 1.7
    steps = [report.step for report in scheme.reports if report.step is not None]
    assert max(steps, default=0.0) <= max_step * (1 + 1e-12)


@given(seeds, st.integers(2, 6), methods)
@settings(max_examples=40, deadline=None)
def test_units_do_not_matter(seed: int, size: int, method: str) -> None:
    g = _bent(seed, size)
    units = 2.0 ** np.random.default_rng(seed).integers(-20, 20, size)  # powers of two: products are exact
    options = Options(method=method, max_evaluations=12)
    plain = Scheme([group(size, relative=1e-3)], np.ones(size), options)
    scaled = Scheme([group(size, relative=1e-3)], units, options)
    run(plain, g)
    run(scaled, lambda x: units * g(x / units))
    assert scaled.word is plain.word
    for one, other in zip(plain.log, scaled.log, strict=True):
        np.testing.assert_array_equal(np.array(other.x) / units, one.x)


@given(seeds, st.integers(2, 6), methods)
@settings(max_examples=40, deadline=None)
def test_the_order_of_variables_does_not_matter(seed: int, size: int, method: str) -> None:
    g = _bent(seed, size)
    order = np.random.default_rng(seed).permutation(size)
    back = np.argsort(order)
    options = Options(method=method, max_evaluations=12)
    plain = Scheme([group(size, relative=1e-3)], np.ones(size), options)
    moved = Scheme([group(size, relative=1e-3)], np.ones(size), options)
    run(plain, g)
    run(moved, lambda x: g(x[back])[order])
    assert moved.word is plain.word
    for one, other in zip(plain.log, moved.log, strict=True):
        np.testing.assert_allclose(np.array(other.x)[back], one.x, rtol=1e-6)  # sums in another order


@pytest.mark.parametrize("method", sorted(METHODS))
@given(seeds, st.integers(1, 8))
@settings(max_examples=20, deadline=None)
def test_starting_at_the_solution_costs_two_evaluations(method: str, seed: int, size: int) -> None:
    fixed = np.random.default_rng(seed).uniform(0.1, 10, size)
    scheme = Scheme([group(size)], fixed, Options(method=method))
    run(scheme, lambda x: fixed * (x / fixed) ** 0.3)
    assert scheme.word is Word.CONVERGED
    assert len(scheme.log) == 2


def _bent(seed: int, size: int) -> Map:
    """Return a smooth contraction."""
    rng = np.random.default_rng(seed)
    matrix = 0.3 * rng.normal(size=(size, size)) / np.sqrt(size)
    offset = 0.3 * rng.normal(size=size)
    return lambda x: np.exp(offset + np.sum(matrix * np.tanh(np.log(x)), axis=1))
