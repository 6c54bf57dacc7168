"""Every channel of the bridge og_clews reaches the real OG-Core, and moves it as the closed forms say.

Industries have one technology but their productivity, so their prices go as 1 / Z; households spend constant shares of
their budget on each good, so what they buy of one over another goes as the inverse of its price with tax. Productivity
of the energy industry itself is the case `energy_price` of the module. Public investment ends with CLEWS, so it is seen
on the path alone: the government spends the share of output that it is told, period by period.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from calculation_engine.bridges.og_clews.calendar import Calendar
from calculation_engine.bridges.og_clews.channels import Shapes, overrides_of
from calculation_engine.bridges.og_clews.config import Channels
from calculation_engine.bridges.og_clews.cost import EnergyAccount
from calculation_engine.bridges.og_clews.economy import Parameters
from tests.modules.test_ogcore import CASES, solve

_CASE = CASES["energy_price"].content.config
ECONOMY = {
    **_CASE,
    "parameters": {
        **{name: value for name, value in _CASE["parameters"].items() if name != "Z"},
        "start_year": 2020,
        "alpha_I": [0.0],
    },
}
YEARS = range(2020, 2030)
SHAPES = Shapes(Calendar(2020, 4, 60), 3, 3)


def account(cost: float, emissions: float, investment: float) -> EnergyAccount:
    """Return a run of CLEWS with the same cost of 1 unit of demand in every year."""
    kinds = {"fixed": cost, "variable": 0.0, "investment": 0.0, "emissions": emissions, "trade": 0.0}
    years = pd.Index(YEARS, name="YEAR")
    one = pd.Series(1.0, index=years)
    return EnergyAccount(pd.DataFrame(kinds, index=years), one, investment * one)


BASELINE, SCENARIO = account(10.0, 0.0, 1.0), account(14.0, 1.4, 3.0)


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("channels")

    def steady_state(name: str, channels: dict[str, Any] | None) -> dict[str, Any]:
        given: dict[str, Path | str] = {}
        if channels is not None:
            given["overrides"] = json.dumps(overrides(folder / f"{name}_given", Channels.model_validate(channels)))
        answer = solve(folder / name, given, ECONOMY)
        assert answer.status["code"] == 200, answer.status
        found: dict[str, Any] = json.loads((answer.output / "steady_state.json").read_text())
        return found

    base = steady_state("baseline", None)
    return lambda name, channels: (base, steady_state(name, channels))


def overrides(folder: Path, channels: Channels) -> dict[str, Any]:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(ECONOMY))
    with_emissions = channels.carbon_price == "cost"
    costs = [run.unit_cost(with_emissions=with_emissions) for run in (SCENARIO, BASELINE)]
    ratio = {year: costs[0][year] / costs[1][year] for year in YEARS}
    return overrides_of(channels, 0, ratio, SCENARIO, BASELINE, Parameters(folder), SHAPES)


def bought(state: dict[str, Any], good: int) -> float:
    """Return consumption of a good over that of services."""
    return float(state["C_i"][good]) / float(state["C_i"][2])


@pytest.mark.timeout(600)
def test_costs_and_taxes_make_goods_dearer_by_their_shares_of_energy(economy: Any) -> None:
    channels = {
        "productivity": False,
        "cost_push": {1: 0.1},
        "consumption_tax": {"goods": {0: 0.5}},
        "carbon_price": "consumption_tax",
    }
    base, changed = economy("shares", channels)
    assert changed["p_m"] == pytest.approx([1, 1.04, 1], rel=1e-9)
    assert bought(changed, 0) / bought(base, 0) == pytest.approx(1 / (1 + 0.5 * (0.4 + 0.1)), rel=1e-6)
    assert bought(changed, 1) / bought(base, 1) == pytest.approx(1 / 1.04, rel=1e-6)


@pytest.mark.timeout(600)
def test_payments_for_emissions_make_energy_dearer_and_public_investment_ends_with_clews(economy: Any) -> None:
    public = {"into": "alpha_I", "public_share": 0.5, "money_per_unit": 1.0, "gdp": {2020: 100.0}}
    base, changed = economy("cost", {"carbon_price": "cost", "public_investment": public})
    assert changed["p_m"] == pytest.approx([1.54, 1, 1], rel=1e-9)
    assert bought(changed, 0) / bought(base, 0) == pytest.approx(1 / 1.54, rel=1e-6)
    assert changed["I_g"] == base["I_g"] == 0


@pytest.mark.timeout(600)
def test_government_spends_the_public_part_of_what_clews_builds_in_the_periods_in_which_it_is_built(
    tmp_path: Path,
) -> None:
    # half of 2 million more a year, of a GDP of 100 million: a hundredth, until CLEWS ends with 2029
    settings = {"public_share": 0.5, "money_per_unit": 1e6, "gdp": {2020: 1e8}}
    given: dict[str, Any] = {}
    for name in ("alpha_I", "alpha_G"):
        channels = Channels.model_validate({"productivity": False, "public_investment": {**settings, "into": name}})
        given |= overrides(tmp_path / name, channels)
    answer = solve(tmp_path / "path", {"overrides": json.dumps(given)}, ECONOMY, steady_state_only=False)
    assert answer.status["code"] == 200, answer.status
    path = answer.table("path").set_index("year")
    hundredths = [1, 1, 0.5, 0, 0]  # 2028 to 2031 has two of its four years
    early = path.loc[[2020, 2024, 2028, 2032, 2036]]
    assert (early["I_g"] / early["Y"]).tolist() == pytest.approx([0.01 * part for part in hundredths], rel=1e-9)
    assert (early["G"] / early["Y"]).tolist() == pytest.approx([0.1 + 0.01 * part for part in hundredths], rel=1e-9)
    assert (path.loc[2032:, "I_g"] == 0).all()
    steps = path["K_g"].diff().dropna()
    assert (steps.loc[:2032] > 0).all()
    assert (steps.loc[2036:] < 0).all()
