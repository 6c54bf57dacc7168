"""Years of CLEWS and periods of OG-Core: a period is (ending_age - starting_age) / S years, one year when S = 80."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Calendar:
    """When OG-Core's periods are; year y is the time from y to y + 1.

    Args:
        start: year in which period 0 begins.
        length: of a period, in years.
        periods: how many are solved.
    """

    start: float
    length: float
    periods: int

    @property
    def midpoints(self) -> Vector:
        """Middle of each period, as a time in years, shape (periods,)."""
        return np.asarray(self.start + (np.arange(self.periods) + 0.5) * self.length)

    def overlap(self, years: Vector) -> Vector:
        """Return how much of each year lies in each period, in years, shape (periods, len(years))."""
        begin = (self.start + np.arange(self.periods) * self.length)[:, None]
        shared = np.minimum(begin + self.length, years + 1) - np.maximum(begin, years)
        return np.asarray(np.clip(shared, 0.0, 1.0))


def to_periods(series: Mapping[int, float], calendar: Calendar, *, before: float) -> Vector:
    """Return the mean over the years of each period.

    A year counts as much as it lies in the period, and a period that is covered in part has the mean of that part.
    After the last year nothing is returned: OG-Core holds the last value of a parameter.

    Args:
        series: year -> value, without gaps.
        calendar: of the periods.
        before: value of periods that end before the first year.

    Returns:
        One value for each period up to the last that has a year, shape (<= periods,); one at least.
    """
    years = np.array(list(series), dtype=float)
    weights = calendar.overlap(years)
    covered = weights.sum(axis=1) > 0
    if not covered.any():
        return np.array([before])
    last = int(np.flatnonzero(covered)[-1]) + 1
    weights, covered = weights[:last], covered[:last]
    # Both products add up in the same order, so that a ratio of 1 throughout stays exactly 1.
    total = weights @ np.ones(len(years))
    mean = (weights @ np.array(list(series.values()), dtype=float)) / np.where(covered, total, 1.0)
    return np.where(covered, mean, before)


def with_zeros(series: Mapping[int, float], calendar: Calendar) -> dict[int, float]:
    """Return a series with zeros before and after it, for what is nothing outside of its years.

    The zeros reach into the next period, so that a period that is covered in part gets its mean over all of it.

    Args:
        series: year -> value, without gaps, not empty.
        calendar: of the periods.
    """
    around = math.ceil(calendar.length)
    return {year: series.get(year, 0.0) for year in range(min(series) - around, max(series) + around + 1)}


def to_years(values: ArrayLike, calendar: Calendar, years: list[int]) -> Vector:
    """Return a path of OG-Core in the middle of each year.

    Linear between the middles of the periods, constant before the first and after the last; with annual periods each
    year has its period's value.

    Args:
        values: one a period, shape (periods,).
        calendar: of the periods.
        years: for which values are wanted.

    Returns:
        Values in the same unit, shape (len(years),).
    """
    times = np.array(years, dtype=float) + 0.5
    return np.asarray(np.interp(times, calendar.midpoints, np.asarray(values, dtype=float)))
