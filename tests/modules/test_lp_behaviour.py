"""What the linear-programming modules do at the edges: limits, empty models, faulty files, tables and signs."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from calculation_engine.modules.cases import load_case, stage
from calculation_engine.modules.catalogue import Catalogue, Module
from tests.modules.bare import run_bare

CATALOGUE = Catalogue()
EVERY_MODULE = pytest.mark.parametrize(
    "module", [CATALOGUE.get(name) for name in ("glpk", "cbc", "highs")], ids=lambda module: module.manifest.name
)


@dataclass(frozen=True)
class Answer:
    status: dict[str, Any]
    log: str
    output: Path

    @property
    def verdict(self) -> str | None:
        return (self.status.get("verdict") or {}).get("status")

    @property
    def solution(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.output / "solution.json").read_text())
        return content

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.output / name)


def solve(module: Module, folder: Path, files: dict[str, str], **config: object) -> Answer:
    (folder / "output").mkdir(parents=True)
    (folder / "input").mkdir()
    (folder / "input" / "config.yaml").write_text(json.dumps(config))
    for name, content in files.items():
        (folder / "input" / name).write_text(content)
    ended = run_bare(module, folder)
    status = yaml.safe_load((ended.output / "status.yaml").read_text())
    assert ended.exit_code == (0 if status["code"] == 200 else 1)
    return Answer(status, ended.log, ended.output)


def market_split(*, with_slack: bool) -> str:
    """Return an LP file of market split (Cornuejols and Dawande 1999), which takes branch and bound for ever."""
    generator = random.Random(1)
    rows = []
    for i in range(5):
        weights = [generator.randint(0, 99) for _ in range(40)]
        terms = " + ".join(f"{weight} x{j}" for j, weight in enumerate(weights))
        rows.append(f" r{i}: {terms}{f' + p{i} - n{i}' if with_slack else ''} = {sum(weights) // 2}")
    goal = " + ".join(f"p{i} + n{i}" for i in range(5)) if with_slack else " + ".join(f"x{j}" for j in range(40))
    binaries = " ".join(f"x{j}" for j in range(40))
    return "\n".join([f"Minimize\n miss: {goal}\nSubject To", *rows, f"Binary\n {binaries}\nEnd\n"])


@EVERY_MODULE
def test_the_best_point_at_the_time_limit_is_a_result_that_is_not_called_optimal(
    module: Module, tmp_path: Path
) -> None:
    answer = solve(module, tmp_path, {"model.lp": market_split(with_slack=True)}, time_limit=2)

    assert (answer.status["code"], answer.verdict) == (200, "feasible")
    assert answer.status["verdict"]["stopped_by"] == "time_limit"
    assert answer.solution["objective"] > 0
    assert len(answer.table("variables.csv")) == 50


@EVERY_MODULE
def test_without_a_point_at_the_time_limit_there_is_no_result(module: Module, tmp_path: Path) -> None:
    answer = solve(module, tmp_path, {"model.lp": market_split(with_slack=False)}, time_limit=1)

    assert (answer.status["code"], answer.verdict) == (422, "time_limit")
    assert "raise config.time_limit" in answer.status["message"]
    assert not (answer.output / "variables.csv").exists()


@EVERY_MODULE
def test_a_linear_program_stops_at_its_time_limit(module: Module, tmp_path: Path) -> None:
    case = load_case(next(folder for folder in module.cases if folder.name == "simplicity"))

    answer = solve(module, tmp_path, {"data.txt": (case.folder / "data.txt").read_text()}, time_limit=0.001)

    assert (answer.status["code"], answer.verdict) == (422, "time_limit")


@EVERY_MODULE
def test_an_integer_model_whose_relaxation_is_feasible_is_told_apart(module: Module, tmp_path: Path) -> None:
    model = "var x integer, >= 0, <= 9;\nminimize z: x;\ns.t. half: 0.4 <= x - 2 <= 0.6;\nend;\n"

    answer = solve(module, tmp_path, {"model.txt": model})

    assert (answer.status["code"], answer.verdict) == (422, "infeasible")
    assert "no integer one exists" in answer.status["message"]


@EVERY_MODULE
def test_bounds_that_cross_are_named(module: Module, tmp_path: Path) -> None:
    problem = "Minimize\n z: x + y\nSubject To\n c: x + y >= 1\nBounds\n 5 <= x <= 3\nEnd\n"

    answer = solve(module, tmp_path, {"model.lp": problem})

    assert (answer.status["code"], answer.verdict) == (422, "infeasible")
    assert "above the upper one at x" in answer.status["message"]


@EVERY_MODULE
def test_a_model_without_constraints_is_solved(module: Module, tmp_path: Path) -> None:
    answer = solve(module, tmp_path, {"model.txt": "var x >= 2;\nminimize z: 3 * x + 1;\nend;\n"})

    assert (answer.status["code"], answer.solution["objective"]) == (200, 7)


@EVERY_MODULE
def test_free_integer_and_negative_variables_reach_the_solver_as_they_are(module: Module, tmp_path: Path) -> None:
    model = """var x; var y <= 3; var z integer, >= 0; var w >= -2, <= 4;
    minimize o: x + w - 0.1 * z;
    s.t. a: x + y >= -5; c: z + x <= 12; d: -3 <= w + y <= 30;
    end;"""

    answer = solve(module, tmp_path, {"model.txt": model})

    assert answer.solution["objective"] == pytest.approx(-12, rel=1e-9)
    values = answer.table("variables.csv").set_index("NAME")["VALUE"]
    assert values.to_dict() == pytest.approx({"x": -8, "y": 3, "z": 20, "w": -2})


@EVERY_MODULE
def test_duals_are_the_change_of_the_objective_per_unit_of_the_limit(module: Module, tmp_path: Path) -> None:
    def problem(limit: float) -> str:
        return f"""Maximize\n profit: 7 a + 5 b
        Subject To\n steel: 3 a + 2 b <= {limit}\n hours: a + 4 b <= 90\n least: a + b >= 10\nEnd\n"""

    first = solve(module, tmp_path / "first", {"model.lp": problem(120)})
    second = solve(module, tmp_path / "second", {"model.lp": problem(121)})

    dual = first.table("constraints.csv").set_index("NAME")["DUAL"]["steel"]
    assert dual == pytest.approx(second.solution["objective"] - first.solution["objective"], rel=1e-9)


@EVERY_MODULE
def test_tables_of_a_model_without_its_own_have_the_names_of_its_sets(module: Module, tmp_path: Path) -> None:
    model = """set REGION; set YEAR;
    var x{r in REGION, s in REGION, y in YEAR: y > 2019} >= 0;
    minimize z: sum{r in REGION, s in REGION, y in YEAR: y > 2019} x[r,s,y];
    s.t. c{r in REGION, y in YEAR: y > 2019}: sum{s in REGION} x[r,s,y] >= y - 2018;
    data; set REGION := 'North, upper' South; set YEAR := 2019 2020; end;"""

    answer = solve(module, tmp_path, {"model.txt": model})

    table = answer.table("results/x.csv")
    assert list(table.columns) == ["REGION", "_REGION", "YEAR", "VALUE"]
    assert set(table["REGION"]) == {"North, upper", "South"}
    assert table["VALUE"].sum() == pytest.approx(4)


@EVERY_MODULE
def test_an_lp_file_with_a_fault_names_its_line(module: Module, tmp_path: Path) -> None:
    answer = solve(module, tmp_path, {"model.lp": "Minimize\n z: x + 1\nSubject To\n c: x >= one two\nEnd\n"})

    assert answer.status["code"] == 400
    assert answer.status["message"].startswith("model.lp, line 4: ")


@EVERY_MODULE
def test_a_model_that_writes_where_it_may_not_says_so(module: Module, tmp_path: Path) -> None:
    model = """set I; var x{I} >= 0; minimize z: sum{i in I} x[i]; s.t. c{i in I}: x[i] >= 1; solve;
    table t{i in I} OUT "CSV" "no_such_folder/x.csv": i, x[i]~VALUE;
    data; set I := a; end;"""

    answer = solve(module, tmp_path, {"model.txt": model})

    assert answer.status["code"] == 400
    assert "No such file or directory" in answer.status["message"]
    assert "line 2" in answer.status["message"]


@EVERY_MODULE
def test_an_unknown_field_of_the_config_is_refused(module: Module, tmp_path: Path) -> None:
    answer = solve(module, tmp_path, {"model.lp": "Minimize\n z: x\nSubject To\n c: x >= 1\nEnd\n"}, timelimit=3)

    assert answer.status["code"] == 400
    assert "no such field: timelimit" in answer.status["message"]


@EVERY_MODULE
def test_every_method_that_the_schema_offers_solves_the_same(module: Module, tmp_path: Path) -> None:
    case = load_case(next(folder for folder in module.cases if folder.name == "super_simple"))
    data = (case.folder / "data.txt").read_text()

    for method in module.config_schema["properties"]["method"]["enum"]:
        answer = solve(module, tmp_path / method, {"data.txt": data}, method=method)
        assert answer.solution["objective"] == pytest.approx(46.43123317, rel=1e-4), method


def test_annual_tables_have_every_row_and_tables_by_time_slice_only_nonzero_ones(tmp_path: Path) -> None:
    module = CATALOGUE.get("highs")
    stage(load_case(next(f for f in module.cases if f.name == "utopia")), module.manifest, tmp_path)

    results = run_bare(module, tmp_path).output / "results"

    capacity = pd.read_csv(results / "NewCapacity.csv")
    assert len(capacity) == 21 * 21
    assert (capacity["VALUE"] == 0).any()
    assert (pd.read_csv(results / "RateOfActivity.csv")["VALUE"] != 0).all()
    for path in results.glob("*.csv"):
        columns = path.read_text().split("\n", 1)[0].split(",")
        assert len(columns) == len(set(columns)), path.name


@EVERY_MODULE
def test_solution_json_tells_sizes_times_memory_and_versions(module: Module, tmp_path: Path) -> None:
    case = load_case(next(folder for folder in module.cases if folder.name == "super_simple"))

    solution = solve(module, tmp_path, {"data.txt": (case.folder / "data.txt").read_text()}).solution

    assert (solution["status"], solution["gap"], solution["maximise"]) == ("optimal", 0, False)
    assert solution["bound"] == solution["objective"]
    assert solution["violation"] < 1e-6
    assert (solution["rows"], solution["columns"], solution["integers"]) == (16, 8, 0)
    assert set(solution["times_seconds"]) == {"read", "solve", "write"}
    assert 10_000_000 < solution["peak_memory_bytes"] < 500_000_000
    assert len(solution["model_sha256"]) == 64
    assert any(character.isdigit() for character in solution["solver"])
    assert isinstance(solution["iterations"], int)
