"""Reads a step's progress from its log while it grows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calculation_engine.schemas.module import Progress

_MOST_BYTES_A_LOOK = 1 << 16


@dataclass(frozen=True)
class Seen:
    """The newest progress that a log told."""

    fraction: float | None
    message: str


class ProgressReader:
    """Looks at what was added to a log since the last look, its newest 64 kB at the most."""

    def __init__(self, log: Path, patterns: Sequence[Progress]) -> None:
        self._log = log
        self._patterns = [re.compile(progress.pattern) for progress in patterns]
        self._offset = 0

    def look(self) -> Seen | None:
        """Return the newest progress, or None where nothing new was told."""
        if not self._patterns:
            return None
        fraction, message = None, ""
        for line in self._new_lines():
            for pattern in self._patterns:
                match = pattern.search(line)
                if match:
                    groups = match.groupdict()
                    fraction = _fraction(groups, fraction)
                    message = groups.get("message") or message
        return Seen(fraction, message) if message or fraction is not None else None

    def _new_lines(self) -> list[str]:
        try:
            size = self._log.stat().st_size
            start = max(self._offset, size - _MOST_BYTES_A_LOOK)
            with self._log.open("rb") as file:
                file.seek(start)
                content = file.read(size - start)
        except FileNotFoundError:
            return []
        complete = content.rfind(b"\n") + 1
        self._offset = start + complete
        return content[:complete].decode(errors="replace").splitlines()


def _fraction(groups: dict[str, str | None], before: float | None) -> float | None:
    try:
        if groups.get("fraction"):
            return min(1.0, max(0.0, float(groups["fraction"] or 0)))
        if groups.get("percent"):
            return min(1.0, max(0.0, float(groups["percent"] or 0) / 100))
    except ValueError:
        pass
    return before
