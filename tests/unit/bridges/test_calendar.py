from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.bridges.og_clews.calendar import Calendar, to_periods, to_years, with_zeros

FOUR_YEARS = Calendar(2014, 4, 60)
calendars = st.builds(
    Calendar,
    start=st.integers(2013, 2030),
    length=st.sampled_from([1.0, 2.0, 80 / 30, 4.0, 5.0]),
    periods=st.integers(20, 80),
)
values = st.floats(0.1, 10)


def series(first, *numbers):
    return {first + place: number for place, number in enumerate(numbers)}


def test_a_period_has_the_mean_of_its_years_and_the_last_one_of_those_that_are_left():
    ratio = series(2014, 1.0, 2.0, 3.0, 4.0, 10.0, 20.0)
    assert to_periods(ratio, FOUR_YEARS, before=1.0).tolist() == [2.5, 15.0]


def test_years_before_the_economy_do_not_count():
    assert to_periods(series(2012, 100.0, 100.0, 1.0, 2.0, 3.0, 4.0), FOUR_YEARS, before=1.0).tolist() == [2.5]


def test_periods_before_the_first_year_have_the_value_that_is_given():
    assert to_periods(series(2020, 3.0, 5.0), FOUR_YEARS, before=1.0).tolist() == [1.0, 4.0]


def test_a_year_counts_as_much_as_it_lies_in_a_period():
    calendar = Calendar(2020, 80 / 30, 5)  # 2020 to 2022 2/3, then to 2025 1/3
    ratio = series(2020, 1.0, 2.0, 6.0, 4.0, 5.0)
    first = (1.0 + 2.0 + 6.0 * 2 / 3) / (8 / 3)
    second = (6.0 / 3 + 4.0 + 5.0) / (7 / 3)
    assert to_periods(ratio, calendar, before=1.0) == pytest.approx([first, second], rel=1e-12)


def test_years_are_between_the_middles_of_the_periods_and_constant_outside():
    calendar = Calendar(2014, 4, 2)  # middles at 2016 and 2020
    got = to_years([1.0, 5.0], calendar, [2014, 2015, 2016, 2017, 2018, 2019, 2020, 2025])
    assert got.tolist() == [1.0, 1.0, 1.5, 2.5, 3.5, 4.5, 5.0, 5.0]


@given(calendars, st.integers(0, 20), st.lists(values, min_size=1, max_size=20))
def test_what_ends_is_in_its_periods_as_much_as_in_its_years_and_nothing_afterwards(calendar, later, numbers):
    calendar = replace(calendar, periods=80)
    spent = series(int(calendar.start) + later, *numbers)
    periods = to_periods(with_zeros(spent, calendar), calendar, before=0.0)
    assert periods.sum() * calendar.length == pytest.approx(sum(numbers), rel=1e-12)
    assert periods[-1] == 0


@given(calendars, st.integers(2013, 2030), st.integers(1, 40))
def test_a_ratio_of_one_stays_one_to_the_last_bit(calendar, first, count):
    periods = to_periods(series(first, *[1.0] * count), calendar, before=1.0)
    assert np.all(periods == 1.0)
    assert np.all(to_years(np.ones(calendar.periods), calendar, [first, first + count]) == 1.0)


@given(st.integers(2013, 2030), st.lists(values, min_size=1, max_size=40))
def test_annual_periods_are_the_years_themselves_both_ways(first, numbers):
    calendar = Calendar(first, 1, 60)
    periods = to_periods(series(first, *numbers), calendar, before=1.0)
    assert periods.tolist() == numbers
    held = [*numbers, *[numbers[-1]] * (60 - len(numbers))]
    assert to_years(held, calendar, [first + place for place in range(len(numbers))]).tolist() == numbers


@given(calendars, st.lists(values, min_size=80, max_size=80))
def test_years_stay_within_the_range_of_the_periods(calendar, numbers):
    path = numbers[: calendar.periods]
    years = to_years(path, calendar, list(range(2000, 2100)))
    assert min(path) <= years.min()
    assert years.max() <= max(path)
