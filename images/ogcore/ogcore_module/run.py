"""One run: read the parameters, solve steady state and path, write tables and status."""

from __future__ import annotations

import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ogcore
from ogcore_module.checks import check_steady_state, check_time_path
from ogcore_module.config import Config, load_config, load_parameters
from ogcore_module.demographics import stationary_population
from ogcore_module.faults import Fault
from ogcore_module.guess import SIZES, Guess, load_guess, save_guess
from ogcore_module.hooks import solution_checks
from ogcore_module.listener import PATH_BEGINS, PATH_ENDS, STEADY_STATE_BEGINS, Listener, listening
from ogcore_module.parameters import load_declarations, make_specifications
from ogcore_module.prices import BasePrices, load_base_prices
from ogcore_module.report import CONVERGED, Report, write_status
from ogcore_module.scenario import begin_like, is_baseline
from ogcore_module.steady_state import keep_for_path, solve_steady_state
from ogcore_module.tables import write_path, write_steady_state, years_per_period
from ogcore_module.time_path import solve_time_path

Arrays = dict[str, Any]


def run(input_dir: Path, output_dir: Path) -> int:
    """Solve the economy in ``input_dir`` and return the code that ``status.yaml`` has: 200 fine, else not.

    Args:
        input_dir: holds ``config.yaml`` and the inputs.
        output_dir: gets all results; OG-Core's own files go to a folder beside it that is removed.
    """
    output_dir.mkdir(parents=True, exist_ok=True)
    report = Report(ogcore_version=ogcore.__version__)
    try:
        with TemporaryDirectory(prefix="scratch-", dir=output_dir.resolve().parent) as scratch:
            _Run(input_dir, output_dir, Path(scratch), report).go()
        code, message, verdict = 200, _summary(report), report.verdict()
    except Fault as fault:
        code, message, verdict = fault.code, fault.message, fault.verdict or {}
    except Exception as error:  # noqa: BLE001 a run always ends with a status
        traceback.print_exc()
        code, message, verdict = 500, f"the module failed: {type(error).__name__}: {error}", {}
    if report.sizes:
        report.write(output_dir / "solution.json")
    write_status(output_dir, code, message, verdict)
    print(f"status {code}: {message}", flush=True)
    return code


