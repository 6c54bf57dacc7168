"""The configuration of a run: ``input/config.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from _lp.faults import Fault

CHOICES = {"model": ("osemosys", "file"), "solution_tables": ("auto", "always", "never")}


@dataclass(frozen=True)
class Config:
    """What the user may choose; every module's ``config.schema.json`` declares the fields that its solver has."""

    model: str | None = None  #: ``osemosys`` or ``file``; none: told by the inputs
    method: str | None = None  #: algorithm for linear programs, in the solver's words
    time_limit: float | None = None  #: of the solver [s]
    gap: float | None = None  #: relative gap at which an integer program is solved well enough [-]
    primal_tolerance: float | None = None
    dual_tolerance: float | None = None
    integer_tolerance: float | None = None
    presolve: bool = True
    threads: int | None = None
    scale: list[Any] | None = None  #: factors on the data, as rows of ``scale.csv``
    solution_tables: str = "auto"  #: when variables.csv and constraints.csv are written


def load_config(path: Path) -> Config:
    """Return the configuration; an absent file is an empty one.

    Raises:
        Fault: it is not YAML, or has a field or a choice that does not exist.
    """
    if not path.exists():
        return Config()
    try:
        values: Any = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise Fault(f"config.yaml: not YAML: {error}") from error
    if values is None:
        return Config()
    if not isinstance(values, dict):
        raise Fault(f"config.yaml: expected a mapping of settings, got {type(values).__name__}")
    names = {field.name for field in fields(Config)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise Fault(f"config: no such field: {', '.join(map(str, unknown))}; there are {', '.join(sorted(names))}")
    for name, allowed in CHOICES.items():
        if values.get(name) not in (None, *allowed):
            raise Fault(f"config.{name}: expected one of {', '.join(allowed)}, got {values[name]!r}")
    return Config(**{name: value for name, value in values.items() if value is not None})
