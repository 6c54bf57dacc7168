"""The settings of a coupling, with their meaning and defaults."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from calculation_engine.errors import Fault, InvalidInput


@dataclass(frozen=True)
class Options:
    """How the iteration behaves.

    Args:
        method: name of the acceleration: ``constant``, ``aitken``, ``anderson`` or ``multisecant``.
        relaxation: share of the residual that a step takes while nothing is known of the map [-].
        max_step: largest change of a variable in one evaluation, in the scaled space (0.3: about 30 %) [-].
        max_evaluations: evaluations after which the coupling ends without success.
        columns: largest number of secants kept; never more than there are variables.
        depth: largest number of secants that ``anderson`` uses.
        filter: a secant is dropped if less than this share of it is new, times its age in evaluations [-].
        error_tolerances: largest estimated error of a solution, in tolerances [-].
        stall_evaluations: evaluations within which the best residual must fall by 10 %.
        jump_resolution: width to which a jump is enclosed, in the scaled space [-].
        jump_evaluations: evaluations spent on enclosing a jump.
        max_failures: failed evaluations in a row that end the coupling.
        one_way: whether it ends with the first evaluation, without a claim that the models agree.

    Raises:
        InvalidInput: an option is out of its range.
    """

    method: str = "multisecant"
    relaxation: float = 0.5
    max_step: float = 0.3
    max_evaluations: int = 30
    columns: int = 40
    depth: int = 5
    filter: float = 3e-3
    error_tolerances: float = 10.0
    stall_evaluations: int = 8
    jump_resolution: float = 1e-3
    jump_evaluations: int = 24
    max_failures: int = 6
    one_way: bool = False

    def __post_init__(self) -> None:
        ranges = {
            "relaxation": (0.0, 2.0),
            "max_step": (0.0, math.inf),
            "filter": (0.0, 1.0),
            "error_tolerances": (0.0, math.inf),
            "jump_resolution": (0.0, 1.0),
        }
        faults = [
            Fault(f"acceleration.{key}", f"expected a number > {low:g} and <= {high:g}, got {getattr(self, key)!r}")
            for key, (low, high) in ranges.items()
            if not low < getattr(self, key) <= high
        ]
        counts = ("max_evaluations", "columns", "depth", "stall_evaluations", "jump_evaluations", "max_failures")
        faults += [
            Fault(f"acceleration.{key}", f"expected a whole number >= 1, got {getattr(self, key)!r}")
            for key in counts
            if getattr(self, key) < 1
        ]
        if faults:
            raise InvalidInput("the options of the coupling are wrong", faults=faults)

    def as_dict(self) -> dict[str, Any]:
        """Return the options as JSON holds them; an unlimited step is ``null``."""
        return {key: None if value == math.inf else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Options:
        """Return the options that :meth:`as_dict` wrote."""
        fields: dict[str, Any] = {key: math.inf if value is None else value for key, value in values.items()}
        return cls(**fields)
