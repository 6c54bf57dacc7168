"""The configuration of a run: ``input/config.yaml``, and the parameters from a file beside it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from ogcore_module.faults import Fault

STARTS = ("auto", "cold", "previous")


@dataclass(frozen=True)
class Config:
    """What the user may choose; ``config.schema.json`` says the same to people and forms."""

    parameters: dict[str, Any] = field(default_factory=dict)  #: OG-Core's, what differs from its defaults
    demographics: dict[str, Any] | None = None  #: ``ages`` and ``groups`` of a stationary population
    steady_state_only: bool = False
    enforce_checks: bool = True  #: OG-Core's own checks of a solution end the run when one fails
    start_from: str = "auto"  #: ``previous`` must fit, ``auto`` takes it where it fits, ``cold`` leaves it


def load_config(path: Path) -> Config:
    """Return the configuration; an absent or empty file is one of defaults.

    Raises:
        Fault: it is not YAML, or has a field or a value that does not exist.
    """
    values = _load(path) if path.exists() else None
    if values is None:
        return Config()
    if not isinstance(values, dict):
        raise Fault(f"config.yaml: expected a mapping of settings, got {type(values).__name__}")
    names = [field.name for field in fields(Config)]
    unknown = sorted(set(map(str, values)) - set(names))
    if unknown:
        raise Fault(
            f"config: no such field: {', '.join(unknown)}; there are {', '.join(names)}"
            " (OG-Core's own parameters go below `parameters`)"
        )
    for name in ("steady_state_only", "enforce_checks"):
        if not isinstance(values.get(name, False), bool):
            raise Fault(f"config.{name}: expected true or false, got {values[name]!r}")
    if values.get("start_from", "auto") not in STARTS:
        raise Fault(f"config.start_from: expected one of {', '.join(STARTS)}, got {values['start_from']!r}")
    for name, content in (("parameters", "OG-Core's parameters by their names"), ("demographics", "ages and groups")):
        if not isinstance(values.get(name, {}), dict):
            raise Fault(f"config.{name}: expected {content}, got {values[name]!r}")
    return Config(**values)


def _load(path: Path) -> Any:
    """Return the content of a YAML file; JSON is read as JSON, for PyYAML takes ``1e-06`` for a text."""
    text = path.read_text()
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Fault(f"{path.name}: not YAML: {error}") from error


def load_parameters(path: Path) -> dict[str, Any]:
    """Return the parameters of a JSON file, by name; an absent file has none.

    Raises:
        Fault: it is not a JSON object.
    """
    if not path.exists():
        return {}
    try:
        values: Any = json.loads(path.read_text())
    except ValueError as error:
        raise Fault(f"{path.name}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise Fault(f"{path.name}: expected an object of OG-Core's parameters by their names")
    return values
