"""Runs a module as a bare process: its own environment, its entry script, a working folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import uv

from calculation_engine.modules.catalogue import Module

LIMIT_SECONDS = 100


@dataclass(frozen=True)
class Ended:
    """How a bare run ended."""

    exit_code: int
    log: str
    output: Path


def environment_of(module: Module) -> Path:
    """Return a Python with the module's requirements; it is made once per content of the lock file."""
    assert module.requirements is not None
    lock = module.requirements.read_bytes()
    key = hashlib.sha256(lock + sys.version.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("calculation-engine-tests") / f"{module.manifest.name}-{key}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        tool = uv.find_uv_bin()
        subprocess.run([tool, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(
            [tool, "pip", "install", "--quiet", "--python", str(python), "-r", str(module.requirements)], check=True
        )
        ready.touch()
    return python


def run_bare(module: Module, folder: Path, *, limit_seconds: float = LIMIT_SECONDS) -> Ended:
    """Run the module's command in a staged working folder and return how it ended."""
    python = environment_of(module)
    command = [part.replace("{module}", str(module.folder)) for part in module.manifest.command]
    assert command[0] == "python"
    done = subprocess.run(
        [str(python), *command[1:]],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(module.folder.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_seconds,
        check=False,
    )
    return Ended(done.returncode, done.stdout, folder / "output")
