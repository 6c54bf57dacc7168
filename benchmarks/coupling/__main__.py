"""Measure the coupling on all problems: ``python -m benchmarks.coupling`` writes ``benchmarks/coupling/README.md``."""

from __future__ import annotations

import platform
import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coupling.measure import Outcome, claims_falsely_on_damped_steps, run
from benchmarks.coupling.problems import added_mass_chain
from benchmarks.coupling.suite import Row, claim_problems, other_rows, other_step_problems, smooth_rows, step_problems
from calculation_engine.coupling import SUCCESSES, Word

#: What counts for a problem that is not solved within the limit.
UNSOLVED = 200
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6)
METHODS: dict[str, dict[str, Any]] = {
    "constant 1.0": {"method": "constant", "relaxation": 1.0},
    "constant 0.7": {"method": "constant", "relaxation": 0.7},
    "constant 0.5": {"method": "constant", "relaxation": 0.5},
    "constant 0.3": {"method": "constant", "relaxation": 0.3},
    "aitken": {"method": "aitken"},
    "anderson 3": {"method": "anderson", "depth": 3},
    "anderson 5": {"method": "anderson", "depth": 5},
    "multisecant": {"method": "multisecant"},
}


def main() -> None:
    """Measure, print, and write the report."""
    rows = smooth_rows()
    outcomes = {
        name: [[run(p, 1e-6, **options) for p in row.problems] for row in rows] for name, options in METHODS.items()
    }
    parts = [
        _HEAD.format(python=platform.python_version(), numpy=np.__version__),
        _targets(rows, outcomes["multisecant"]),
        _chains(),
        _comparison(rows, outcomes),
        _steps(),
        _others(),
        _claims(rows),
    ]
    text = "\n".join(parts)
    Path(__file__).with_name("README.md").write_text(text, encoding="utf-8")
    print(text)


def _targets(rows: list[Row], outcomes: list[list[Outcome]]) -> str:
    lines = ["## Targets of `multisecant`, evaluations to a true residual of 1e-6\n"]
    lines += ["| problem | must | good | measured | reached | each |", "|---|---|---|---|---|---|"]
    for row, results in zip(rows, outcomes, strict=True):
        each = [UNSOLVED if outcome.solved is None else outcome.solved for outcome in results]
        number = statistics.median(each) if row.median else max(each)
        reached = "good" if number <= row.good else "must" if number <= row.must else "**missed**"
        counts = ", ".join(str(value) for value in each)
        lines.append(f"| {row.name} | {row.must:g} | {row.good:g} | {number:g} | {reached} | {counts} |")
    return "\n".join(lines) + "\n"


def _chains() -> str:
    """Return how far the solver is from what any method on the same space could do, on ever harder chains."""
    lines = [
        "Harder added-mass chains, beside the least that any method of this kind can do (GMRES on the same map):\n"
    ]
    lines += ["| density ratio | strongest feedback | least | measured |", "|---|---|---|---|"]
    for ratio in (0.02, 0.05, 0.1, 0.3, 1.0):
        problem = added_mass_chain(64, ratio)
        push = problem.g(problem.start)
        slope = np.array([problem.g(unit) - push for unit in np.eye(problem.size)]).T
        least = _least_evaluations(np.eye(problem.size) - slope, push, 1e-6 * problem.scale)
        strongest = float(np.linalg.eigvalsh(slope).min())
        lines.append(f"| {ratio:g} | {strongest:.3g} | {least} | {run(problem, 1e-6).solved} |")
    return "\n".join(lines) + "\n"


def _least_evaluations(matrix: Any, right: Any, tolerance: float) -> int:
    basis = [right / np.linalg.norm(right)]
    for dimension in range(1, len(right)):
        space = np.array(basis).T
        rest = right - matrix @ space @ np.linalg.lstsq(matrix @ space, right, rcond=None)[0]
        if np.max(np.abs(rest)) <= tolerance:
            return dimension + 1
        new = matrix @ basis[-1]
        new = new - space @ (space.T @ new)
        basis.append(new / np.linalg.norm(new))
    return len(right) + 1


