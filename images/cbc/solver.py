"""CBC, run as a program."""

from __future__ import annotations

import importlib.util
import platform
import struct
import sys
from pathlib import Path

from _lp.config import Config
from _lp.faults import Fault
from _lp.problem import Task
from _lp.process import run_program
from _lp.solution import Solution, Status

METHODS = {"automatic": "-initialSolve", "primal": "-primalSimplex", "dual": "-dualSimplex", "barrier": "-barrier"}
#: First words of CBC's solution file (CbcSolver.cpp, "saveSolution") -> verdict.
WORDS = (
    ("Optimal", Status.OPTIMAL),
    ("Infeasible", Status.INFEASIBLE),
    ("Integer infeasible", Status.INFEASIBLE),
    ("Unbounded", Status.UNBOUNDED),
    ("Dual infeasible", Status.INFEASIBLE_OR_UNBOUNDED),
    ("Stopped on time", Status.TIME_LIMIT),
    ("Stopped on iterations", Status.ITERATION_LIMIT),
)
PATTERNS = {
    "version": r"^(?:Version:|CBC) (\S+)",
    "iterations": r"(?:Optimal objective \S+ - |took |Total iterations:\s+|Iters: )(\d+)",
    "nodes": r"(?:Enumerated nodes:\s+|Nodes: )(\d+)",
    "bound": r"(?:Lower bound:\s+|Bound: )(-?[\d.]+(?:[eE][+-]?\d+)?)",
}


def find_cbc() -> Path:
    """Return CBC's program: cbcbox's on macOS, on Linux the static one that PuLP carries, a tenth of the size.

    Raises:
        Fault: neither package is installed.
    """
    if importlib.util.find_spec("cbcbox"):
        from cbcbox import cbc_bin_path

        return Path(cbc_bin_path())
    package = importlib.util.find_spec("pulp")
    machine = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "i64", "AMD64": "i64"}.get(platform.machine())
    if package and package.origin and machine:
        system = "osx" if sys.platform == "darwin" else "linux"
        path = Path(package.origin).parent / "solverdir" / "cbc" / system / machine / "cbc"
        if path.exists():
            return path
    raise Fault("CBC is not installed for this machine: install the module's requirements.txt", 500)


def solve(task: Task, config: Config, scratch: Path) -> Solution:
    """Solve a task; CBC writes its values in full precision to a binary file and its word to a text file."""
    mps, words, values = scratch / "task.mps", scratch / "words.txt", scratch / "values.bin"
    task.move_to_mps(mps)
    command = [str(find_cbc()), str(mps), *_options(task, config)]
    command += ["-printingOptions", "normal", "-solution", str(words), "-saveSolution", str(values), "-quit"]
    finished = run_program(command, PATTERNS, scratch)
    if not words.exists():
        raise finished.fault()
    found = finished.found
    word = words.read_text().split("\n", 1)[0]
    if config.time_limit is not None:
        # Clp calls a linear program that ran out of time stopped on iterations; there is no other limit on them.
        word = word.replace("Stopped on iterations", "Stopped on time")
    solution = _read(task, word, values)
    solution.program_memory_bytes = finished.peak_memory_bytes
    solution.solver = f"CBC {found.get('version', '')}".strip()
    solution.iterations = int(found["iterations"]) if "iterations" in found else None
    if task.integer and solution.has_point:
        solution.nodes = int(found["nodes"]) if "nodes" in found else None
        solution.bound = float(found["bound"]) if "bound" in found else solution.bound
    return solution


def _options(task: Task, config: Config) -> list[str]:
    pairs = {
        "-timeMode": "elapsed",
        "-sec": config.time_limit,
        "-ratioGap": config.gap,
        "-primalTolerance": config.primal_tolerance,
        "-dualTolerance": config.dual_tolerance,
        "-integerTolerance": config.integer_tolerance,
        "-threads": config.threads,
        "-presolve": None if config.presolve else "off",
    }
    options = [word for name, value in pairs.items() if value is not None for word in (name, str(value))]
    return [*options, "-solve" if task.integer else METHODS[config.method or "automatic"]]


def _read(task: Task, words: str, values: Path) -> Solution:
    """Return the solution that CBC's word and its file of doubles tell.

    The file: two int32 (rows, columns), the objective, row activities, row duals, column values, reduced costs
    (ClpMain's ``saveSolution``).
    """
    status = next((status for word, status in WORDS if words.startswith(word)), Status.UNKNOWN)
    stopped_by = status.value if status in {Status.TIME_LIMIT, Status.ITERATION_LIMIT} else None
    if stopped_by and task.integer and "no integer solution" not in words:
        status = Status.FEASIBLE
    solution = Solution(status, stopped_by=stopped_by)
    if status not in {Status.OPTIMAL, Status.FEASIBLE}:
        return solution
    content = values.read_bytes()
    if struct.unpack_from("=ii", content) != (task.rows, task.columns):
        raise Fault("CBC's solution file has other sizes than the task: see the log", 500)
    numbers = list(struct.unpack_from(f"={1 + 2 * task.rows + 2 * task.columns}d", content, 8))
    ends = [1, 1 + task.rows, 1 + 2 * task.rows, 1 + 2 * task.rows + task.columns]
    solution.row_values, solution.row_duals = numbers[ends[0] : ends[1]], numbers[ends[1] : ends[2]]
    solution.column_values, solution.column_duals = numbers[ends[2] : ends[3]], numbers[ends[3] :]
    if task.integer:
        solution.row_duals = solution.column_duals = None
        solution.bound = numbers[0] if status == Status.OPTIMAL else None
    return solution
