"""Every case of every linear-programming module, run as a bare process."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from calculation_engine.modules.cases import compare, load_case, stage
from calculation_engine.modules.catalogue import Catalogue, Module
from tests.modules.bare import run_bare

CATALOGUE = Catalogue()
MODULES = [module for name in CATALOGUE.names() if "_lp" in (module := CATALOGUE.get(name)).manifest.shared]
RUNS = [
    pytest.param(module, folder, id=f"{module.manifest.name}-{folder.name}")
    for module in MODULES
    for folder in module.cases
]


@pytest.mark.parametrize(("module", "case_folder"), RUNS)
def test_a_case_gives_what_it_promises_as_a_bare_process(module: Module, case_folder: Path, tmp_path: Path) -> None:
    case = load_case(case_folder)
    stage(case, module.manifest, tmp_path)

    ended = run_bare(module, tmp_path)

    differences = compare(case, ended.output)
    assert not differences, "\n".join([*map(str, differences), ended.log[-2000:]])
    assert ended.exit_code == (0 if case.content.expect.code == 200 else 1)


def test_the_four_models_with_known_answers_are_cases_of_all_three_modules() -> None:
    for module in MODULES:
        names = {folder.name for folder in module.cases}
        assert {"super_simple", "utopia", "simplicity", "simplicity_csv"} <= names
    assert {module.manifest.name for module in MODULES} == {"glpk", "cbc", "highs"}


@pytest.mark.parametrize("case_name", ["utopia", "simplicity"])
def test_cost_and_emission_tables_are_equal_across_solvers(case_name: str, tmp_path: Path) -> None:
    tables = ("TotalDiscountedCost", "AnnualEmissions", "CapitalInvestment", "AnnualFixedOperatingCost")
    results: dict[str, dict[str, pd.DataFrame]] = {}
    for module in MODULES:
        folder = tmp_path / module.manifest.name
        stage(load_case(next(f for f in module.cases if f.name == case_name)), module.manifest, folder)
        ended = run_bare(module, folder)
        results[module.manifest.name] = {
            table: pd.read_csv(ended.output / "results" / f"{table}.csv") for table in tables
        }

    reference = results.pop("glpk")
    for others in results.values():
        for table in tables:
            # Relative to the table's largest value: a technology at zero cost may carry a solver's noise.
            scale = reference[table]["VALUE"].abs().max()
            pd.testing.assert_frame_equal(others[table], reference[table], rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.manifest.name)
def test_the_log_tells_progress_in_lines_that_the_manifest_reads(module: Module, tmp_path: Path) -> None:
    import re

    stage(load_case(next(f for f in module.cases if f.name == "utopia")), module.manifest, tmp_path)

    log = run_bare(module, tmp_path).log

    patterns = [re.compile(progress.pattern) for progress in module.manifest.progress]
    matches = [match.groupdict() for line in log.splitlines() for p in patterns if (match := p.search(line))]
    fractions = [float(match["fraction"]) for match in matches if match.get("fraction")]
    assert fractions == sorted(fractions)
    assert len(fractions) >= 3
    assert [match["message"] for match in matches if not match.get("fraction")], "nothing of the solver's own lines"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.manifest.name)
def test_the_lock_names_every_package_with_one_version(module: Module) -> None:
    assert module.requirements is not None
    lines = [line for line in module.requirements.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == sorted(lines)
    assert all("==" in line for line in lines)


def test_every_module_declares_the_inputs_that_the_shared_code_looks_for() -> None:
    from _lp.inputs import PATHS

    for module in MODULES:
        assert {slot.label: slot.path for slot in module.manifest.inputs} == PATHS


def test_status_files_are_yaml_of_the_contract(tmp_path: Path) -> None:
    from calculation_engine.schemas.module import ModuleStatus

    module = MODULES[0]
    stage(load_case(next(f for f in module.cases if f.name == "syntax_error")), module.manifest, tmp_path)

    status = ModuleStatus.model_validate(
        yaml.safe_load((run_bare(module, tmp_path).output / "status.yaml").read_text())
    )

    assert status.code == 400
