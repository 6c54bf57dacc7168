"""The notebooks run: cells in order, against a server of their own; those of the compose project run in its tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_code_blocks import ROOT, server

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
IN_COMPOSE = {"examples", "og_clews"}
HERE = [notebook for notebook in NOTEBOOKS if notebook.stem not in IN_COMPOSE]


def code(notebook: Path) -> str:
    cells = json.loads(notebook.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("notebook", HERE, ids=lambda notebook: notebook.stem)
def test_a_notebooks_cells_run_in_order(notebook: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}
    environment |= {"CE_DATA_DIR": str(tmp_path / "data"), "MPLBACKEND": "Agg"}
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with server(tmp_path, environment) as address:
        environment["CE_SERVER"] = address
        command = [sys.executable, "-c", code(notebook)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=800, check=False
        )
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
