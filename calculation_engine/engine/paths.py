"""Where things are in the data folder."""

from __future__ import annotations

from pathlib import Path


def step_log(data_dir: Path, step_id: str) -> Path:
    """Return the file with what a step wrote to standard output and error, all its attempts in turn."""
    return data_dir / "logs" / step_id[:6] / f"{step_id}.log"


def attempt_folder(data_dir: Path, attempt_id: str) -> Path:
    """Return the scratch folder of an attempt, the executor's to use."""
    return data_dir / "work" / attempt_id


def attempt_outputs(data_dir: Path, attempt_id: str) -> Path:
    """Return where the outputs of an attempt stand between its end and the store."""
    return data_dir / "work" / f"{attempt_id}.outputs"


def owner_lock(data_dir: Path, owner: str) -> Path:
    """Return the file that an engine process keeps locked while it lives."""
    return data_dir / "engines" / f"{owner}.lock"
