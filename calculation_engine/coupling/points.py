"""Evaluations of the coupled models: the log, and its successful entries in the scaled space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calculation_engine.coupling.linear import norm
from calculation_engine.coupling.variables import Variables, Vector


@dataclass(frozen=True)
class Evaluation:
    """One entry of the log: what was asked, and what the models answered.

    Args:
        x: exchange values asked for, shape (n,), in their units.
        g: values answered, shape (n,), in the same units; none if the evaluation failed.
        failure: why it failed, a sentence; none if it did not.
    """

    x: tuple[float, ...]
    g: tuple[float, ...] | None
    failure: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as JSON holds it; every float survives JSON to the last bit."""
        return {"x": list(self.x), "g": None if self.g is None else list(self.g), "failure": self.failure}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Evaluation:
        """Return the entry that :meth:`as_dict` wrote."""
        g = values["g"]
        return cls(tuple(map(float, values["x"])), None if g is None else tuple(map(float, g)), values.get("failure"))


@dataclass(frozen=True, eq=False)
class Point:
    """A successful evaluation.

    Args:
        number: place in the log, from 1; 0 for an evaluation of an earlier coupling.
        x, g: values asked and answered, shape (n,), in their units.
        z: ``x`` in the scaled space, shape (n,) [-].
        f: residual ``z(g) - z(x)``, shape (n,) [-].
        size: 2-norm of ``f`` [-].
    """

    number: int
    x: Vector
    g: Vector
    z: Vector
    f: Vector
    size: float


def make_point(variables: Variables, number: int, x: Vector, g: Vector) -> Point:
    """Return the point of an evaluation; ``g`` must be usable (see ``Variables.fault_of``)."""
    z = variables.to_z(x)
    f = variables.to_z(g) - z
    return Point(number, x, g, z, f, norm(f))
