"""The command of every module: ``./input`` to ``./output``."""

from __future__ import annotations

from pathlib import Path

from _lp.run import Solver, run


def main(solve: Solver) -> int:
    """Run in the current folder and return the exit code: 0 exactly when the status is 200."""
    return 0 if run(solve, Path("input"), Path("output")) == 200 else 1
