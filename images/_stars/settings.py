"""The configuration of a run, ``input/config.yaml``: read, and checked so that all faults are told at once."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from _stars.faults import Fault, refuse


class Settings:
    """Fields of a mapping; what is wrong is kept until ``finish``."""

    def __init__(self, values: Mapping[str, Any], where: str, faults: list[str] | None = None) -> None:
        self.values = values
        self.where = where
        self.faults: list[str] = [] if faults is None else faults

    def known(self, names: Collection[str]) -> None:
        """Keep a fault for every field that is not among ``names``."""
        for name in sorted(set(self.values) - set(names)):
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            self.faults.append(f"{self.where}.{name}: no such field; {hint}")

    def number(
        self, name: str, default: float | None = None, *, above: float = -math.inf, most: float = math.inf
    ) -> float:
        """Return a number above one limit and at most another; without a default it must be there."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= most:
            self.faults.append(f"{self.where}.{name}: expected a number{_limits(above, most)}, got {_shown(value)}")
            return math.nan
        return float(value)

    def numbers(self, name: str, *, above: float) -> list[float]:
        """Return a list of numbers above a limit; none when it is absent."""
        values = self.values.get(name, [])
        if not isinstance(values, list):
            self.faults.append(f"{self.where}.{name}: expected a list of numbers, got {_shown(values)}")
            return []
        each = Settings({f"{name}[{i}]": value for i, value in enumerate(values)}, self.where, self.faults)
        return [each.number(label, above=above) for label in each.values]

    def whole(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within limits."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.faults.append(
                f"{self.where}.{name}: expected a whole number from {least} to {most}, got {_shown(value)}"
            )
            return default
        return value

    def choice(self, name: str, choices: Collection[Any], default: Any) -> Any:
        """Return one of several values."""
        value = self.values.get(name, default)
        if not any(value is each or (isinstance(value, str) and value == each) for each in choices):
            words = [str(each).lower() if isinstance(each, bool) else str(each) for each in choices]
            near = difflib.get_close_matches(str(value), words, n=3, cutoff=0.5)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            self.faults.append(f"{self.where}.{name}: expected one of {', '.join(words)}, got {_shown(value)}{hint}")
            return default
        return value

    def part(self, name: str) -> Settings:
        """Return the fields below a field."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            self.faults.append(f"{self.where}.{name}: expected a mapping of fields, got {_shown(value)}")
            value = {}
        return Settings(value, f"{self.where}.{name}", self.faults)

    def finish(self) -> None:
        """Raise one Fault that lists everything that was wrong, if anything was."""
        refuse(self.faults)


def load_settings(path: Path) -> Settings:
    """Return the fields of a config file; an absent or empty one has none.

    Raises:
        Fault: it is not a mapping in JSON, as the engine writes it.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        values = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Fault(f"{path.name}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise Fault(f"{path.name}: expected a mapping of fields, got {_shown(values)}")
    return Settings(values, "config")


def _limits(above: float, most: float) -> str:
    low = f" above {above:g}" if math.isfinite(above) else ""
    return low + (f"{' and' if low else ''} at most {most:g}" if math.isfinite(most) else "")


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)[:80]
