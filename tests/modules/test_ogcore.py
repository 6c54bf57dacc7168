"""What the module ogcore does: starts from a neighbour's solution, what it leaves, and what it hooks into."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from calculation_engine.modules.cases import load_case, stage
from calculation_engine.modules.catalogue import Catalogue
from tests.modules.bare import Ended, environment_of, run_bare

MODULE = Catalogue().get("ogcore")
CASES = {folder.name: load_case(folder) for folder in MODULE.cases}
#: The case with the smallest economy that solves once it may iterate: 16 ages, one industry.
_TINY = CASES["no_time_path"].content.config
TINY = {**_TINY, "parameters": {**_TINY["parameters"], "maxiter": 250}}
SMALL = CASES["small"].content.config
TABLES = ("path", "industries", "goods")


@dataclass(frozen=True)
class Answer:
    status: dict[str, Any]
    ended: Ended

    @property
    def output(self) -> Path:
        return self.ended.output

    @property
    def solution(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.output / "solution.json").read_text())
        return content

    @property
    def iterations(self) -> int:
        return int(self.solution["time_path"]["iterations"])

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.output / f"{name}.csv")


def solve(
    folder: Path, inputs: dict[str, Path | str] | None = None, economy: dict[str, Any] = TINY, **config: Any
) -> Answer:
    """Run the module on an economy; ``parameters`` go over its own, other config beside them."""
    content = {**economy, **config, "parameters": {**economy["parameters"], **config.get("parameters", {})}}
    (folder / "input").mkdir(parents=True)
    (folder / "output").mkdir()
    (folder / "input" / "config.yaml").write_text(json.dumps(content))
    for label, given in (inputs or {}).items():
        slot = MODULE.manifest.find_input(label)
        assert slot is not None
        (folder / "input" / slot.path).write_bytes(given.read_bytes() if isinstance(given, Path) else given.encode())
    ended = run_bare(MODULE, folder)
    status = yaml.safe_load((ended.output / "status.yaml").read_text())
    assert ended.exit_code == (0 if status["code"] == 200 else 1)
    return Answer(status, ended)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    answer = solve(tmp_path_factory.mktemp("base") / "run")
    assert answer.status["code"] == 200, answer.status
    return answer


def largest_difference(one: Answer, other: Answer) -> float:
    """Return the largest difference of two runs' tables, relative to each column's largest value."""
    differences = [
        float(((one.table(name) - other.table(name)).abs() / one.table(name).abs().max().clip(lower=1e-12)).max().max())
        for name in TABLES
    ]
    return max(differences)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    answer = solve(tmp_path_factory.mktemp("small") / "run", economy=SMALL)
    assert answer.status["code"] == 200, answer.status
    return answer


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("change", "share"), [(1.0003, 0.4), (1.01, 0.7)])
def test_a_neighbours_solution_saves_iterations_and_leads_to_the_same_economy(
    small: Answer, tmp_path: Path, change: float, share: float
) -> None:
    parameters = {"Z": [[change, 1.0, 1.0]]}
    cold = solve(tmp_path / "cold", economy=SMALL, parameters=parameters)
    previous: dict[str, Path | str] = {"previous": small.output / "guess.npz"}
    warm = solve(tmp_path / "warm", previous, economy=SMALL, parameters=parameters)

    assert warm.solution["start"] == {"asked": "auto", "used": "steady state and path", "because": None}
    assert warm.solution["steady_state"]["method"]["start"] == "the previous steady state"
    assert warm.solution["time_path"]["method"]["start"] == "the previous path"
    assert warm.iterations <= share * cold.iterations
    # Both stop where one more iteration changes nothing by more than 1e-5.
    assert largest_difference(cold, warm) < 1e-5


def test_an_economy_that_starts_at_its_own_solution_is_solved_at_once(base: Answer, tmp_path: Path) -> None:
    again = solve(tmp_path / "again", {"previous": base.output / "guess.npz"}, start_from="previous")

    assert again.iterations == 1
    assert largest_difference(base, again) < 2e-5


def test_a_start_of_other_sizes_is_used_as_far_as_it_fits_or_refused_when_it_was_asked_for(
    base: Answer, tmp_path: Path
) -> None:
    longer = {"T": 24}
    previous: dict[str, Path | str] = {"previous": base.output / "guess.npz"}

    used = solve(tmp_path / "used", previous, parameters=longer)
    refused = solve(tmp_path / "refused", previous, parameters=longer, start_from="previous")
    absent = solve(tmp_path / "absent", start_from="previous")

    assert used.solution["start"] == {"asked": "auto", "used": "steady state", "because": "T is 20, here 24"}
    assert (refused.status["code"], absent.status["code"]) == (400, 400)
    assert "previous.npz does not fit: T is 20, here 24" in refused.status["message"]
    assert "there is no input `previous`" in absent.status["message"]


def test_equal_inputs_give_equal_bytes(base: Answer, tmp_path: Path) -> None:
    again = solve(tmp_path / "again")

    for name in (*(f"{table}.csv" for table in TABLES), "steady_state.json", "steady_state.csv", "guess.npz"):
        assert (again.output / name).read_bytes() == (base.output / name).read_bytes(), name


def test_a_scenario_that_changes_no_parameter_is_its_baseline_to_the_last_bit(base: Answer, tmp_path: Path) -> None:
    given: dict[str, Path | str] = {
        "baseline": base.output / "guess.npz",
        "baseline_prices": base.output / "industries.csv",
        "previous": base.output / "guess.npz",
        "overrides": json.dumps({"Z": [[1.0]] * 5}),  # OG-Core's default, told period by period
    }

    same = solve(tmp_path / "same", given)
    other = solve(tmp_path / "other", {**given, "overrides": json.dumps({"Z": [[1.0 + 1e-9]]})})

    for name in (*(f"{table}.csv" for table in TABLES), "guess.npz"):
        assert (same.output / name).read_bytes() == (base.output / name).read_bytes(), name
    assert "all parameters are the baseline's" in same.solution["start"]["because"]
    assert other.solution["start"]["because"] is None
    assert (other.output / "path.csv").read_bytes() != (base.output / "path.csv").read_bytes()


def test_nothing_is_left_but_the_declared_outputs_and_none_of_them_is_a_pickle(base: Answer) -> None:
    declared = {slot.path for slot in MODULE.manifest.outputs} | {"status.yaml"}

    assert {path.name for path in base.output.iterdir()} == declared
    assert {path.name for path in base.output.parent.iterdir()} == {"input", "output"}
    with np.load(base.output / "guess.npz", allow_pickle=False) as content:
        assert all(content[name].dtype.kind in "uf" for name in content.files)


@pytest.mark.parametrize("name", [*TABLES, "steady_state"])
def test_a_tables_columns_are_the_ones_that_the_manifest_declares(base: Answer, name: str) -> None:
    slot = next(slot for slot in MODULE.manifest.outputs if slot.path == f"{name}.csv")

    with (base.output / slot.path).open() as file:
        assert next(csv.reader(file)) == [column.name for column in slot.columns]


def test_the_log_tells_progress_that_never_falls(base: Answer) -> None:
    patterns = [re.compile(progress.pattern) for progress in MODULE.manifest.progress]
    found = [match for line in base.ended.log.splitlines() for p in patterns if (match := p.search(line))]

    fractions = [float(match["fraction"]) for match in found]
    assert fractions == sorted(fractions)
    messages = [match["message"] for match in found]
    assert sum(message.startswith("time path: iteration") for message in messages) == base.iterations
    assert any(message.startswith("steady state: evaluation") for message in messages)


def test_every_residual_of_a_solution_is_told_beside_its_limit(base: Answer) -> None:
    checks = {check["name"]: check for check in base.solution["checks"]}

    assert all(check["passed"] for check in checks.values())
    for name in ("steady_state.resource_constraint", "time_path.resource_constraint", "time_path.euler_savings"):
        assert 0 < checks[name]["value"] <= checks[name]["at_most"]
    distances = base.solution["time_path"]["distances"]
    assert distances[-1] <= base.solution["time_path"]["tolerance"] < distances[-2]


TWO = {
    "M": 2,
    "I": 2,
    "epsilon": [1.0, 1.0],
    "gamma": [0.35, 0.35],
    "gamma_g": [0.0, 0.0],
    "c_min": [0.0, 0.0],
    "alpha_c": [0.1, 0.9],
    "io_matrix": [[1.0, 0.0], [0.0, 1.0]],
}


def test_base_price_gdp_is_the_sum_of_the_baselines_prices_times_output(tmp_path: Path) -> None:
    baseline = solve(tmp_path / "baseline", parameters=TWO)
    scenario = solve(
        tmp_path / "scenario",
        {"baseline_prices": baseline.output / "industries.csv", "overrides": json.dumps({"Z": [[0.8, 1.0]]})},
        parameters={**TWO, "Z": [[1.1, 1.0]]},
    )

    own, other = (run.table("industries") for run in (baseline, scenario))
    by_hand = (own["p_m"] * other["Y_m"]).groupby(other["period"]).sum()
    np.testing.assert_allclose(scenario.table("path")["gdp_base_prices"], by_hand, rtol=1e-12)
    # A run without a baseline is its own: volume and value are the same, but for the last iteration's step.
    np.testing.assert_allclose(baseline.table("path")["gdp_base_prices"], baseline.table("path")["Y"], rtol=1e-5)
    assert (baseline.solution["base_prices"], scenario.solution["base_prices"]) == ("own", "baseline")
    # Industries of one technology have prices that go as 1 / Z; the overrides went over the config's 1.1.
    np.testing.assert_allclose(other[other["industry"] == 0]["p_m"], 1.25, rtol=1e-4)


def test_each_place_of_parameters_goes_over_the_one_before_it(tmp_path: Path) -> None:
    file = json.dumps({"start_year": 2030, "T": 22, "frisch": 0.5})

    answer = solve(
        tmp_path / "run",
        {"parameters": file, "overrides": json.dumps({"start_year": 2031})},
        parameters={"start_year": 2032},
        steady_state_only=True,
    )

    assert answer.status["code"] == 200
    # The file's T of 22 lies below the config's 20, the config's year below that of the overrides.
    assert (answer.solution["start_year"], answer.solution["sizes"]["T"]) == (2031, 20)
    assert answer.solution["time_path"] is None
    assert not (answer.output / "path.csv").exists()


def test_small_numbers_in_the_engines_json_are_numbers(tmp_path: Path) -> None:
    answer = solve(tmp_path / "run", parameters={"mindist_TPI": 1e-6}, steady_state_only=True)

    assert answer.status["code"] == 200, answer.status["message"]


def test_the_config_schema_has_the_fields_that_the_module_reads() -> None:
    schema = json.loads((MODULE.folder / "config.schema.json").read_text())
    script = "import dataclasses, ogcore_module.config as c; print(*[f.name for f in dataclasses.fields(c.Config)])"

    assert ask(script).split() == list(schema["properties"])


def test_the_hooks_hold_for_the_release_that_is_installed() -> None:
    """Another release needs another look at ``hooks.py``: what it replaces, and in what order OG-Core uses it."""
    script = """
