"""The frame of an entry script: run in the working folder, and leave how it ended."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from _stars.faults import Fault, write_status


def main(run: Callable[[Path, Path], str]) -> int:
    """Run ``run(input, output)`` in the current folder and return the exit code: 0 exactly when all went well.

    Args:
        run: returns the sentence for the user; raises Fault where the input is at fault.
    """
    output = Path("output")
    try:
        code, message = 200, run(Path("input"), output)
    except Fault as fault:
        code, message = 400, str(fault)
    except Exception as error:  # noqa: BLE001 whatever fails is told in the status file, with the traceback in the log
        traceback.print_exc(file=sys.stdout)
        code, message = 500, f"the module failed: {type(error).__name__}: {error}"
    print(message, flush=True)
    write_status(output, code, message)
    return 0 if code == 200 else 1


def progress(fraction: float, message: str) -> None:
    """Print a line that moves the progress bar."""
    print(f"progress {fraction:.3f} {message}", flush=True)
