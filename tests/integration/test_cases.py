"""Every case of every module through API and engine; the energy models with known answers in containers as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calculation_engine.client import Job
from calculation_engine.errors import InvalidInput
from calculation_engine.modules.cases import Case, compare, load_case
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.modules.checks import label_faults
from calculation_engine.states import State
from tests.integration.place import EXECUTORS, Place, open_place, until

CATALOGUE = Catalogue()
SOLVERS = ["glpk", "cbc", "highs"]
ENERGY = {
    "super_simple": 46.43123317,
    "utopia": 29446.86269434,
    "simplicity": 4483.96932237,
    "simplicity_csv": 4497.31967015,
}
CASES = [
    pytest.param(name, folder, id=f"{name}-{folder.name}")
    for name in CATALOGUE.names()
    for folder in CATALOGUE.get(name).cases
    if folder.name not in ENERGY
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("cases") / "data") as place:
        yield place
        until(lambda: place.everything() == [])


def case_of(module: str, name: str) -> Case:
    return load_case(next(folder for folder in CATALOGUE.get(module).cases if folder.name == name))


def run(place: Place, module: str, case: Case, executor: str) -> Job:
    """Run a case; the second time its stored result is taken."""
    inputs = {label: case.folder / path for label, path in case.content.inputs.items()}
    return place.run(module, executor=executor, config=case.content.config, inputs=inputs, timeout=600)


def saved(job: Job, folder: Path) -> Path:
    """Write a job's results and return the folder of its step's outputs."""
    job.results.save(folder)
    return folder / job.steps[0].path / "output"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("module", "folder"), CASES)
def test_a_case_gives_what_it_promises(place: Place, module: str, folder: Path, tmp_path: Path) -> None:
    case = load_case(folder)
    if label_faults(CATALOGUE.get(module).manifest, case.content.inputs, "inputs"):
        assert case.content.expect.code == 400
        with pytest.raises(InvalidInput, match="cannot run as it is"):
            run(place, module, case, "local")
        return

    job = run(place, module, case, "local")

    assert compare(case, saved(job, tmp_path)) == [], job.message
    assert job.state is (State.SUCCEEDED if case.content.expect.code == 200 else State.FAILED)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ENERGY)
def test_an_energy_model_has_its_published_cost(
    place: Place, name: str, solver: str, executor: str, tmp_path: Path
) -> None:
    case = case_of(solver, name)

    job = run(place, solver, case, executor)

    assert job.state is State.SUCCEEDED, job.message
    output = saved(job, tmp_path)
    assert compare(case, output) == []
    objective = json.loads((output / "solution.json").read_text())["objective"]
    assert objective == pytest.approx(ENERGY[name], rel=1e-6)
    assert job.verdicts == {solver: job.verdicts[solver] | {"status": "optimal"}}


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("name", ENERGY)
def test_cost_and_emissions_are_equal_across_solvers(place: Place, name: str, executor: str, tmp_path: Path) -> None:
    outputs = [saved(run(place, each, case_of(each, name), executor), tmp_path / each) for each in SOLVERS]

    for table in ("TotalDiscountedCost.csv", "AnnualEmissions.csv"):
        reference, *others = (read(output / "results" / table) for output in outputs)
        for other in others:
            assert_near(reference, other, relative=1e-5, absolute=1e-6)


@pytest.mark.needs("docker")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ENERGY)
def test_a_container_gives_the_numbers_of_the_local_process(
    place: Place, name: str, solver: str, tmp_path: Path
) -> None:
    case = case_of(solver, name)
    here, there = (saved(run(place, solver, case, each), tmp_path / each) for each in ("local", "docker"))

    tables = sorted(path.relative_to(here) for path in here.rglob("*.csv"))
    assert tables == sorted(path.relative_to(there) for path in there.rglob("*.csv"))
    assert len(tables) > 10
    for table in tables:
        if table.parts[0] == "parameters":
            assert (here / table).read_text() == (there / table).read_text()  # a copy of the data, and sets of names
        else:
            assert_near(read(here / table), read(there / table), relative=1e-8, absolute=1e-9)


def read(table: Path) -> pd.Series[float]:
    """Return a table's values by all its other columns; a model that has none of it has written none."""
    if not table.exists():
        return pd.Series(dtype=float)
    frame = pd.read_csv(table)
    return frame.set_index([column for column in frame.columns if column != "VALUE"])["VALUE"].astype(float)


def assert_near(one: pd.Series[float], other: pd.Series[float], *, relative: float, absolute: float) -> None:
    """Compare row by row; a row that one of them leaves out is 0."""
    first, second = one.align(other, fill_value=0.0)
    np.testing.assert_allclose(second, first, rtol=relative, atol=absolute)
