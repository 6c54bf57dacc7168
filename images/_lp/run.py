"""One run: read the model, hand it to a solver, take the solution back, write tables and status."""

from __future__ import annotations

import contextlib
import hashlib
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from _lp import diagnose
from _lp.config import Config, load_config
from _lp.declarations import declared_indices
from _lp.faults import Fault
from _lp.inputs import Inputs, find_inputs
from _lp.memory import peak_memory_bytes
from _lp.problem import Problem, Task
from _lp.readers import read_problem
from _lp.report import Report, relative_gap, write_status
from _lp.solution import Solution, Status
from _lp.tables import write_by_variable, write_constraints, write_variables
from _lp.terminal import Transcript, transcript
from _lp.translate import RESULTS, translate

Solver = Callable[[Task, Config, Path], Solution]
#: Where the project's OSeMOSYS writes the parameters that it was solved with; GLPK makes no folders.
PARAMETERS = "parameters"
#: Relative violation above which a result is not to be trusted: ten times the solvers' usual tolerances.
VIOLATION = 1e-5


def run(solve: Solver, input_dir: Path, output_dir: Path) -> int:
    """Solve what is in ``input_dir`` and return the code that ``status.yaml`` has: 200 fine, else not.

    Args:
        solve: the solver; it gets a task, the configuration and a scratch folder.
        input_dir: holds ``config.yaml`` and the inputs.
        output_dir: gets all results; while MathProg works it is the working directory, so that a model's own files
            land there.
    """
    input_dir, output_dir = input_dir.resolve(), output_dir.resolve()
    output_dir.mkdir(parents=True, exist_ok=True)
    report = Report()
    try:
        # Not in /tmp, which may be memory: the files of a large model are large.
        with TemporaryDirectory(prefix=".lp-", dir=output_dir.parent) as name, contextlib.chdir(output_dir):
            scratch = Path(name)
            with transcript(scratch / "terminal.txt") as said:
                _Run(solve, input_dir, output_dir, scratch, said, report).go()
        code, message, verdict = 200, _summary(report), report.verdict()
    except Fault as fault:
        code, message, verdict = fault.code, fault.message, fault.verdict or {}
    except Exception as error:  # noqa: BLE001 a run always ends with a status
        traceback.print_exc()
        code, message, verdict = 500, f"the module failed: {type(error).__name__}: {error}", {}
    report.peak_memory_bytes = (report.peak_memory_bytes or 0) + peak_memory_bytes()
    if report.rows is not None:
        report.write(output_dir / "solution.json")
    write_status(output_dir, code, message, verdict)
    print(f"status {code}: {message}", flush=True)
    return code


