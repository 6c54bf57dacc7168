"""Workflow documents as MUSES writes them run as they are: chain, group then chain, output of a former job, upload."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.client.document import load_document
from calculation_engine.errors import InvalidInput
from calculation_engine.states import State
from tests.integration.place import LIMIT_SECONDS, Place, open_place

FOLDER = Path(__file__).parents[2] / "examples" / "muses"
FORMER = "0190c0de-0000-7000-8000-00000000c4a1"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("muses") / "data") as place:
        yield place


@pytest.fixture(scope="module")
def matter(place: Place) -> bytes:
    """Run the chain under the id that the third document names; return the table that it hands on."""
    document = load_document(FOLDER / "chain.yaml")
    place.client.transport.json("PUT", f"/job/{FORMER}", json=document)
    job = place.client.job(FORMER).wait(2 * LIMIT_SECONDS)
    assert job.state is State.SUCCEEDED, job.message
    return job.results.read("matter/output/eos.csv")


def test_the_chain_hands_its_table_on(place: Place, matter: bytes) -> None:
    job = place.client.job(FORMER)

    assert [step.path for step in job.steps] == ["matter", "stars"]
    assert job.steps[0].ended is not None
    assert job.steps[1].started is not None
    assert job.steps[0].ended <= job.steps[1].started
    # Read, Lackey, Owen & Friedman (2009), table III: APR4 holds 2.213 solar masses.
    assert job.results["stars/output/summary.json"]["maximum"]["mass_solar"] == pytest.approx(2.213, abs=0.03)
    assert matter.startswith(b"baryon_density_per_fm3,")


def test_the_group_is_done_before_the_chain_begins(place: Place, matter: bytes) -> None:
    job = place.client.submit(FOLDER / "group-then-chain.yaml").wait(2 * LIMIT_SECONDS)

    assert job.state is State.SUCCEEDED, job.message
    steps = {step.path: step for step in job.steps}
    ends = [steps[name].ended or "" for name in ("soft_matter", "stiff_matter")]
    assert max(ends) <= (steps["soft_stars"].queued or "")
    assert (steps["soft_stars"].ended or "") <= (steps["stiff_stars"].queued or "")
    # Table III again: SLy 2.049, MS1 2.767.
    for name, mass in (("soft_stars", 2.049), ("stiff_stars", 2.767)):
        assert job.results[f"{name}/output/summary.json"]["maximum"]["mass_solar"] == pytest.approx(mass, abs=0.03)


def test_a_former_jobs_output_is_read_by_uuid_and_path(place: Place, matter: bytes) -> None:
    job = place.client.submit(FOLDER / "former-job.yaml").wait(LIMIT_SECONDS)

    assert job.state is State.SUCCEEDED, job.message
    former = place.client.job(FORMER).results["stars/output/summary.json"]["maximum"]["mass_solar"]
    assert job.results["more_stars/output/summary.json"]["maximum"]["mass_solar"] == pytest.approx(former, rel=1e-3)


def upload_of(place: Place, content: bytes, checksum: str) -> dict[str, Any]:
    reply = place.client.transport.json("PUT", "/upload?name=eos.csv", content=content, idempotent=False)
    given = {"type": "upload", "uuid": reply["uuid"], "checksum": checksum}
    return {"processes": [{"name": "s", "module": "tov", "config": {"stars": 40}, "inputs": {"eos": given}}]}


def test_a_folder_of_results_has_no_checksum(place: Place, matter: bytes) -> None:
    given = {"type": "job", "uuid": FORMER, "path": "/matter/output", "checksum": "md5:" + "0" * 32}

    [fault] = place.client.check({"processes": [{"name": "s", "module": "tov", "inputs": {"eos": given}}]})

    assert fault.path == "processes[0].inputs.eos"
    assert "is a folder of" in fault.message


@pytest.mark.parametrize("sum_", ["sha256", "md5"])
def test_an_upload_is_read_and_its_checksum_looked_at(place: Place, matter: bytes, sum_: str) -> None:
    right = hashlib.new(sum_, matter, usedforsecurity=False).hexdigest()
    wrong = hashlib.new(sum_, b"", usedforsecurity=False).hexdigest()

    assert place.client.check(upload_of(place, matter, right)) == []
    assert place.client.check(upload_of(place, matter, f"{sum_}:{right}")) == []
    with pytest.raises(InvalidInput) as refused:
        place.client.submit(upload_of(place, matter, wrong))
    assert f"its {sum_} is {right}, not {wrong}" in str(refused.value)
