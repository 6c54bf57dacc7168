from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import CostScope
from calculation_engine.bridges.og_clews.cost import account_of, annualised, capital_recovery_factor, notes_of
from calculation_engine.errors import InvalidInput
from tests.unit.bridges.models import write_clews


def account(folder, scope=None, **changes):
    write_clews(folder, **changes)
    return account_of(Tables(folder, "energy"), CostScope(**(scope or {})))


def test_a_loan_at_five_percent_over_twenty_years_costs_eight_percent_a_year():
    assert capital_recovery_factor(0.05, 20) == pytest.approx(0.0802425872, rel=1e-9)  # tables of annuities


def test_without_interest_a_loan_costs_its_share_of_the_years():
    assert capital_recovery_factor(0.0, 25) == 0.04


@given(st.floats(1e-6, 0.3), st.integers(1, 60))
def test_the_payments_of_a_loan_are_worth_the_loan(rate, life):
    payments = [float(capital_recovery_factor(rate, life)) / (1 + rate) ** year for year in range(1, life + 1)]
    assert sum(payments) == pytest.approx(1.0, rel=1e-9)


def test_a_vintage_costs_while_it_lives_and_vintages_add_up():
    index = pd.MultiIndex.from_tuples([("R", "short"), ("R", "long")])
    investment = pd.DataFrame([[100.0, 10.0, 0.0, 0.0], [0.0, 100.0, 0.0, 0.0]], index, [2020, 2021, 2022, 2023])
    got = annualised(investment, pd.Series([0.5, 0.1], index), pd.Series([2.0, 30.0], index))
    assert got.to_numpy().tolist() == [[50.0, 55.0, 5.0, 0.0], [0.0, 10.0, 10.0, 10.0]]


def test_unit_cost_is_operation_and_annuities_over_demand(tmp_path):
    found = account(tmp_path)
    factor = 0.05 / (1 - 1.05**-10)
    assert found.cost.loc[2020].to_dict() == pytest.approx(
        {"fixed": 3.0, "variable": 10.0, "investment": 100 * factor, "emissions": 2.0, "trade": 0.0}
    )
    assert found.unit_cost(with_emissions=False)[2020] == pytest.approx((13 + 100 * factor) / 5)
    assert found.unit_cost(with_emissions=True)[2020] == pytest.approx((15 + 100 * factor) / 5)
    [note] = notes_of(Tables(tmp_path, "energy"), CostScope())
    assert "total-cost index" in note


def test_a_scope_counts_its_technologies_and_fuels_alone(tmp_path):
    found = account(tmp_path, {"technologies": ["PLANT"], "fuels": ["ELC"]})
    assert found.cost.loc[2020, "variable"] == 4.0
    assert found.demand[2020] == 4.0
    assert notes_of(Tables(tmp_path, "energy"), CostScope(technologies=["PLANT"], fuels=["ELC"])) == []


def test_a_scope_that_names_what_is_not_there_is_refused_with_what_is(tmp_path):
    with pytest.raises(InvalidInput) as error:
        account(tmp_path, {"technologies": ["PLANT", "FUSION"], "fuels": ["H2"]})
    told = str(error.value)
    assert "cost_scope.technologies: energy has nothing of the name FUSION; it has MINE, PLANT" in told
    assert "cost_scope.fuels: energy has no demand above zero for H2; it has ELC, HEAT" in told


def test_a_rate_of_the_config_is_taken_before_the_model_s(tmp_path):
    assert account(tmp_path, {"discount_rate": 0.0}).cost.loc[2020, "investment"] == pytest.approx(10.0)


def test_results_of_muio_are_read_with_its_own_headers_and_annuities(tmp_path):
    (tmp_path / "csv").mkdir()
    files = {
        "AnnualFixedOperatingCost": "r,t,y,AnnualFixedOperatingCost\nRE1,PLANT,2020,3\n",
        "AnnualVariableOperatingCost": "r,t,y,AnnualVariableOperatingCost\nRE1,PLANT,2020,10\n",
        "CapitalInvestment": "r,t,y,CapitalInvestment\nRE1,PLANT,2020,100\n",
        "AnnualizedInvestmentCost": "r,t,y,AnnualizedInvestmentCost\nRE1,PLANT,2020,7\n",
        "Demand": "r,l,f,y,Demand\nRE1,DAY,ELC,2020,3\nRE1,NIGHT,ELC,2020,1\n",
    }
    for name, text in files.items():
        (tmp_path / "csv" / f"{name}.csv").write_text(text)
    found = account_of(Tables(tmp_path, "scenario"), CostScope())
    assert found.unit_cost(with_emissions=False) == {2020: 5.0}


