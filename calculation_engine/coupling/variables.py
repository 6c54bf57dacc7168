"""Exchange variables: their groups, names, scales, bounds and tolerances, and the scaled space of the iteration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calculation_engine.errors import Fault, InvalidInput

type Vector = NDArray[np.float64]
type PerVariable = float | tuple[float, ...]

#: Share of a value that rounding in double precision may move: the smallest noise that is assumed.
ROUNDING = 1e-15


@dataclass(frozen=True)
class Group:
    """Exchange variables of one kind, which share unit, sign, tolerances and noise.

    Args:
        name: name of the group, such as ``demand``.
        labels: one label for each variable, such as ``ELC 2031``.
        unit: unit of the values; for people only.
        positive: whether the values are > 0; they are then iterated as logarithms.
        scale: typical size of a value, one for all or one each; none: taken from the start.
        lower, upper: bounds of the values, one for all or one each; none: unbounded.
        relative: tolerance relative to the larger of x and g(x) [-].
        absolute: tolerance in the values' unit; none: 0 for positive variables, ``relative * scale`` for others.
        noise: error of the models' answers, relative to the value (positive variables) or to the scale [-].
    """

    name: str
    labels: tuple[str, ...]
    unit: str = ""
    positive: bool = True
    scale: PerVariable | None = None
    lower: PerVariable | None = None
    upper: PerVariable | None = None
    relative: float = 1e-4
    absolute: float | None = None
    noise: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the group as JSON holds it."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in ((key, getattr(self, key)) for key in self.__dataclass_fields__)
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Group:
        """Return the group that :meth:`as_dict` wrote."""
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**fields)


class Variables:
    """All groups as vectors of shape (n,), and the map to the scaled space.

    A positive variable is iterated as ``z = ln(x / scale)``, any other as ``z = x / scale``.

    Raises:
        InvalidInput: a group or the start is wrong; every fault is named.
    """

    def __init__(self, groups: Sequence[Group], start: Vector) -> None:
        self.groups = tuple(groups)
        self.names = [f"{group.name} {label}".strip() for group in groups for label in group.labels]
        _refuse(_group_faults(self.groups, self.names, start))
        self.units = [group.unit for group in groups for _ in group.labels]
        self.size = len(self.names)
        self.slices = _slices(self.groups)
        self.positive = self._spread(lambda group: float(group.positive)).astype(bool)
        self.scale = np.concatenate(
            [_scale(group, start[part]) for group, part in zip(self.groups, self.slices, strict=True)]
        )
        self.lower = self._spread(lambda group: -np.inf if group.lower is None else group.lower)
        self.upper = self._spread(lambda group: np.inf if group.upper is None else group.upper)
        self.relative = self._spread(lambda group: group.relative)
        self.noise = np.maximum(self._spread(lambda group: group.noise), ROUNDING)
        default = np.where(self.positive, 0.0, self.relative * self.scale)
        declared = self._spread(lambda group: np.nan if group.absolute is None else group.absolute)
        self.absolute = np.where(np.isnan(declared), default, declared)
        _refuse(_start_faults(self, start))

    def to_z(self, x: Vector) -> Vector:
        """Return ``x`` in the scaled space [-]; positive variables must be > 0."""
        ratio = x / self.scale
        return np.where(self.positive, np.log(np.where(self.positive, ratio, 1.0)), ratio)

    def to_x(self, z: Vector) -> Vector:
        """Return the values of the scaled ``z``, projected on the bounds; they are always finite, or > 0."""
        power = np.exp(np.clip(np.where(self.positive, z, 0.0), -600.0, 600.0))
        x = np.clip(self.scale * np.where(self.positive, power, z), -1e300, 1e300)
        return np.asarray(np.minimum(np.maximum(x, self.lower), self.upper))

    def fault_of(self, values: Vector) -> str | None:
        """Return what makes ``values`` unusable as an answer of the models, or None."""
        if values.shape != (self.size,):
            return f"expected {self.size} values, got shape {values.shape}"
        wrong = ~np.isfinite(values) | (self.positive & ~(values > 0))
        if not wrong.any():
            return None
        first = int(np.argmax(wrong))
        expected = "a number > 0" if self.positive[first] else "a finite number"
        more = f", and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else ""
        return f"{self.names[first]}: expected {expected}, got {float(values[first])!r}{more}"

    def tolerance(self, x: Vector, g: Vector) -> Vector:
        """Return the tolerance of each variable in its unit, shape (n,)."""
        return np.asarray(self.absolute + self.relative * np.maximum(np.abs(x), np.abs(g)))

    def noise_in_x(self, x: Vector) -> Vector:
        """Return the declared noise of each variable in its unit, shape (n,)."""
        return np.asarray(self.noise * np.where(self.positive, np.abs(x), self.scale))

    def _spread(self, pick: Any) -> Vector:
        parts = [np.broadcast_to(np.asarray(pick(group), float), len(group.labels)) for group in self.groups]
        return np.concatenate(parts)


def _slices(groups: Sequence[Group]) -> list[slice]:
    ends = np.cumsum([len(group.labels) for group in groups])
    return [slice(int(end) - len(group.labels), int(end)) for group, end in zip(groups, ends, strict=True)]


def _scale(group: Group, start: Vector) -> Vector:
    if group.scale is not None:
        return np.broadcast_to(np.asarray(group.scale, float), len(group.labels)).copy()
    size = np.abs(start)
    largest = float(size.max(initial=0.0)) or 1.0
    return np.where(size > 0, size, largest)


def _group_faults(groups: tuple[Group, ...], names: list[str], start: Vector) -> list[Fault]:
    faults = [] if names else [Fault("groups", "there is no exchange variable", "name at least one")]
    faults += [Fault("groups", f"the variable {name!r} is named twice") for name in sorted(_repeated(names))]
    if start.shape != (len(names),):
        faults.append(Fault("start", f"expected {len(names)} values, got shape {start.shape}"))
    for group in groups:
        path = f"groups.{group.name}"
        faults += [fault for key in ("scale", "lower", "upper") for fault in _size_faults(path, key, group)]
        faults += [
            Fault(f"{path}.{key}", f"expected a finite number >= 0, got {value!r}")
            for key in ("relative", "absolute", "noise")
            if (value := getattr(group, key)) is not None and not 0 <= value < np.inf
        ]
        if group.scale is not None and not np.all(np.asarray(group.scale) > 0):
            faults.append(Fault(f"{path}.scale", f"expected numbers > 0, got {group.scale!r}"))
        if group.relative == 0 and not group.absolute:
            faults.append(Fault(path, "no tolerance: relative and absolute are both 0"))
    return faults


def _size_faults(path: str, key: str, group: Group) -> list[Fault]:
    value = getattr(group, key)
    if value is None:
        return []
    if isinstance(value, tuple) and len(value) != len(group.labels):
        return [Fault(f"{path}.{key}", f"expected one number, or {len(group.labels)}, got {len(value)}")]
    if not np.all(np.isfinite(value)):
        return [Fault(f"{path}.{key}", f"expected finite numbers, got {value!r}", "leave it out for none")]
    return []


def _start_faults(variables: Variables, start: Vector) -> list[Fault]:
    fault = variables.fault_of(start)
    faults = [Fault("start", fault)] if fault else []
    for name, value, low, high in zip(variables.names, start, variables.lower, variables.upper, strict=True):
        if not low < high:
            faults += [Fault(name, f"its bounds {low:g} .. {high:g} are empty")]
        elif not low <= value <= high:
            faults += [Fault(f"start {name}", f"{value:g} is outside its bounds {low:g} .. {high:g}")]
    return faults


def _repeated(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise InvalidInput("the coupling is not well posed", faults=faults)
