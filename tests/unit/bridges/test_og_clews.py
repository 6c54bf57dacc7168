"""The passes of the bridge on small tables: from ratios to factors, from results to parameters and back to ratios."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from calculation_engine.bridges.exchange import read_exchange, write_exchange
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.bridges.variables import read_groups
from calculation_engine.errors import InvalidInput
from tests.unit.bridges.models import YEARS, write_clews, write_economy, write_given

FOLLOWS = {"driver": "industry_output", "industry": 0, "elasticity": 0.8}
BY_FUEL = {"exchange": {"by": "fuel_and_year"}}


class Passes:
    """Runs passes in folders as the engine stages them."""

    def __init__(self, folder, **config):
        self.bridge = make_bridge("og_clews", {"demand": [FOLLOWS], **config})
        self.folder = folder

    def inputs(self, name):
        folder = self.folder / name / "input"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def run(self, name):
        (self.folder / name / "output").mkdir(parents=True, exist_ok=True)
        self.status = self.bridge.run(name, self.inputs(name), self.folder / name / "output")
        return self.folder / name / "output"

    def start(self, given=None, **economy):
        source = self.inputs("start")
        write_clews(source / "energy_baseline")
        write_economy(source / "economy_baseline", **economy)
        write_given(source / "economy_given", **(given or {}))
        return read_exchange(self.run("start") / "exchange.csv")

    def demand(self, asked, own=None):
        source = self.inputs("demand")
        write_clews(source / "energy_baseline")
        (source / "asked.csv").write_text(write_exchange(asked))
        if own:
            (source / "own_scale.csv").write_text(own)
        with (self.run("demand") / "scale.csv").open() as file:
            return list(csv.DictReader(file))

    def costs(self, **changes):
        source = self.inputs("costs")
        write_clews(source / "energy", **changes)
        write_clews(source / "energy_baseline")
        write_economy(source / "economy_baseline")
        write_given(source / "economy_given", Z=[[1.0, 2.0, 1.0]])
        output = self.run("costs")
        return json.loads((output / "overrides.json").read_text()), pd.read_csv(output / "cost_ratio.csv")

    def response(self, asked, **economy):
        source = self.inputs("response")
        write_economy(source / "economy", **economy)
        write_economy(source / "economy_baseline", output=(2.0, 3.0, 4.0))
        (source / "asked.csv").write_text(write_exchange(asked))
        (source / "cost_ratio.csv").write_text("YEAR,SCENARIO,BASELINE,RATIO\n2020,2,1,2.0\n")
        output = self.run("response")
        return read_exchange(output / "exchange.csv"), read_exchange(output / "monitored.csv")


def test_an_evaluation_goes_through_both_models_in_the_order_of_the_sequence(tmp_path):
    nodes = Passes(tmp_path).bridge.evaluation(["power", "nation"])
    assert [(n.name, n.kind) for n in nodes] == [
        ("demand", "pass"),
        ("power", "process"),
        ("costs", "pass"),
        ("nation", "process"),
        ("response", "pass"),
    ]
    assert set(nodes[1].inputs) == {"scale"}
    assert set(nodes[3].inputs) == {"overrides", "baseline", "baseline_prices", "previous"}
    assert nodes[3].inputs["previous"].kind == "latest_output"


def test_without_a_warm_start_an_evaluation_knows_nothing_of_the_one_before(tmp_path):
    nodes = Passes(tmp_path, exchange={"warm_start": False}).bridge.evaluation(["power", "nation"])
    assert {ref.kind for node in nodes for ref in node.inputs.values()}.isdisjoint({"latest_output"})


def test_other_than_two_participants_or_no_way_back_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="expected the CLEWS process and the OG-Core process"):
        Passes(tmp_path).bridge.start(["power"])
    with pytest.raises(InvalidInput, match="may not be called costs"):
        Passes(tmp_path).bridge.start(["power", "costs"])
    with pytest.raises(InvalidInput, match=r"bridge\.config\.demand: required"):
        Passes(tmp_path, demand=[]).bridge.start(["power", "nation"])


def test_the_start_asks_one_ratio_a_year_from_the_economy_s_start_on(tmp_path):
    passes = Passes(tmp_path, exchange={"start": 0.9, "upper": 2})
    exchange = passes.start(start=2021)
    assert exchange.labels == ("all fuels 2021", "all fuels 2022", "all fuels 2023")
    assert exchange.values_tuple == (0.9,) * 3
    group = read_groups((tmp_path / "start/output/variables.json").read_text())["demand"]
    assert (group.positive, group.upper) == (True, 2)
    assert "6 periods of 1 years from 2021" in passes.status.message
    assert passes.status.message.count("note: the unit cost is a total-cost index") == 1


@pytest.mark.parametrize(
    ("given", "exchange", "noise"),
    [({}, {}, 3e-6), ({"mindist_TPI": 1e-3}, {}, 3e-4), ({"mindist_TPI": 1e-3}, {"noise": 0}, 0.0)],
)
def test_noise_follows_the_economy_s_own_tolerance_unless_it_is_told(tmp_path, given, exchange, noise):
    Passes(tmp_path, exchange=exchange).start(given=given)
    group = read_groups((tmp_path / "start/output/variables.json").read_text())["demand"]
    assert group.noise == pytest.approx(noise, rel=1e-12)


def test_ratios_of_a_fuel_and_year_are_asked_for_the_fuels_that_follow(tmp_path):
    exchange = Passes(tmp_path, **BY_FUEL, demand=[{**FOLLOWS, "fuels": ["HEAT"]}]).start()
    assert exchange.labels == tuple(f"HEAT {year}" for year in YEARS)


def test_a_fuel_without_demand_is_refused_and_never_silently_left_out(tmp_path):
    with pytest.raises(InvalidInput, match="H2: no demand from 2020 on; fuels with demand: ELC, HEAT"):
        Passes(tmp_path, **BY_FUEL, demand=[{**FOLLOWS, "fuels": ["ELC", "H2"]}]).start()


def test_the_start_tells_all_that_does_not_fit_both_baselines_at_once(tmp_path):
    config = {
        "energy_industry": 9,
        "demand": [
            {**FOLLOWS, "industry": 4, "share": 0.5},
            {"driver": "consumption", "good": 8, "elasticity": 1, "share": 0.5},
        ],
    }
    with pytest.raises(InvalidInput) as error:
        Passes(tmp_path, **config).start()
    told = str(error.value)
    assert "energy_industry: the economy has 3 industries" in told
    assert "economy baseline has no industry 4" in told
    assert "economy baseline has no good 8" in told


def test_demand_is_scaled_where_it_is_after_the_user_s_own_factors(tmp_path):
    passes = Passes(tmp_path)
    asked = passes.start().with_values([0.5, 0.6, 0.7, 0.8])
    rows = passes.demand(asked, own="PARAMETER,TECHNOLOGY,FACTOR\nVariableCost,PLANT,2\n")
    assert rows[0] == {"PARAMETER": "VariableCost", "TECHNOLOGY": "PLANT", "FUEL": "", "YEAR": "", "FACTOR": "2"}
    assert [row["PARAMETER"] for row in rows[1:]] == ["SpecifiedAnnualDemand"] * 4 + ["AccumulatedAnnualDemand"] * 4
    assert [float(row["FACTOR"]) for row in rows[1:5]] == [0.5, 0.6, 0.7, 0.8]
    assert {row["FUEL"] for row in rows} == {""}


def test_a_fuel_s_ratio_scales_the_parameter_that_has_its_demand(tmp_path):
    passes = Passes(tmp_path, **BY_FUEL)
    rows = passes.demand(passes.start())
    assert {(row["PARAMETER"], row["FUEL"]) for row in rows} == {
        ("SpecifiedAnnualDemand", "ELC"),
        ("AccumulatedAnnualDemand", "HEAT"),
    }


def test_a_ratio_that_is_not_positive_or_has_a_gap_does_not_reach_clews(tmp_path):
    passes = Passes(tmp_path)
    start = passes.start()
    with pytest.raises(InvalidInput, match=r"exchange.all fuels.values\[2021\]: Input should be greater than 0"):
        passes.demand(start.with_values([1, -1, 1, 1]))
    gap = type(start)(start.variables[:1] + start.variables[2:], (1.0, 1.0, 1.0))
    with pytest.raises(InvalidInput, match="years 2020 to 2023 have gaps: 2021"):
        passes.demand(gap)


def test_equal_runs_give_a_ratio_of_exactly_one_and_the_user_s_own_productivity(tmp_path):
    changed, ratio = Passes(tmp_path).costs()
    assert (ratio["RATIO"] == 1.0).all()
    assert all(row == [1.0, 2.0, 1.0] for row in changed["Z"])


def test_dearer_energy_lowers_productivity_by_its_cost_ratio(tmp_path):
    passes = Passes(tmp_path)
    changed, ratio = passes.costs(factor=2.0)
    annuity = 100 * 0.05 / (1 - 1.05**-10)
    rho = (3 + 20 + annuity) / (3 + 10 + annuity)
    assert ratio["RATIO"].tolist() == pytest.approx([rho] * 4)
    assert changed["Z"][0] == pytest.approx([1 / rho, 2.0, 1.0])


def test_payments_for_emissions_are_in_the_cost_of_energy_only_when_they_are_sent_there(tmp_path):
    free = {
        f"results/{name}": f"REGION,TECHNOLOGY,YEAR,VALUE\nR,PLANT,2020,{value}\n"
        for name, value in (("AnnualTechnologyEmissionsPenalty", 50),)
    }
    _, without = Passes(tmp_path / "a").costs(**free)
    _, within = Passes(tmp_path / "b", channels={"carbon_price": "cost"}).costs(**free)
    assert without["RATIO"][0] == 1.0
    annuity = 100 * 0.05 / (1 - 1.05**-10)
    assert within["RATIO"][0] == pytest.approx((13 + annuity + 50) / (13 + annuity + 2))


def test_a_negative_unit_cost_does_not_leave_clews(tmp_path):
    with pytest.raises(InvalidInput, match=r"unit cost of energy.scenario\[2020\]: Input should be greater than 0"):
        Passes(tmp_path).costs(factor=-20.0)


def test_demand_follows_the_driver_with_its_elasticity(tmp_path):
    passes = Passes(tmp_path)
    answered, watched = passes.response(passes.start(), output=(1.0, 3.0, 4.0))
    assert answered.values_tuple == pytest.approx([0.5**0.8] * 4, rel=1e-12)
    told = {v.key: value for v, value in zip(watched.variables, watched.values_tuple, strict=True)}
    assert told["cost ratio", "rho", "2020"] == 2.0
    assert told["gdp ratio", "gdp", "2020"] == pytest.approx((1 + 2 * 3 + 3 * 4) / (2 + 2 * 3 + 3 * 4))
    assert told["interest rate", "r", "2025"] == 0.05


def test_sectors_share_the_demand_of_a_fuel(tmp_path):
    rows = [
        {**FOLLOWS, "fuels": ["ELC"], "sector": "industrial", "share": 0.25},
        {
            "fuels": ["ELC"],
            "sector": "residential",
            "share": 0.75,
            "driver": "consumption",
            "good": 1,
            "elasticity": 0.5,
        },
        {"fuels": ["HEAT"], "driver": "gdp", "elasticity": 1.0},
    ]
    passes = Passes(tmp_path, **BY_FUEL, demand=rows)
    answered, _ = passes.response(passes.start(), output=(1.0, 1.5, 4.0))
    told = {v.key[1:]: value for v, value in zip(answered.variables, answered.values_tuple, strict=True)}
    assert told["ELC", "2021"] == pytest.approx(0.25 * 0.5**0.8 + 0.75 * 0.5**0.5)
    assert told["HEAT", "2021"] == pytest.approx((1 + 3 + 12) / (2 + 6 + 12))


def test_an_economy_like_its_baseline_answers_exactly_the_original_demand(tmp_path):
    shares = [{**FOLLOWS, "share": share, "elasticity": 0.37} for share in (0.1, 0.2, 0.7)]
    passes = Passes(tmp_path, demand=shares)
    answered, _ = passes.response(passes.start(), output=(2.0, 3.0, 4.0))
    assert answered.values_tuple == (1.0,) * 4


def test_an_economy_of_another_shape_than_its_baseline_is_refused(tmp_path):
    passes = Passes(tmp_path)
    with pytest.raises(InvalidInput, match="do not have the same shape"):
        passes.response(passes.start(), output=(2.0, 3.0), periods=5)


def test_a_steady_state_alone_is_refused_with_what_to_do(tmp_path):
    passes = Passes(tmp_path)
    start = passes.start()
    source = passes.inputs("response")
    (source / "asked.csv").write_text(write_exchange(start))
    with pytest.raises(InvalidInput, match="leave out steady_state_only"):
        passes.run("response")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"demand": [{**FOLLOWS, "share": 0.5}]}, "the shares of a fuel must add up to 1, got all fuels: 0.5"),
        ({"demand": [{**FOLLOWS, "fuels": ["ELC"]}]}, "has one ratio for all fuels"),
        ({"demand": [{"driver": "gdp", "industry": 1, "elasticity": 1}]}, "`industry` is not used with driver gdp"),
        ({"demand": [{"driver": "consumption", "elasticity": 1}]}, "`good` is needed with driver consumption"),
        ({"channels": {"cost_push": {0: 0.1}}}, "its cost would count twice"),
        ({"channels": {"carbon_price": "consumption_tax"}}, "needs the goods of `consumption_tax`"),
        ({"channels": {"cost_push": {1: 2}}}, "expected shares from 0 to 1, got industry 1: 2"),
    ],
)
def test_a_config_that_contradicts_itself_is_refused(tmp_path, config, told):
    with pytest.raises(InvalidInput) as error:
        Passes(tmp_path, **config)
    assert told in str(error.value)


def test_a_loop_that_runs_once_leaves_clews_as_it_is_and_reads_results_that_have_no_parameters(tmp_path):
    bridge = Passes(tmp_path).bridge
    nodes = bridge.one_way(["power", "nation"])
    assert [(n.name, n.kind) for n in nodes] == [
        ("power", "process"),
        ("costs", "pass"),
        ("nation", "process"),
        ("response", "pass"),
    ]
    assert nodes[0].inputs == {}
    assert nodes[1:] == bridge.evaluation(["power", "nation"])[2:]
    assert nodes[1].inputs["energy_baseline/results/Demand.csv"].path == "results/Demand.csv"


def test_a_loop_that_runs_once_does_not_begin_elsewhere_than_at_the_demand_of_the_data(tmp_path):
    with pytest.raises(InvalidInput, match=r"exchange\.start: expected 1 in a loop that runs once, got 0\.9"):
        Passes(tmp_path, exchange={"start": 0.9}).bridge.one_way(["power", "nation"])
