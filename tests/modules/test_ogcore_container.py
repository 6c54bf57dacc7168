"""OG-Core in a container gives what it gives as a local process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calculation_engine.modules.cases import compare, load_case
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.states import State
from tests.integration.place import open_place


@pytest.mark.needs("docker")
@pytest.mark.timeout(1200)
def test_a_container_gives_the_numbers_of_the_local_process(tmp_path: Path) -> None:
    case = load_case(next(folder for folder in Catalogue().get("ogcore").cases if folder.name == "small"))
    outputs = []
    with open_place(tmp_path / "data") as place:
        for executor in ("local", "docker"):
            job = place.run("ogcore", executor=executor, config=case.content.config, timeout=1000)
            assert job.state is State.SUCCEEDED, job.message
            job.results.save(tmp_path / executor)
            outputs.append(tmp_path / executor / job.steps[0].path / "output")

    here, there = outputs
    assert compare(case, there) == []
    for table in ("path.csv", "industries.csv", "goods.csv"):
        np.testing.assert_allclose(pd.read_csv(there / table), pd.read_csv(here / table), rtol=1e-8, atol=1e-12)
