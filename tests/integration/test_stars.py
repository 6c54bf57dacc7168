"""An equation of state chained into its stars: through API and engine, as processes and in containers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from calculation_engine.errors import InvalidInput
from calculation_engine.modules.catalogue import Catalogue, built_in_folder
from calculation_engine.states import State
from tests.integration.place import EXECUTORS, LIMIT_SECONDS, Place, open_place, until


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("stars") / "data") as place:
        yield place
        until(lambda: place.everything() == [])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_chain_gives_the_stars_of_an_independent_code(place: Place, executor: str) -> None:
    """SLy, with G = 6.6743e-11 m3/(kg s2) and a solar mass of 1.98841e30 kg: see the case fit_sly of tov."""
    workflow = {
        "processes": [
            {"name": "matter", "module": "eos", "executor": executor},
            {
                "name": "stars",
                "module": "tov",
                "executor": executor,
                "pipes": {"eos": {"process": "matter", "label": "eos"}},
            },
        ]
    }

    job = place.client.submit(workflow).wait(2 * LIMIT_SECONDS)

    assert job.state is State.SUCCEEDED, job.message
    report = job.results["stars/output/summary.json"]
    assert report["maximum"]["mass_solar"] == pytest.approx(2.048411, rel=1e-5)
    assert report["canonical"]["radius_km"] == pytest.approx(11.706101, rel=2e-5)
    assert report["canonical"]["tidal_deformability"] == pytest.approx(295.6307, rel=5e-5)
    curve = job.results.table("stars/output/mass_radius.csv")
    assert curve.attrs["units"]["radius_km"] == "km"
    assert curve["mass_solar"].max() == report["maximum"]["mass_solar"]


def test_the_default_needs_no_body(place: Place) -> None:
    job = place.client.submit(module="eos").wait(LIMIT_SECONDS)

    assert job.state is State.SUCCEEDED, job.message
    assert job.results["eos/output/summary.json"]["matter"] == "SLy"


@pytest.mark.parametrize("config", [{"fit": "Sly"}, {"fits": "SLy"}])
def test_an_unknown_fit_is_refused_before_anything_is_stored(place: Place, config: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        place.client.submit(module="eos", config=config)


def test_the_example_holds_every_named_fit() -> None:
    example = yaml.safe_load((built_in_folder().parent / "examples" / "neutron-stars.yaml").read_text())

    fits = example["components"][1]["design"]["columns"]["fit"]["values"]
    assert fits == Catalogue().get("eos").config_schema["properties"]["fit"]["enum"]


@pytest.mark.timeout(300)
def test_the_example_leaves_the_numbers_of_all_fits_and_their_curves_in_one_table_each(place: Place) -> None:
    example = yaml.safe_load((built_in_folder().parent / "examples" / "neutron-stars.yaml").read_text())
    example["components"][1]["design"]["columns"]["fit"]["values"] = ["SLy", "APR4", "H4"]

    job = place.client.submit(example).wait(2 * LIMIT_SECONDS)

    assert job.state is State.SUCCEEDED, job.message
    table = job.results.table("fits/table.csv").set_index("fit")
    assert list(table["stars.maximum_mass"]) == pytest.approx([2.048411, 2.188001, 2.013851], rel=1e-5)
    assert list(table["stars.radius_1_4"]) == pytest.approx([11.706101, 11.319724, 13.952195], rel=2e-5)
    assert list(table["stars.deformability_1_4"]) == pytest.approx([295.6307, 247.6099, 855.2458], rel=5e-5)
    curves = job.results.table("fits/mass_radius.csv")
    assert (table.attrs["units"]["stars.radius_1_4"], curves.attrs["units"]["radius_km"]) == ("km", "km")
    for number, fit in enumerate(table.index, 1):
        alone = job.results.table(f"fits/{number}/stars/output/mass_radius.csv")
        own = curves[curves["fit"] == fit].drop(columns=["row", "fit"]).reset_index(drop=True)
        assert own.equals(alone)
        assert alone["mass_solar"].max() == table.loc[fit, "stars.maximum_mass"]
