"""What a user is told after each evaluation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calculation_engine.coupling import Group, Options, Scheme
from tests.unit.coupling.maps import group, solve


def test_residuals_are_given_per_group_and_the_worst_variable_by_name_and_unit() -> None:
    groups = [
        Group("demand", ("ELC 2030", "ELC 2031"), unit="PJ", relative=1e-3),
        Group("wage", ("2030",), positive=False, scale=10.0, relative=0.0, absolute=0.5),
    ]
    report = Scheme(groups, [1.0, 2.0, 10.0]).tell([1.01, 2.2, 11.0])
    assert report.residual == pytest.approx({"demand": 0.2 / 2.2e-3, "wage": 2.0})
    assert report.relative_residual == pytest.approx({"demand": 0.2 / 2.2, "wage": 1 / 11})
    assert report.worst is not None
    assert (report.worst.name, report.worst.unit) == ("demand ELC 2031", "PJ")
    assert report.sentence.startswith(
        "evaluation 1: demand ELC 2031 is farthest from agreement: 2 went in and 2.2 came"
    )


@pytest.mark.parametrize(
    ("slope", "said"),
    [(-0.1, "hardly answer"), (0.6, "moderately"), (-2.0, "overshoot"), (1.5, "no damping settles them")],
)
def test_the_feedback_is_the_slope_of_the_map_and_is_put_into_words(slope: float, said: str) -> None:
    report = solve(lambda x: np.exp(slope * np.log(x)), [1.1], relative=1e-9).reports[1]
    assert report.feedback == pytest.approx((slope, slope), rel=1e-6)
    assert said in report.feedback_meaning


def test_the_contraction_rate_and_the_evaluations_expected_follow_the_residuals() -> None:
    options = Options(method="constant", relaxation=0.5, max_evaluations=40)
    scheme = solve(lambda x: np.exp(0.2 * np.log(x)), [1.2], options, relative=1e-8)
    early = scheme.reports[6]
    assert early.contraction == pytest.approx(0.6, rel=0.02)  # 1 - 0.5 (1 - 0.2)
    assert early.expected is not None
    middle, low, high = early.expected
    assert low <= middle <= high
    assert middle == pytest.approx(len(scheme.log) - early.evaluation, abs=1.5)


def test_the_residual_is_that_of_the_undamped_answer() -> None:
    scheme = Scheme([group(1, relative=1e-2)], [1.0], Options(method="constant", relaxation=0.001))
    assert scheme.tell([2.0]).residual == pytest.approx({"x": 50.0})
    assert scheme.tell([2.0]).word is None


def test_a_report_is_json() -> None:
    scheme = solve(lambda x: np.where(x < 1.234, 2.0, 1.0), [1.0])
    for report in scheme.reports:
        assert json.loads(json.dumps(report.as_dict(), allow_nan=False))["evaluation"] == report.evaluation


@pytest.mark.parametrize("method", ["aitken", "anderson", "multisecant"])
def test_methods_agree_on_the_solution(method: str) -> None:
    matrix = np.array([[-0.8, 0.3], [0.2, 0.4]])
    scheme = solve(lambda x: np.exp(0.1 + matrix @ np.log(x)), [1.0, 1.0], Options(method=method), relative=1e-8)
    expected = np.exp(np.linalg.solve(np.eye(2) - matrix, [0.1, 0.1]))
    np.testing.assert_allclose(scheme.log[-1].x, expected, rtol=1e-7)
