"""Copies of modules' code, one for each content, so that an edit cannot change a step that runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from calculation_engine.executors._environment import Environment, locked
from calculation_engine.executors.base import Program

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", "cases", ".git")


class Programs:
    """The copies below one folder, shared by all engines that use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, program: Program, environment: Environment) -> Path:
        """Return a folder that holds the module's folder and its shared ones; the first call makes it."""
        place = self._folder / f"{program.content_hash}-{environment.id}"
        if not place.is_dir():
            with locked(self._folder / f"{place.name}.lock"):
                if not place.is_dir():
                    self._make(place, program, environment)
        return place

    def _make(self, place: Path, program: Program, environment: Environment) -> None:
        partial = place.with_name(f"{place.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for folder in (program.folder, *program.shared):
            shutil.copytree(folder, partial / folder.name, ignore=_IGNORED)
        if environment.python:
            # Compiled for where the code will be, and never checked again: nothing of it changes.
            words = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "."]
            subprocess.run(
                [environment.python, "-I", *words],
                cwd=partial,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        partial.rename(place)