class _Run:
    """The parts of one run, in order."""

    def __init__(self, input_dir: Path, output_dir: Path, scratch: Path, report: Report) -> None:
        self._input_dir, self._output_dir, self._scratch = input_dir, output_dir, scratch
        self._report = report

    def go(self) -> None:
        config = load_config(self._input_dir / "config.yaml")
        with self._report.timing("read"):
            given = self._given(config)
            p = make_specifications(given, self._scratch, path_wanted=not config.steady_state_only)
            if "TPI_stall_action" not in given:
                p.TPI_stall_action = "stop"  # a path that has stalled for TPI_stall_window iterations only costs time
            base = load_base_prices(self._input_dir / "baseline_industries.csv", p.T, p.M)
            previous = load_guess(self._input_dir / "previous.npz")
            baseline = load_guess(self._input_dir / "baseline.npz")
            same = is_baseline(baseline, p) and config.start_from != "previous"
            if baseline is not None and not same:
                begin_like(baseline, p, self._scratch, path=not config.steady_state_only)
        self._describe(p, base)
        listener = Listener(p.mindist_TPI, path_wanted=not config.steady_state_only)
        listener.progress(STEADY_STATE_BEGINS, f"solving: S = {p.S}, J = {p.J}, T = {p.T}, M = {p.M}, I = {p.I}")
        starts = self._choose_start(config, None if same else previous, p)
        if same:
            self._report.start["because"] = "all parameters are the baseline's, so it is solved as the baseline is"
        with listening(listener), solution_checks(config.enforce_checks):
            steady_state = self._solve_steady_state(p, starts[0], listener, config.enforce_checks)
            write_steady_state(self._output_dir, steady_state, base.gdp_of_steady_state(steady_state))
            time_path = None
            if not config.steady_state_only:
                listener.progress(PATH_BEGINS, "time path")
                time_path = self._solve_time_path(p, steady_state, starts[1], listener, config.enforce_checks)
        listener.progress(PATH_ENDS, "write")
        if time_path is not None:
            write_path(self._output_dir, time_path, base.gdp_of_path(time_path), p)
        save_guess(self._output_dir / "guess.npz", p, steady_state, time_path)
        if config.enforce_checks or all(check.passed for check in self._report.checks if check.enforced):
            self._report.status = CONVERGED

    def _given(self, config: Config) -> dict[str, Any]:
        """Return the parameters, each from the last place that has it: demographics, file, config, overrides."""
        population = config.demographics
        return {
            **({} if population is None else stationary_population(population, load_declarations())),
            **load_parameters(self._input_dir / "parameters.json"),
            **config.parameters,
            **load_parameters(self._input_dir / "overrides.json"),
        }

    def _describe(self, p: Any, base: BasePrices) -> None:
        self._report.sizes = {name: int(getattr(p, name)) for name in SIZES}
        self._report.start_year, self._report.years_per_period = int(p.start_year), years_per_period(p)
        self._report.base_prices, self._report.tolerance = base.source, float(p.mindist_TPI)

    def _choose_start(self, config: Config, previous: Guess | None, p: Any) -> tuple[Arrays | None, Arrays | None]:
        """Return where steady state and path start; None is OG-Core's own start. The report gets the reason."""
        asked = config.start_from
        self._report.start = {"asked": asked, "used": "cold", "because": None}
        if previous is None and asked == "previous":
            raise Fault("config.start_from is previous, but there is no input `previous`: give another run's `guess`")
        if previous is None or asked == "cold":
            return None, None
        unfit = previous.misfit(p, path=False)
        unfit_path = unfit or (None if config.steady_state_only else previous.misfit(p, path=True))
        if unfit_path and asked == "previous":
            raise Fault(f"previous.npz does not fit: {unfit_path}; give a fitting one, or start_from: auto")
        starts = (None if unfit else previous.steady_state, None if unfit_path else previous.path or None)
        names = [name for name, start in zip(("steady state", "path"), starts, strict=True) if start]
        self._report.start |= {"used": " and ".join(names) or "cold", "because": unfit_path}
        return starts

    def _solve_steady_state(self, p: Any, start: Arrays | None, listener: Listener, enforce: bool) -> Arrays:
        report = self._report
        try:
            with report.timing("steady_state"):
                solution = solve_steady_state(p, start, listener, report.steady_state, enforce=enforce)
        finally:
            report.steady_state_errors = listener.errors
        report.checks += check_steady_state(solution, p, listener.settled)
        return solution

    def _solve_time_path(
        self, p: Any, steady_state: Arrays, start: Arrays | None, listener: Listener, enforce: bool
    ) -> Arrays:
        report = self._report
        keep_for_path(steady_state, self._scratch)
        try:
            with report.timing("time_path"):
                solution = solve_time_path(p, start, listener, report.time_path, enforce=enforce)
        finally:
            report.distances = listener.distances
        report.checks += check_time_path(solution, p, listener.distances[-1])
        return solution


def _summary(report: Report) -> str:
    text = f"{report.status.replace('_', ' ')}: steady state in {len(report.steady_state_errors)} evaluations"
    if report.time_path:
        text += f", path in {report.iterations} iterations to a distance of {report.distances[-1]:.2g}"
    ways = [("steady state", report.steady_state), ("path", report.time_path)]
    text += "".join(
        f"; the {what} took {len(attempts)} attempts and was solved with {attempts[-1].how}"
        for what, attempts in ways
        if len(attempts) > 1
    )
    if report.warnings:
        text += f"; mind: {'; '.join(report.warnings)}"
    return text
