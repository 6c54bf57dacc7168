"""A sample of the faults of ``python -m tests.faults``: nothing is lost, doubled or left behind."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.faults.__main__ import FAULTS


@pytest.mark.timeout(500)
@pytest.mark.needs("docker", "mariadb")
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_doubled_or_left_by(fault: str) -> None:
    if os.geteuid() != 0 or not shutil.which("dockerd") or not shutil.which("mariadbd"):
        pytest.skip("it starts a Docker engine and a MariaDB of its own: be root, and have dockerd and mariadbd")
    words = [sys.executable, "-m", "tests.faults", fault, "--times", "2", "--jobs", "12"]

    ended = subprocess.run(words, capture_output=True, text=True, timeout=480, check=False)

    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr[-6000:]}"
    assert re.search(
        rf"^\| {re.escape(fault)} \| 2 \| [1-9]\d* \| 0 \| 0 \| 0 \| 0 \| \d+ \|$", ended.stdout, re.MULTILINE
    )
