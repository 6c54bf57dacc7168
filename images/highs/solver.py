"""HiGHS, run as a program."""

from __future__ import annotations

from pathlib import Path

import highsbox

from _lp.config import Config
from _lp.problem import Task
from _lp.process import run_program
from _lp.solution import Solution, Status

METHODS = ("choose", "simplex", "ipm", "pdlp")
#: HiGHS's model status -> verdict (HighsModelUtils.cpp, ``utilModelStatusToString``).
WORDS = {
    "Optimal": Status.OPTIMAL,
    "Infeasible": Status.INFEASIBLE,
    "Unbounded": Status.UNBOUNDED,
    "Primal infeasible or unbounded": Status.INFEASIBLE_OR_UNBOUNDED,
    "Time limit reached": Status.TIME_LIMIT,
    "Iteration limit reached": Status.ITERATION_LIMIT,
}
PATTERNS = {
    "version": r"^Running HiGHS (\S+)",
    "simplex": r"^Simplex\s+iterations: (\d+)",
    "ipm": r"^IPM\s+iterations: (\d+)",
    "pdlp": r"^PDLP\s+iterations: (\d+)",
    "mip": r"^\s+LP iterations\s+(\d+)",
    "nodes": r"^\s+Nodes\s+(\d+)",
    "parser_timeout": r"(Parser reached timeout)",
    "bound": r"^\s+Dual bound\s+(\S+)",
}


def solve(task: Task, config: Config, scratch: Path) -> Solution:
    """Solve a task by HiGHS's program and read the solution file that it writes."""
    mps, options, values = scratch / "task.mps", scratch / "options.txt", scratch / "values.txt"
    task.move_to_mps(mps)
    options.write_text(_options(config))
    command = [highsbox.highs_bin_path(), "--options_file", str(options), "--solution_file", str(values), str(mps)]
    # The wheel's program does not find the library beside it by itself.
    libraries = dict.fromkeys(("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"), highsbox.highs_lib_dir())
    finished = run_program(command, PATTERNS, scratch, libraries)
    found = finished.found
    if "parser_timeout" in found:
        return Solution(Status.TIME_LIMIT, stopped_by=Status.TIME_LIMIT.value, solver=f"HiGHS {found['version']}")
    if not values.exists():
        raise finished.fault()
    solution = _read(task, values.read_text().splitlines())
    solution.program_memory_bytes = finished.peak_memory_bytes
    solution.solver = f"HiGHS {found.get('version', '')}".strip()
    # A problem that presolve solves has no line on iterations.
    solution.iterations = sum(int(found[name]) for name in ("simplex", "ipm", "pdlp", "mip") if name in found)
    if task.integer and solution.has_point:
        solution.nodes = int(found["nodes"]) if "nodes" in found else None
        solution.bound = float(found["bound"]) if "bound" in found else None
    return solution


def _options(config: Config) -> str:
    pairs = {
        "solver": config.method,
        "time_limit": config.time_limit,
        "mip_rel_gap": config.gap,
        "primal_feasibility_tolerance": config.primal_tolerance,
        "dual_feasibility_tolerance": config.dual_tolerance,
        "mip_feasibility_tolerance": config.integer_tolerance,
        "threads": config.threads,
        "presolve": None if config.presolve else "off",
    }
    return "".join(f"{name} = {value}\n" for name, value in pairs.items() if value is not None)


def _read(task: Task, lines: list[str]) -> Solution:
    """Return the solution of a file in HiGHS's raw style: model status, primal and dual values by name."""
    status = WORDS.get(lines[1].strip(), Status.UNKNOWN)
    stopped_by = status.value if status in {Status.TIME_LIMIT, Status.ITERATION_LIMIT} else None
    primal = lines.index("# Primal solution values")
    dual = lines.index("# Dual solution values")
    feasible = lines[primal + 1] == "Feasible"
    if stopped_by and feasible:
        status = Status.FEASIBLE
    solution = Solution(status, stopped_by=stopped_by)
    if status in {Status.OPTIMAL, Status.FEASIBLE} and feasible:
        solution.column_values = _block(lines, "# Columns", primal, task.columns)
        solution.row_values = _block(lines, "# Rows", primal, task.rows)
        if lines[dual + 1] != "None" and not task.integer:
            solution.column_duals = _block(lines, "# Columns", dual, task.columns)
            solution.row_duals = _block(lines, "# Rows", dual, task.rows)
    return solution


def _block(lines: list[str], title: str, start: int, count: int) -> list[float]:
    """Return the values of the block of that title after line ``start``; they are in the task's order."""
    first = lines.index(f"{title} {count}", start) + 1
    return [float(line.rsplit(" ", 1)[1]) for line in lines[first : first + count]]