class _Run:
    """The parts of one run, in order."""

    def __init__(
        self, solve: Solver, input_dir: Path, output_dir: Path, scratch: Path, said: Transcript, report: Report
    ) -> None:
        self._solve = solve
        self._input_dir, self._output_dir, self._scratch = input_dir, output_dir, scratch
        self._said = said
        self._report = report
        self._folder = output_dir / RESULTS

    def go(self) -> None:
        config = load_config(self._input_dir / "config.yaml")
        inputs = find_inputs(self._input_dir, config)
        with self._stage("read", 0.05):
            self._report.model_sha256 = _sha256(inputs)
            if inputs.problem:
                translator, problem = None, read_problem(inputs.problem, self._said, self._scratch)
            else:
                translator, problem, self._folder = translate(
                    inputs, config, self._said, self._scratch, self._output_dir
                )
        self._describe(problem)
        with self._stage("solve", 0.25):
            solution = self._solution_of(problem, config)
        self._judge(problem, solution)
        with self._stage("write", 0.85):
            problem.accept(solution, self._scratch)
            self._report.violation, self._report.violated = problem.largest_violation()
            if translator:
                if inputs.own:
                    (self._output_dir / PARAMETERS).mkdir(exist_ok=True)
                translator.post_solve(problem)
            self._write_tables(problem, inputs, config)

    def _solution_of(self, problem: Problem, config: Config) -> Solution:
        """Return the solver's solution, or what is plain without one."""
        if problem.crossed_bounds():
            return Solution(Status.INFEASIBLE, solver="none needed")
        task = problem.task()
        return task.without_constraints() or self._solve(task, config, self._scratch)

    def _describe(self, problem: Problem) -> None:
        report = self._report
        report.rows, report.columns = len(problem.kept_rows), problem.columns
        report.nonzeros, report.integers = problem.nonzeros, problem.integers
        report.objective_constant, report.maximise = problem.constant, problem.maximise
        print(f"{report.rows} constraints, {report.columns} variables, {report.integers} of them integer", flush=True)

    def _judge(self, problem: Problem, solution: Solution) -> None:
        """Put the solver's word into the report; without a point, say why there is none."""
        report = self._report
        report.status, report.solver, report.stopped_by = solution.status.value, solution.solver, solution.stopped_by
        report.iterations, report.nodes = solution.iterations, solution.nodes
        report.peak_memory_bytes = solution.program_memory_bytes
        if not solution.has_point:
            with self._stage("explain", 0.7):
                status, message = _no_solution(problem, solution)
            report.status = status.value
            raise Fault(message, 422, report.verdict())
        report.objective = problem.objective(solution)
        report.bound = report.objective if solution.status == Status.OPTIMAL and not report.integers else None
        report.bound = problem.bound(solution) if report.bound is None else report.bound
        report.gap = relative_gap(report.objective, report.bound)

    def _write_tables(self, problem: Problem, inputs: Inputs, config: Config) -> None:
        own_tables = False
        if inputs.model:
            own_tables = any(self._folder.rglob("*.csv"))
            if not own_tables:
                text = inputs.model.read_text(errors="replace")
                write_by_variable(problem, self._folder, declared_indices(text, "var"))
            if self._folder != self._output_dir / RESULTS:
                self._folder.rename(self._output_dir / RESULTS)
        if config.solution_tables == "always" or (config.solution_tables == "auto" and not own_tables):
            write_variables(problem, self._output_dir / "variables.csv")
            write_constraints(problem, self._output_dir / "constraints.csv")

    @contextlib.contextmanager
    def _stage(self, name: str, fraction: float) -> Iterator[None]:
        print(f"progress {fraction:.2f} {name}", flush=True)
        started = time.perf_counter()
        try:
            yield
        finally:
            self._report.times_seconds[name] = round(time.perf_counter() - started, 6)


def _sha256(inputs: Inputs) -> str:
    """Return the hash of the model's text; data are the run's other inputs."""
    path = inputs.problem or inputs.model
    assert path is not None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _no_solution(problem: Problem, solution: Solution) -> tuple[Status, str]:
    """Return what the solver meant and a sentence on it, found by asking GLPK again."""
    status = solution.status
    if status in {Status.TIME_LIMIT, Status.ITERATION_LIMIT}:
        words = status.value.replace("_", " ")
        return status, f"no feasible point was found within the {words}: raise config.time_limit, or simplify the model"
    if status in {Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED}:
        why = diagnose.conflicts(problem)
        if why:
            return Status.INFEASIBLE, f"the model is infeasible: {why}"
    if status in {Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED}:
        along = diagnose.endless_direction(problem)
        if along:
            return Status.UNBOUNDED, (
                f"the model is unbounded: the objective improves for ever along {along}; give it a limit or a cost"
            )
    if status == Status.INFEASIBLE and problem.integers:
        return status, "the model is infeasible: its linear relaxation has a solution, but no integer one exists"
    if status == Status.UNKNOWN:
        return status, f"{solution.solver} ended without an answer: see the log, and try another method or solver"
    return status, f"the model is {status.value.replace('_', ' ')}: check its limits and data"


def _summary(report: Report) -> str:
    text = f"{report.status}: objective {report.objective:.12g}"
    if report.stopped_by:
        text += f", stopped by the {report.stopped_by.replace('_', ' ')}"
        text += f" at a gap of {report.gap:.3g}" if report.gap is not None else ""
    if report.violation and report.violation > VIOLATION:
        text += (
            f"; warning: the solver misses {report.violated} by {report.violation:.2g}, so the objective may be wrong: "
            "bring the model's numbers nearer to each other (limits of 999999 are seldom needed), or try another solver"
        )
    return text
