from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calculation_engine.bridges.og_clews.calendar import Calendar
from calculation_engine.bridges.og_clews.channels import Shapes, overrides_of
from calculation_engine.bridges.og_clews.config import Channels
from calculation_engine.bridges.og_clews.cost import KINDS, EnergyAccount
from calculation_engine.bridges.og_clews.economy import Parameters
from calculation_engine.errors import InvalidInput
from tests.unit.bridges.models import write_given

SHAPES = Shapes(Calendar(2020, 1, 100), industries=3, goods=3)
RATIO = {2020: 1.25, 2021: 2.0}


def account(investment=0.0, emissions=0.0):
    years = list(RATIO)
    cost = pd.DataFrame(0.0, index=years, columns=list(KINDS)).assign(variable=100.0, emissions=emissions)
    return EnergyAccount(cost, pd.Series(1.0, index=years), pd.Series(investment, index=years))


def overrides(tmp_path, channels, *, scenario=None, ratio=RATIO, **given):
    write_given(tmp_path, **given)
    return overrides_of(Channels(**channels), 0, ratio, scenario or account(), account(), Parameters(tmp_path), SHAPES)


def test_productivity_of_the_energy_industry_falls_as_its_cost_rises(tmp_path):
    assert overrides(tmp_path, {})["Z"] == [[0.8, 1.0, 1.0], [0.5, 1.0, 1.0]]


def test_productivity_that_the_user_gave_is_what_falls_and_longer_paths_are_kept(tmp_path):
    got = overrides(tmp_path, {}, Z=[[2.0, 1.0, 3.0], [2.0, 1.0, 3.0], [4.0, 1.0, 3.0]])["Z"]
    assert got == [[1.6, 1.0, 3.0], [1.0, 1.0, 3.0], [2.0, 1.0, 3.0]]


def test_cost_push_raises_the_cost_of_industries_by_their_share_of_energy(tmp_path):
    got = overrides(tmp_path, {"productivity": False, "cost_push": {1: 0.4}})["Z"]
    assert got == [[1.0, 1 / 1.1, 1.0], [1.0, 1 / 1.4, 1.0]]


def test_a_consumption_tax_raises_what_households_pay_by_the_share_of_energy(tmp_path):
    got = overrides(tmp_path, {"productivity": False, "consumption_tax": {"goods": {2: 0.5}}}, tau_c=[[0.0, 0.0, 0.2]])
    assert set(got) == {"tau_c"}
    assert np.array(got["tau_c"])[:, 2] == pytest.approx([1.2 * 1.125 - 1, 1.2 * 1.5 - 1])
    assert np.array(got["tau_c"])[:, :2].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_payments_for_emissions_enter_the_tax_once_when_they_are_sent_there(tmp_path):
    channels = {"productivity": False, "consumption_tax": {"goods": {0: 1.0}}, "carbon_price": "consumption_tax"}
    got = overrides(tmp_path, channels, scenario=account(emissions=10.0), ratio=dict.fromkeys(RATIO, 1.0))
    assert [row[0] for row in got["tau_c"]] == pytest.approx([0.1, 0.1])


def test_public_investment_is_a_share_of_gdp_and_ends_with_the_horizon(tmp_path):
    settings = {"into": "alpha_I", "public_share": 0.5, "money_per_unit": 1e6, "gdp": {2020: 1e9, 2021: 2e9}}
    got = overrides(
        tmp_path, {"productivity": False, "public_investment": settings}, scenario=account(20.0), alpha_I=[0.03]
    )
    assert got == {"alpha_I": pytest.approx([0.03 + 0.01, 0.03 + 0.005, 0.03])}


def test_public_investment_needs_the_share_that_it_adds_to(tmp_path):
    settings = {"into": "alpha_G", "public_share": 1, "money_per_unit": 1, "gdp": {2020: 1}}
    with pytest.raises(InvalidInput, match="the parameter alpha_G is not given"):
        overrides(tmp_path, {"public_investment": settings})


def test_without_channels_nothing_is_changed(tmp_path):
    assert overrides(tmp_path, {"productivity": False}) == {}


def test_a_scenario_like_its_baseline_changes_no_number(tmp_path):
    channels = {"cost_push": {1: 0.3}, "consumption_tax": {"goods": {0: 0.7}}}
    got = overrides(
        tmp_path, channels, ratio=dict.fromkeys(range(2020, 2061), 1.0), Z=[[0.3, 0.7, 1.1]], tau_c=[[0.19]]
    )
    assert all(row == [0.3, 0.7, 1.1] for row in got["Z"])
    assert np.array(got["tau_c"]) == pytest.approx(0.19, rel=1e-15)


def test_values_outside_of_og_core_s_range_are_refused_with_their_place(tmp_path):
    with pytest.raises(InvalidInput, match=r"economy.overrides.Z\[1\]\[0\]: Input should be less than or equal to 5"):
        overrides(tmp_path, {}, ratio={2020: 1.0, 2021: 0.1})


def test_industries_and_goods_that_the_economy_does_not_have_are_all_named(tmp_path):
    with pytest.raises(InvalidInput) as error:
        overrides(tmp_path, {"cost_push": {7: 0.1}, "consumption_tax": {"goods": {5: 0.1}}})
    assert "channels.cost_push.7: the economy has 3 industries, counted from 0, got 7" in str(error.value)
    assert "channels.consumption_tax.goods.5: the economy has 3 goods" in str(error.value)
