"""Hears what OG-Core logs: it returns no iterations and no distances, it only tells them."""

from __future__ import annotations

import ast
import contextlib
import logging
import math
import re
from collections.abc import Iterator

EVALUATION = re.compile(r"^GE loop errors = (\[.*\])$")
SETTLED = re.compile(r"^Iteration: \d+  Distance: (\S+)$")
DISTANCE = re.compile(r"^Distance: (\S+)$")
STEADY_STATE_BEGINS, PATH_BEGINS, PATH_ENDS = 0.05, 0.15, 0.95  #: shares of a run's time, roughly


class Listener(logging.Handler):
    """Keeps the errors of the steady state and the distances of the path, and prints a line of progress for each.

    Args:
        tolerance: distance at which the path is solved [-].
        path_wanted: whether a path follows the steady state.
    """

    def __init__(self, tolerance: float, *, path_wanted: bool) -> None:
        super().__init__(logging.INFO)
        self._tolerance = tolerance
        self._path_wanted = path_wanted
        self._fraction = 0.0
        self.errors: list[float] = []  #: largest error of each evaluation of the steady state's equations
        self.settled: float | None = None  #: relative change of the steady state in one more iteration [-]
        self.distances: list[float] = []  #: largest relative change of the path in each iteration [-]

    def forget(self) -> None:
        """Begin another attempt."""
        self.errors, self.settled, self.distances = [], None, []

    def progress(self, fraction: float, message: str) -> None:
        """Print a line of progress; the fraction never falls."""
        self._fraction = max(self._fraction, min(fraction, 1.0))
        print(f"progress {self._fraction:.3f} {message}", flush=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Take the numbers out of one of OG-Core's lines."""
        text = record.getMessage()
        if match := EVALUATION.match(text):
            errors = [abs(float(word)) for word in ast.literal_eval(match[1])]
            self.errors.append(max((error for error in errors if math.isfinite(error)), default=math.inf))
            self._tell_steady_state()
        elif match := SETTLED.match(text):
            self.settled = float(match[1])
        elif match := DISTANCE.match(text):
            self.distances.append(float(match[1]))
            self._tell_path()

    def _tell_steady_state(self) -> None:
        count = len(self.errors)
        end = PATH_BEGINS if self._path_wanted else PATH_ENDS
        fraction = STEADY_STATE_BEGINS + (end - STEADY_STATE_BEGINS) * (1 - math.exp(-count / 40))
        self.progress(fraction, f"steady state: evaluation {count}, largest error {self.errors[-1]:.2g}")

    def _tell_path(self) -> None:
        first, last = self.distances[0], self.distances[-1]
        done = 0.0
        if 0 < self._tolerance < first and last > 0:
            done = math.log(first / last) / math.log(first / self._tolerance)
        fraction = PATH_BEGINS + (PATH_ENDS - PATH_BEGINS) * min(max(done, 0.0), 1.0)
        count = len(self.distances)
        self.progress(fraction, f"time path: iteration {count}, distance {last:.2g} (tolerance {self._tolerance:g})")


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let it hear OG-Core's log."""
    log = logging.getLogger("ogcore")
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)
