"""Small maps with known solutions, and a driver that checks what must hold at every step."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calculation_engine.coupling import Group, Options, Scheme, Word

type Vector = NDArray[np.float64]
type Map = Callable[[Vector], Vector]


def group(size: int, **changes: object) -> Group:
    """Return a group of that many variables."""
    return Group("x", tuple(str(number) for number in range(size)), **changes)  # type: ignore[arg-type]


def solve(g: Map, start: ArrayLike, options: Options | None = None, **changes: object) -> Scheme:
    """Run a scheme on ``g`` to its end, in this process."""
    first = np.atleast_1d(np.asarray(start, float))
    scheme = Scheme([group(len(first), **changes)], first, options)
    run(scheme, g)
    return scheme


def run(scheme: Scheme, g: Map) -> None:
    """Evaluate ``g`` until there is a final word; an exception is a failed evaluation."""
    while scheme.word is None:
        x = scheme.ask()
        try:
            with np.errstate(all="ignore"):
                answer = g(x)
        except ArithmeticError as error:
            scheme.tell_failure(str(error))
        else:
            scheme.tell(answer)


def solution(scheme: Scheme) -> Vector:
    """Return the x that the scheme stands for."""
    assert scheme.solution is not None
    return np.array(scheme.log[scheme.solution - 1].x)


def claimed_residual(scheme: Scheme) -> float:
    """Return the residual of the logged evaluation that the scheme stands for, in its tolerances."""
    assert scheme.solution is not None
    entry = scheme.log[scheme.solution - 1]
    assert entry.g is not None
    x, g = np.array(entry.x), np.array(entry.g)
    tolerance = scheme.variables.tolerance(x, g)
    return float(np.max(np.abs(g - x) / np.where(tolerance > 0, tolerance, 1.0)))


def through_json(scheme: Scheme) -> Scheme:
    """Return the scheme after a trip through JSON text."""
    return Scheme.from_dict(json.loads(json.dumps(scheme.as_dict())))


__all__ = ["Map", "Vector", "Word", "claimed_residual", "group", "run", "solution", "solve", "through_json"]
