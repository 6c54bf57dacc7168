"""Answers each value v of input/asked.csv with offset + slope * v; see module.yaml."""

import csv
import json
import math
import sys
import time
from pathlib import Path


def run(input_dir: Path, output_dir: Path) -> int:
    """Answer the table and return the exit code."""
    config = json.loads((input_dir / "config.yaml").read_text())
    time.sleep(config.get("sleep", 0))
    with (input_dir / "asked.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    if any(float(row["value"]) > config.get("fails_above", float("inf")) for row in rows):
        (output_dir / "status.yaml").write_text("code: 422\nmessage: no solution\nverdict: {status: infeasible}\n")
        return 1
    for row in rows:
        value = float(row["value"])
        answer = config.get("offset", 1.0) + config.get("slope", 0.5) * value
        answer *= 1 + config.get("noise", 0) * math.sin(1e9 * value)
        if value > config.get("jump_at", float("inf")):
            answer -= 0.5
        row["value"] = repr(answer)
    with (output_dir / "answered.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (output_dir / "status.yaml").write_text("code: 200\nmessage: answered\n")
    return 0


if __name__ == "__main__":
    output = Path("output")
    output.mkdir(exist_ok=True)
    sys.exit(run(Path("input"), output))
