"""The module that people copy is built, runs in a container, and its cases hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import docker
import pytest


@pytest.mark.needs("docker")
def test_copy_of_the_template_passes_its_cases_in_a_container(tmp_path: Path) -> None:
    name = "test_copied_template"
    environment = {**os.environ, "CE_MODULE_PATH": str(tmp_path), "CE_DATA_DIR": str(tmp_path / "data")}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "calculation_engine", "module", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("new", name, "--folder", str(tmp_path))
    try:
        table = run("test", name, "--executor", "docker")
    finally:
        client = docker.from_env()
        for image in client.images.list(f"calculation-engine/{name}"):
            client.images.remove(str(image.id), force=True)
        client.close()
    assert table.count("passed") >= 2
    assert "FAILED" not in table
