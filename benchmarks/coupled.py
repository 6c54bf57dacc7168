"""Whether the coupled scenario's solution depends on method, start or executor: the same job, all ways, side by side.

    python -m benchmarks.coupled [--economy small|annual] [--executors local docker] [--methods ...] [--starts 1.0 0.6]
                                 [--data FOLDER]

Each executor has a data folder of its own, so that nothing is taken from the other; within one, an evaluation that was
asked before is taken as it was stored. With --data these folders are kept, and what has run is not run again.
Prints a row a variant, then what the rows say: the largest difference between any two fixed points in tolerances of the
loop, the largest difference between executors over all exchange tables at equal evaluations, and whether a variant
computed anew, with nothing reused, gives each table to the last bit. The row "precise" is the fixed point in more
digits: tolerance 1e-6, and OG-Core beginning where it does by itself, so that equal ratios have equal answers.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import calculation_engine
from calculation_engine.client import Finished

EXAMPLE = Path(__file__).parents[1] / "examples" / "clews-og-core.yaml"
METHODS = ("constant", "aitken", "anderson", "multisecant")
TOLERANCE = 1e-4
PRECISE = "multisecant, precise"
#: Column of the table -> row of the report's summary, its column, and how it is shown.
NUMBERS = {
    "total discounted cost": ("total discounted cost of the energy system", "SCENARIO", ".4f"),
    "cost ratio 2014": ("unit cost of energy 2014", "CHANGE", "+.5%"),
    "demand ratio 2040": ("demand over original, all fuels 2040", "SCENARIO", ".7f"),
    "GDP 2014": ("GDP at base prices 2014", "CHANGE", "+.5%"),
}
#: What makes the example's economy of 20 ages one of 80 annual ages; the rest is the same.
ANNUAL = {
    "T": 100,
    "tG1": 20,
    "tG2": 80,
    "debt_ratio_ss": 0.6,
    "initial_debt_ratio": 0.6,
    "initial_guess_r_SS": 0.065,
    "initial_guess_TR_SS": 0.035,
    "initial_guess_b_SS_no_zeta": 0.5,
    "initial_guess_n_SS_no_zeta": 0.3,
}


@dataclass(frozen=True)
class Variant:
    """One way to the solution."""

    method: str
    start: float
    executor: str

    @property
    def cells(self) -> str:
        """Its part of a row."""
        return f"{self.method} | {self.start:g} | {self.executor}"


@dataclass(frozen=True)
class Course:
    """What came of a variant.

    Args:
        row: evaluations, final word and :data:`NUMBERS`, as they are shown.
        tables: every exchange table by its path.
        answer: at the solution; none where it has none.
        passes: processor time of the bridge's own steps, as far as they were computed [s].
    """

    row: list[str]
    tables: dict[str, list[float]]
    answer: list[float] | None
    passes: list[float]


def main() -> None:
    """Run every combination and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--economy", choices=["small", "annual"], default="small")
    parser.add_argument("--executors", nargs="+", default=["local", "docker"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--starts", nargs="+", type=float, default=[1.0, 0.6])
    parser.add_argument("--data", type=Path, help="keep what was computed below this folder")
    arguments = parser.parse_args()
    show("| method | start | executor | evaluations | final word |", *(f"{name} |" for name in NUMBERS))
    show("|---|---:|---|---:|---|" + "---:|" * len(NUMBERS))
    courses: dict[Variant, Course] = {}
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for executor in arguments.executors:
            data = (arguments.data or Path(folder)) / executor
            data.mkdir(parents=True, exist_ok=True)
            variants = [Variant(*pair, executor) for pair in itertools.product(arguments.methods, arguments.starts)]
            for variant in [*variants, Variant(PRECISE, 1.0, executor)]:
                courses[variant] = solved(document(variant, arguments.economy), data, variant, arguments.economy)
            again = Variant(f"{arguments.methods[-1]}, anew", arguments.starts[0], executor)
            first = courses[Variant(arguments.methods[-1], arguments.starts[0], executor)]
            repeated = solved(document(again, arguments.economy) | {"reuse": "never"}, data, again, arguments.economy)
            lines.append(f"- {again.method}, {executor}: {agreement(repeated.tables, first.tables)}")
            passes = repeated.passes
            lines.append(
                f"- a pass of the bridge, {executor}: {statistics.median(passes):.2f} s of processor time, median of"
                f" {len(passes)}; {max(passes):.2f} s the longest"
            )
    show(*["", *told(courses), *lines], end="\n")


def document(variant: Variant, economy: str) -> dict[str, Any]:
    """Return the example with another method, start, executor and economy."""
    workflow: dict[str, Any] = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    loop = workflow["components"][0]
    loop["max_evaluations"] = 30
    exchange: dict[str, Any] = {"start": variant.start}
    method = variant.method.removesuffix(", anew")
    if method == PRECISE:
        exchange |= {"warm_start": False, "noise": 0}
        loop["until"] = {"relative": 1e-6}
    else:
        constant = method == "constant"
        loop["acceleration"] = {"method": method, "relaxation": 1.0 if constant else 0.5}
    loop["bridge"]["config"]["exchange"] = exchange
    for process in workflow["processes"]:
        process["executor"] = variant.executor
        process["inputs"] = {
            label: str((EXAMPLE.parent / path).resolve()) for label, path in process.get("inputs", {}).items()
        }
    if economy == "annual":
        config = workflow["processes"][1]["config"]
        config["demographics"] = {"ages": 80}
        config["parameters"] |= ANNUAL
    return workflow


def solved(workflow: dict[str, Any], data: Path, variant: Variant, economy: str) -> Course:
    """Run it, or take what is kept of it; show its row and return what came of it."""
    kept = data / f"{economy}-{variant.method}-{variant.start:g}.json"
    if not kept.is_file():
        job = calculation_engine.run(workflow, settings={"data_dir": data}, check=False)
        kept.write_text(json.dumps(asdict(course_of(job))))
    course = Course(**json.loads(kept.read_text()))
    show(f"| {variant.cells} |", *(f"{cell} |" for cell in course.row))
    return course


def course_of(job: Finished) -> Course:
    """Return what came of a variant."""
    loop = job.view.loops[0]
    if loop["verdict"] is None:
        raise SystemExit(job.view.message)
    tables = exchange_tables(job)
    answer, numbers = None, [""] * len(NUMBERS)
    if loop["verdict"] == "converged":
        answer = tables[f"agree/{loop['solution']}/response/output/exchange.csv"]
        summary = job.results["agree/report/output/summary.csv"].set_index("QUANTITY")
        numbers = [format(summary.loc[row, column], form) for row, column, form in NUMBERS.values()]
    bridge = [step.cpu_seconds for step in job.view.steps if step.module.startswith("bridge.")]
    row = [str(loop["evaluations"]), loop["verdict"], *numbers]
    return Course(row, tables, answer, [seconds for seconds in bridge if seconds is not None])


def exchange_tables(job: Finished) -> dict[str, list[float]]:
    """Return the values of what every evaluation asked and answered, by path."""
    paths = [path for path in job.results.names if path.endswith("/exchange.csv")]
    return {path: [float(value) for value in job.results[path]["value"]] for path in paths}


def told(courses: dict[Variant, Course]) -> list[str]:
    """Return what the rows say of method, start and executor."""
    answers = np.array([course.answer for course in courses.values() if course.answer is not None])
    spread = (answers.max(axis=0) / answers.min(axis=0) - 1).max() / TOLERANCE
    lines = [f"- largest difference between any two of {len(answers)} fixed points: {spread:.2g} tolerances"]
    here = {(v.method, v.start): course for v, course in courses.items() if v.executor == "local"}
    for executor in sorted({variant.executor for variant in courses} - {"local"}):
        there = {(v.method, v.start): course for v, course in courses.items() if v.executor == executor}
        pairs = [(here[key].tables, there[key].tables) for key in there if key in here]
        if pairs:
            worst = max(difference(*pair) for pair in pairs)
            lines.append(f"- largest relative difference between local and {executor}, all evaluations: {worst:.2g}")
    return lines


def agreement(repeated: dict[str, list[float]], first: dict[str, list[float]]) -> str:
    """Return whether two courses are the same to the last bit."""
    if repeated == first:
        return f"each of {len(first)} exchange tables to the last bit"
    return f"differs by {difference(repeated, first):.2g}, relative"


def difference(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    """Return the largest relative difference of two courses; infinite where they have other evaluations."""
    if one.keys() != other.keys():
        return float("inf")
    return max(abs(a / b - 1) for path in one for a, b in zip(one[path], other[path], strict=True))


def show(*parts: str, end: str = " ") -> None:
    """Print a line at once."""
    sys.stdout.write(end.join(parts).rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
