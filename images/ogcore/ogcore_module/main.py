"""The command: ``./input`` to ``./output``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

#: Threads of linear algebra and compiled loops. The systems are small: more are slower, and sums would depend on them.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main() -> int:
    """Run in the current folder and return the exit code: 0 exactly when the status is 200."""
    if isinstance(sys.stdout, TextIO) or hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with TemporaryDirectory(prefix="scratch-", dir=Path.cwd()) as scratch:
        prepare_environment(Path(scratch))
        from ogcore_module.run import run  # what it imports reads the environment when it is imported

        return 0 if run(Path("input"), Path("output")) == 200 else 1


def prepare_environment(scratch: Path) -> None:
    """Let libraries keep what they must in ``scratch``, draw nothing, and use one thread each."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    os.environ.update({"MPLBACKEND": "Agg", "MPLCONFIGDIR": str(scratch / "matplotlib")})
    os.environ.update({"DASK_CONFIG": str(scratch / "dask"), "NUMBA_CACHE_DIR": str(scratch / "numba")})
