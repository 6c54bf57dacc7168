"""CLEWS and OG-Core of one country agree: the published set-up reaches the published numbers, wherever it runs."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "clews-og-core.yaml"
ONE_WAY = ROOT / "examples" / "clews-one-way.yaml"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("coupled")

    @cache
    def run(executor: str) -> Path:
        return run_file(EXAMPLE, folder / executor, folder / "data", executor)

    return run


def example() -> dict[str, Any]:
    """Return the reference scenario, its paths absolute."""
    document: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    for label, path in document["processes"][0]["inputs"].items():
        document["processes"][0]["inputs"][label] = str(EXAMPLE.parent / path)
    return document


def run_file(file: Path, output: Path, data_dir: Path, executor: str = "local") -> Path:
    result = run_cli(file, output, data_dir, executor)
    assert result.returncode == 0, result.stderr[-4000:]
    return output


def run_cli(file: Path, output: Path, data_dir: Path, executor: str = "local") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calculation_engine", "run", str(file), "--executor", executor]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CE_")}
    environment["CE_DATA_DIR"] = str(data_dir)
    return subprocess.run(
        [*command, "--output", str(output)], env=environment, capture_output=True, text=True, timeout=1100, check=False
    )


def summary(folder: Path) -> dict[str, tuple[float, float]]:
    with (folder / "agree" / "report" / "output" / "summary.csv").open() as file:
        return {row["QUANTITY"]: (float(row["SCENARIO"]), float(row["CHANGE"])) for row in csv.DictReader(file)}


def exchange_tables(folder: Path) -> dict[str, list[float]]:
    tables = {}
    for path in sorted(folder.glob("agree/*/*/output/exchange.csv")):
        with path.open() as file:
            tables[str(path.relative_to(folder))] = [float(row["value"]) for row in csv.DictReader(file)]
    return tables


@pytest.mark.timeout(1200)
def test_reference_scenario_reaches_its_fixed_point_in_five_evaluations(runs: Any) -> None:
    folder = runs("local")
    found = summary(folder)
    starts = [
        json.loads((folder / "agree" / place / "economy" / "output" / "solution.json").read_text())["start"]["used"]
        for place in ("baseline", "1", "2", "3")
    ]
    assert starts == ["cold", *["steady state and path"] * 3]
    job = json.loads((folder / "job.json").read_text())
    assert job["loops"][0]["verdict"] == "converged"
    assert job["loops"][0]["evaluations"] <= 5
    # the digits on which all methods, starts and executors agree: python -m benchmarks.coupled
    assert found["total discounted cost of the energy system"][0] == pytest.approx(4771.8689, abs=0.3)
    assert found["unit cost of energy 2014"][1] == pytest.approx(0.4094509, abs=6e-5)
    assert found["demand over original, all fuels 2040"][0] == pytest.approx(0.7903951, abs=1e-5)
    assert found["GDP at base prices 2014"][1] == pytest.approx(-0.0058661, abs=3e-6)


@pytest.mark.timeout(1200)
@pytest.mark.needs("docker")
def test_containers_give_the_same_as_local_processes(runs: Any) -> None:
    local, docker = exchange_tables(runs("local")), exchange_tables(runs("docker"))
    assert local.keys() == docker.keys()
    for path, values in local.items():
        assert docker[path] == pytest.approx(values, rel=1e-8), path


@pytest.mark.timeout(1200)
def test_results_that_were_solved_elsewhere_give_in_one_pass_what_the_first_evaluation_gives(
    runs: Any, tmp_path: Path
) -> None:
    first, once = runs("local"), run_file(ONE_WAY, tmp_path / "results", runs("local").parent / "data")
    job = json.loads((once / "job.json").read_text())
    [loop] = job["loops"]
    assert (job["state"], loop["verdict"], loop["evaluations"]) == ("succeeded", "one_way", 1)
    assert "not claimed" in loop["history"][0]["sentence"]
    answer = "agree/1/response/output/exchange.csv"
    assert exchange_tables(once)[answer] == pytest.approx(exchange_tables(first)[answer], rel=1e-9)
    assert summary(once)["unit cost of energy 2014"][1] == pytest.approx(0.3541, abs=1e-3)
    assert (once / "agree" / "report" / "output" / "report.html").stat().st_size > 10_000


@pytest.mark.timeout(600)
def test_scenario_without_a_solution_ends_with_the_constraints_that_conflict(runs: Any, tmp_path: Path) -> None:
    document = example()
    document["processes"][0]["config"]["scale"] += [
        {"parameter": parameter, "factor": 2} for parameter in ("SpecifiedAnnualDemand", "AccumulatedAnnualDemand")
    ]
    (tmp_path / "twice.yaml").write_text(yaml.safe_dump(document))
    ended = run_cli(tmp_path / "twice.yaml", tmp_path / "results", runs("local").parent / "data")
    assert ended.returncode == 1
    told = " ".join(ended.stderr.split())
    assert "loop_failed: evaluation 6: the models could be solved neither at the start nor near it" in told
    assert "energy: the model is infeasible: these constraints conflict: AnnualBalance[SIMPLICITY,ETH,2040]" in told


@pytest.mark.timeout(600)
def test_scenario_that_is_the_baseline_changes_nothing_in_two_evaluations(tmp_path: Path) -> None:
    document = example()
    document["processes"][0]["config"].pop("scale")
    (tmp_path / "same.yaml").write_text(yaml.safe_dump(document))
    folder = run_file(tmp_path / "same.yaml", tmp_path / "results", tmp_path / "data")
    job = json.loads((folder / "job.json").read_text())
    assert job["loops"][0]["evaluations"] == 2
    assert {change for _, change in summary(folder).values()} == {0.0}
    assert all(set(values) == {1.0} for values in exchange_tables(folder).values())
    for name in ("path", "industries", "goods"):
        paths = [folder / "agree" / place / "economy" / "output" / f"{name}.csv" for place in ("baseline", "2")]
        assert paths[0].read_bytes() == paths[1].read_bytes(), name
