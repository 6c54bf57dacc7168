"""How the groups of exchange variables are iterated: ``variables.json``, which a bridge's start writes."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, ValidationError

from calculation_engine.errors import InvalidInput, pydantic_faults
from calculation_engine.schemas.base import Schema


class VariableGroup(Schema):
    """What the exchange variables of one group have in common."""

    positive: bool = False
    """Whether all values are > 0; they are then iterated as logarithms."""
    lower: float | None = None
    """Smallest value that is asked."""
    upper: float | None = None
    """Largest value that is asked."""
    scale: float | None = Field(default=None, gt=0)
    """Typical size of a value; none: that of the start."""
    noise: float = Field(default=0.0, ge=0, lt=1)
    """Error of the models' answers, relative to the value (positive groups) or the scale [-]."""


def write_groups(groups: dict[str, VariableGroup], path: Path) -> None:
    """Write ``variables.json``."""
    content = {name: group.model_dump(mode="json") for name, group in groups.items()}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_groups(content: str | bytes, *, name: str = "variables.json") -> dict[str, VariableGroup]:
    """Return the groups by name, in their order.

    Raises:
        InvalidInput: it is not what :func:`write_groups` writes; every fault is named.
    """
    try:
        groups = json.loads(content).items()
    except (ValueError, AttributeError) as error:
        raise InvalidInput(f"{name}: expected a JSON object of groups: {error}") from error
    read, faults = {}, []
    for group, settings in groups:
        try:
            read[group] = VariableGroup.model_validate(settings)
        except ValidationError as error:
            faults += pydantic_faults(error.errors(), group)
    if faults:
        raise InvalidInput(f"{name} has faults", faults=faults)
    return read