import inspect, json
import ogcore
from ogcore import SS, TPI, solvers
from ogcore_module import guess, hooks
source = inspect.getsource(TPI.run_TPI)
print(json.dumps({
    "releases": [ogcore.__version__, hooks.RELEASE],
    "absent": sorted({hooks.HOUSEHOLD_NAMES.get(n, n) for n in (*guess.PATH, *guess.HOUSEHOLDS)}
                     - set(TPI.run_TPI.__code__.co_varnames)),
    "hooks": source.count("solvers.make_outer_updater("),
    "before the loop": source.index("make_outer_updater(") < source.index("while ("),
    "root": [inspect.getsource(SS).count("opt."), inspect.getsource(SS).count("opt.root(")],
    "starts": inspect.getsource(SS.run_SS).count("SS_initial_guesses("),
    "arguments": list(inspect.signature(SS.SS_initial_guesses).parameters),
    "shrink": inspect.getsource(SS.solve_for_j).count(f"guesses * {hooks.HOUSEHOLD_SHRINK}"),
    "flags": [SS.ENFORCE_SOLUTION_CHECKS, TPI.ENFORCE_SOLUTION_CHECKS, len(SS.DEV_FACTOR_LIST) > 5],
    "update": list(inspect.signature(solvers.make_outer_updater).parameters),
}))
"""
    told = json.loads(ask(script).splitlines()[-1])

    assert MODULE.requirements is not None
    locked = re.search(r"^ogcore==(\S+)$", MODULE.requirements.read_text(), re.MULTILINE)
    assert locked is not None
    assert told == {
        "releases": [locked[1], locked[1]],
        "absent": [],
        "hooks": 1,
        "before the loop": True,
        "root": [3, 3],
        "starts": 1,
        "arguments": ["p", "b_val", "n_val", "r_tr_scalars"],
        "shrink": 1,
        "flags": [True, True, True],
        "update": ["method", "p"],
    }


def test_the_lock_names_every_package_with_one_version() -> None:
    assert MODULE.requirements is not None
    lines = MODULE.requirements.read_text().splitlines()
    assert lines == sorted(lines)
    assert all("==" in line for line in lines)


def ask(script: str) -> str:
    """Run a script in the module's environment and return what it prints."""
    done = subprocess.run(
        [str(environment_of(MODULE)), "-c", script],
        cwd=MODULE.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_case_of_the_steady_state_is_staged_and_solved_as_a_bare_process(tmp_path: Path) -> None:
    case = CASES["energy_price"]
    stage(case, MODULE.manifest, tmp_path)

    ended = run_bare(MODULE, tmp_path)

    steady_state = json.loads((ended.output / "steady_state.json").read_text())
    assert steady_state["p_m"] == pytest.approx([1.2, 1.0, 1.0])
    assert steady_state["gdp_base_prices"] < steady_state["Y"]
