"""The command of a pass: ``python -m calculation_engine.bridges BRIDGE PASS``, ``./input`` to ``./output``."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from calculation_engine.bridges.base import Status
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.errors import InvalidInput, UserError


def main(arguments: list[str]) -> int:
    """Run one pass in the current folder and return the exit code: 0 exactly when the status is 200."""
    bridge, name = arguments
    output = Path("output")
    output.mkdir(exist_ok=True)
    status = run_pass(bridge, name, Path("input"), output)
    status.write(output)
    print(f"{bridge} {name}: {status.message}")  # noqa: T201 - standard output is the log of a step
    return 0 if status.code == 200 else 1


def run_pass(bridge: str, name: str, input_dir: Path, output_dir: Path) -> Status:
    """Run a pass and return how it ended; what goes wrong becomes a status, never an exception."""
    try:
        config = json.loads((input_dir / "config.yaml").read_text(encoding="utf-8"))
        return make_bridge(bridge, config).run(name, input_dir, output_dir)
    except InvalidInput as error:
        return Status(400, str(error))
    except UserError as error:
        return Status(error.status, str(error))
    except Exception as error:  # noqa: BLE001 - the boundary of the step: the traceback goes to its log
        traceback.print_exc()
        return Status(500, f"bridge {bridge}, pass {name}: {type(error).__name__}: {error}; the log has the details")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