def _comparison(rows: list[Row], outcomes: dict[str, list[list[Outcome]]]) -> str:
    lines = [f"## Methods side by side: median evaluations to 1e-6 ({UNSOLVED}: not within {UNSOLVED})\n"]
    lines += ["| problem | " + " | ".join(METHODS) + " |", "|---" * (len(METHODS) + 1) + "|"]
    for number, row in enumerate(rows):
        medians = [statistics.median(_solved(outcomes[name][number])) for name in METHODS]
        lines.append(f"| {row.name} | " + " | ".join(f"{median:g}" for median in medians) + " |")
    sums = [sum(sum(_solved(results)) for results in outcomes[name]) for name in METHODS]
    failed = [sum(_solved(results).count(UNSOLVED) for results in outcomes[name]) for name in METHODS]
    cells = [f"{total} ({unsolved})" for total, unsolved in zip(sums, failed, strict=True)]
    lines.append("| **sum over all (unsolved)** | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _solved(outcomes: Iterable[Outcome]) -> list[int]:
    return [UNSOLVED if outcome.solved is None else outcome.solved for outcome in outcomes]


def _steps() -> str:
    outcomes = [run(problem, 1e-4, limit=80) for problem in step_problems()]
    certified = [outcome.evaluations for outcome in outcomes if outcome.word is Word.CONVERGED_SET]
    share = len(certified) / len(outcomes)
    p95 = float(np.percentile(certified, 95))
    reached = "good" if share == 1 and p95 <= 31 else "must" if share >= 0.9 and p95 <= 40 else "**missed**"
    return (
        "## Step prices: no fixed point, only a jump to enclose\n\n"
        "| problems | certified | median | p95 | must | good | reached | false |\n|---|---|---|---|---|---|---|---|\n"
        f"| {len(outcomes)} | {share:.0%} | {np.median(certified):g} | {p95:g} | >= 90 %, p95 <= 40 | all, p95 <= 31"
        f" | {reached} | {sum(outcome.false_claim for outcome in outcomes)} |\n"
    )


def _others() -> str:
    lines = ["## The same kinds of problems with other sizes, strengths and seeds: evaluations to 1e-6\n"]
    lines += ["| problems | number | median | 95 % | most | false |", "|---|---|---|---|---|---|"]
    for row in other_rows():
        outcomes = [run(problem, 1e-6) for problem in row.problems]
        each = _solved(outcomes)
        false = sum(outcome.false_claim for outcome in outcomes)
        lines.append(
            f"| {row.name} | {len(each)} | {statistics.median(each):g} | {np.percentile(each, 95):g} | {max(each)}"
            f" | {false} |"
        )
    outcomes = [run(problem, 1e-4, limit=80) for problem in other_step_problems()]
    certified = [outcome.evaluations for outcome in outcomes if outcome.word is Word.CONVERGED_SET]
    false = sum(outcome.false_claim for outcome in outcomes)
    lines.append(
        f"| step prices, {len(certified)} of them certified | {len(outcomes)} | {statistics.median(certified):g}"
        f" | {np.percentile(certified, 95):.3g} | {max(certified)} | {false} |"
    )
    return "\n".join(lines) + "\n"


def _claims(rows: list[Row]) -> str:
    smooth = [problem for row in rows for problem in row.problems]
    hard = claim_problems()
    lines = ["## Claims of success that the exact map denies\n"]
    lines += ["| rule | runs | claims | false | beyond ten tolerances of the solution |", "|---|---|---|---|---|"]
    for name in ("constant 0.5", "aitken", "anderson 5", "multisecant"):
        found = [
            run(problem, tolerance, limit=80, **METHODS[name])
            for tolerance in TOLERANCES
            for problem in (*smooth, *hard, *step_problems()[::4])
        ]
        claims = sum(outcome.word in SUCCESSES for outcome in found)
        false = sum(outcome.false_claim for outcome in found)
        lines.append(f"| {name} | {len(found)} | {claims} | {false} | {sum(o.slipped for o in found)} |")
    for factor in (0.7, 0.5, 0.3, 0.1):
        ends = [claims_falsely_on_damped_steps(p, factor, 1e-4) for p in (*smooth, *hard)]
        made = [end for end in ends if end is not None]
        lines.append(f"| damped step below 1e-4, a = {factor:g} | {len(ends)} | {len(made)} | {sum(made)} | |")
    words = Counter(run(problem, 1e-6, limit=80).word.value for problem in hard)
    listed = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    lines.append(f"\nFinal words of `multisecant` on the {len(hard)} tempting and noisy maps at 1e-6: {listed}.")
    return "\n".join(lines) + "\n"


_HEAD = """# How many evaluations a coupling takes

Written by `python -m benchmarks.coupling` (Python {python}, numpy {numpy}); rounding may move a count by one.

An evaluation is one run of all coupled models. A *true residual* is that of the exact map at the point evaluated:
`max |g - x| / max(|x|, |g|)`, for variables that may change sign relative to the size of the solution. Problems are
defined in `problems.py`, `energy.py` and `maps.py`, with their sources. A row's number is the worst of its problems,
or the median where it says so. Academic problems run without a cap on the step, energy, generations and random maps
with the default of 0.3.
"""


if __name__ == "__main__":
    main()