TWO_REGIONS = {
    "results/AnnualVariableOperatingCost": "REGION,TECHNOLOGY,YEAR,VALUE\nHOME,PLANT,2020,10\nABROAD,PLANT,2020,90\n",
    "results/AnnualFixedOperatingCost": "REGION,TECHNOLOGY,YEAR,VALUE\nHOME,PLANT,2020,0\nABROAD,PLANT,2020,0\n",
    "results/CapitalInvestment": "REGION,TECHNOLOGY,YEAR,VALUE\nHOME,PLANT,2020,0\n",
    "parameters/SpecifiedAnnualDemand": "REGION,FUEL,YEAR,VALUE\nHOME,ELC,2020,5\nABROAD,ELC,2020,50\n",
    "parameters/AccumulatedAnnualDemand": "REGION,FUEL,YEAR,VALUE\n",
}
#: Each flow once, or with its mirror image, as formulations have it in which ``Trade[r,rr] = -Trade[rr,r]``.
ONE_WAY = "HOME,ABROAD,D,ELC,2020,1\nABROAD,HOME,N,ELC,2020,3\n"
MIRRORED = ONE_WAY + "ABROAD,HOME,D,ELC,2020,-1\nHOME,ABROAD,N,ELC,2020,-3\n"


@pytest.mark.parametrize("flows", [ONE_WAY, MIRRORED], ids=["one_way", "mirrored"])
@pytest.mark.parametrize(
    "header",
    ["REGION,_REGION,TIMESLICE,FUEL,YEAR,VALUE", "REGION,REGION,TIMESLICE,FUEL,YEAR,VALUE", "r,rr,l,f,y,Trade"],
)
def test_net_imports_of_some_regions_are_paid_once_however_trade_is_written(tmp_path, flows, header):
    trade = f"{header}\n{flows}"
    scope = {"regions": ["HOME"], "trade_prices": {"ELC": 4.0}}
    found = account(tmp_path, scope, **TWO_REGIONS, **{"results/Trade": trade})
    assert found.cost.loc[2020, "trade"] == 8.0
    assert found.unit_cost(with_emissions=False) == {2020: (10 + 8) / 5}


def test_trade_without_a_price_is_refused_and_between_all_regions_costs_nothing(tmp_path):
    trade = {"results/Trade": f"REGION,_REGION,TIMESLICE,FUEL,YEAR,VALUE\n{ONE_WAY}"}
    with pytest.raises(InvalidInput, match=r"trade_prices\.ELC"):
        account(tmp_path, {"regions": ["HOME"]}, **TWO_REGIONS, **trade)
    assert account(tmp_path, {}, **TWO_REGIONS, **trade).cost.loc[2020, "trade"] == 0.0


def test_values_that_are_no_numbers_are_refused_with_their_lines(tmp_path):
    text = "REGION,TECHNOLOGY,YEAR,VALUE\nR,PLANT,2020,nan\nR,PLANT,2021,3\nR,MINE,2020,inf\n"
    with pytest.raises(InvalidInput) as error:
        account(tmp_path, **{"results/AnnualFixedOperatingCost": text})
    assert "AnnualFixedOperatingCost.csv, line 2: VALUE: expected a finite number" in str(error.value)
    assert "AnnualFixedOperatingCost.csv, line 4" in str(error.value)


def test_a_technology_with_investment_and_without_a_life_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidInput, match=r"OperationalLife.csv R/PLANT: expected years > 0"):
        account(tmp_path, **{"parameters/OperationalLife": "REGION,TECHNOLOGY,VALUE\nR,MINE,5\n"})


def test_an_absent_table_is_refused_by_name(tmp_path):
    write_clews(tmp_path)
    (tmp_path / "results/CapitalInvestment.csv").unlink()
    with pytest.raises(InvalidInput, match=r"energy: no table CapitalInvestment.csv among its results"):
        account_of(Tables(tmp_path, "energy"), CostScope())
