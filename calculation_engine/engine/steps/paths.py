"""Where things are in the data folder."""

from __future__ import annotations

from pathlib import Path

OUTPUTS_SUFFIX = ".outputs"


def step_log(data_dir: Path, step_id: str) -> Path:
    """Return the file with what the current or last attempt of a step wrote to standard output and error."""
    return data_dir / "logs" / step_id[:6] / f"{step_id}.log"


def earlier_log(data_dir: Path, step_id: str, attempt: int) -> Path:
    """Return the file that keeps the log of an attempt that was lost."""
    return step_log(data_dir, step_id).with_suffix(f".{attempt}.log")


def attempt_folder(data_dir: Path, attempt_id: str) -> Path:
    """Return the scratch folder of an attempt, the executor's to use."""
    return data_dir / "work" / attempt_id


def attempt_outputs(data_dir: Path, attempt_id: str) -> Path:
    """Return where the outputs of an attempt stand between its end and the store."""
    return data_dir / "work" / f"{attempt_id}{OUTPUTS_SUFFIX}"


def scratch(data_dir: Path) -> Path:
    """Return the folder for temporary folders of whoever compares results; old ones are swept."""
    return data_dir / "scratch"


def owner_lock(data_dir: Path, owner: str) -> Path:
    """Return the file that an engine process keeps locked while it lives."""
    return data_dir / "engines" / f"{owner}.lock"


def files_below(folder: Path) -> list[str]:
    """Return the files in a folder and in those below it, relative to it and sorted."""
    found: list[str] = []
    for root, _, names in folder.walk():
        inner = root.relative_to(folder)
        found += [(inner / name).as_posix() for name in names]
    return sorted(found)
