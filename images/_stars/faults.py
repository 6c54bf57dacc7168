"""What ends a run early, and the files that say how a run ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHOWN = 20  #: faults of one input that are listed; a wrong table may have thousands


class Fault(Exception):
    """The input is at fault; the message says what was wrong, where, what was expected, and what to do."""


def refuse(faults: Sequence[str]) -> None:
    """Raise one Fault that lists all of an input's faults; none: return."""
    if not faults:
        return
    listed = list(faults[:SHOWN])
    if len(faults) > SHOWN:
        listed.append(f"and {len(faults) - SHOWN} more")
    raise Fault(listed[0] if len(listed) == 1 else f"{len(faults)} faults:\n" + "\n".join(listed))


def write_status(folder: Path, code: int, message: str) -> None:
    """Write ``status.yaml``, as JSON, which is YAML."""
    folder.mkdir(exist_ok=True)
    (folder / "status.yaml").write_text(json.dumps({"code": code, "message": message}, ensure_ascii=False) + "\n")


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a report; a value that is not finite would not be JSON and raises ValueError."""
    path.write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
