"""Whether the coupled scenario's solution depends on method or start: the same job, several ways, side by side.

    python -m benchmarks.coupled [--executor local] [--methods multisecant anderson aitken] [--starts 1.0 0.8]

Prints a table: evaluations, the fixed point's numbers, and how far each variant's demand ratios are from the first
variant's, in tolerances of the loop.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import yaml

import calculation_engine
from calculation_engine.client import Finished

EXAMPLE = Path(__file__).parents[1] / "examples" / "clews-og-core.yaml"
NUMBERS = {
    "total discounted cost": ("total discounted cost of the energy system", "SCENARIO"),
    "cost ratio 2014 - 1": ("unit cost of energy 2014", "CHANGE"),
    "demand ratio 2040": ("demand over original, all fuels 2040", "SCENARIO"),
    "GDP 2014": ("GDP at base prices 2014", "CHANGE"),
}


def main() -> None:
    """Run every combination and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", default="local")
    parser.add_argument("--methods", nargs="+", default=["multisecant", "anderson", "aitken"])
    parser.add_argument("--starts", nargs="+", type=float, default=[1.0, 0.8])
    arguments = parser.parse_args()
    print("| method | start | evaluations | verdict |", " | ".join(NUMBERS), "| distance in tolerances |")
    print("|---|---|---|---|" + "---|" * (len(NUMBERS) + 1))
    first: list[float] | None = None
    for method in arguments.methods:
        for start in arguments.starts:
            job = run(method, start, arguments.executor)
            loop = job.view.loops[0]
            table = job.results[f"agree/{loop['solution']}/response/output/exchange.csv"]
            answered = [float(value) for value in table["value"]]
            first = first or answered
            distance = max(abs(a / b - 1) for a, b in zip(answered, first, strict=True)) / 1e-4
            summary = job.results["agree/report/output/summary.csv"].set_index("QUANTITY")
            numbers = [f"{summary.loc[row, column]:.8g}" for row, column in NUMBERS.values()]
            print(
                f"| {method} | {start} | {loop['evaluations']} | {loop['verdict']} |",
                " | ".join(numbers),
                f"| {distance:.2f} |",
                flush=True,
            )


def run(method: str, start: float, executor: str) -> Finished:
    """Run the example with another method and start."""
    document = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    loop = document["components"][0]
    loop["acceleration"] = {"method": method}
    loop["bridge"]["config"]["exchange"] = {"start": start}
    loop["max_evaluations"] = 30
    for process in document["processes"]:
        process["executor"] = executor
        process["inputs"] = {
            label: str((EXAMPLE.parent / path).resolve()) for label, path in process.get("inputs", {}).items()
        }
    return calculation_engine.run(document)


if __name__ == "__main__":
    main()
