from __future__ import annotations

import json
import math
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.bridges.charts import Line, line_chart, nice_ticks
from calculation_engine.bridges.exchange import ExchangeTable, Variable, write_exchange
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.tables import read_parquet, read_table
from tests.unit.bridges.models import write_clews, write_economy

CONFIG = {"demand": [{"driver": "gdp", "elasticity": 0.5}]}
ASKED = ExchangeTable(
    (Variable("all fuels", "2020", "1", "demand"), Variable("all fuels", "2021", "1", "demand")), (1.0, 1.0)
)
CONVERGENCE = (
    "evaluation,verdict,residual demand,failure\n1,,0.2,\n2,,,economy: no steady state\n3,converged,0.00002,\n"
)


@pytest.fixture
def report(tmp_path):
    source, target = tmp_path / "input", tmp_path / "output"
    write_clews(source / "energy", factor=2.0)
    write_clews(source / "energy_baseline")
    write_economy(source / "economy", output=(1.0, 3.0, 4.0))
    write_economy(source / "economy_baseline", output=(2.0, 3.0, 4.0))
    texts = {
        "costs/cost_ratio.csv": "YEAR,SCENARIO,BASELINE,RATIO\n2020,3,2,1.5\n2021,4,2,2\n",
        "costs/cost.csv": "RUN,YEAR,KIND,VALUE\nscenario,2020,fixed,3\n",
        "convergence.csv": CONVERGENCE,
        "loop.json": json.dumps(
            {
                "loop": {"name": "agree<b>", "until": {"relative": 1e-4}},
                "sentence": "evaluation 3: the models agree",
                "steps": [{"path": "agree/3/energy", "module": "cbc", "version": "1.0.0", "key": "f" * 64}],
            }
        ),
    }
    for number in (1, 2, 3):
        texts[f"evaluations/{number}/asked.csv"] = write_exchange(ASKED.with_values([1.0, 0.9]))
    for number in (1, 3):
        texts[f"evaluations/{number}/response/exchange.csv"] = write_exchange(ASKED.with_values([0.8, 0.75]))
        texts[f"evaluations/{number}/response/monitored.csv"] = write_exchange(ASKED)
    for name, text in texts.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    target.mkdir()
    status = make_bridge("og_clews", CONFIG).run("report", source, target)
    assert status.code == 200
    assert status.message.startswith(
        "total discounted cost of the energy system +100.000 %, unit cost of energy 2020 +50"
    )
    return target


def test_the_page_is_whole_without_scripts_and_without_other_places(report):
    html = (report / "report.html").read_text()
    assert "<script" not in html
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) == {"http://www.w3.org/2000/svg"}
    assert html.count("<svg") == 9
    assert "agree&lt;b&gt;" in html
    assert "evaluation 3: the models agree" in html
    assert "f" * 64 in html
    assert '<td class="change">+100.000 %</td>' in html
    assert '<a href="summary.csv">summary.csv</a>' in html
    assert "Note: the unit cost is a total-cost index" in html
    assert "Note: CLEWS ends with 2021; afterwards" in html
    assert '<td class="change">+0.000 points</td>' in html


def test_every_evaluation_that_answered_is_drawn_the_last_in_full(report):
    html = (report / "report.html").read_text()
    drawn = re.findall(r"evaluation \d(?=</text>)", html)
    assert drawn == ["evaluation 1", "evaluation 3"]


def test_the_table_of_convergence_on_the_page_has_the_columns_that_have_something(report):
    html = (report / "report.html").read_text()
    table = html[html.index("<h2>Convergence") : html.index("<h2>The same numbers")]
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", table)
    assert heads == ["evaluation", "verdict", "residual demand", "failure"]
    assert "economy: no steady state" in table


def test_the_numbers_of_the_page_stand_beside_it_as_csv(report):
    economy = pd.read_csv(report / "economy.csv")
    gdp = economy[economy["QUANTITY"] == "GDP at base prices"].iloc[0]
    assert gdp["CHANGE"] == pytest.approx((1 + 6 + 12) / (2 + 6 + 12) - 1)
    assert (economy.loc[economy["QUANTITY"] == "interest rate", "CHANGE"] == 0).all()
    emissions = pd.read_csv(report / "emissions.csv").iloc[0]
    assert (emissions["SCENARIO"], emissions["BASELINE"]) == (2.0, 1.0)
    capacity = pd.read_csv(report / "capacity.csv")
    plant = capacity[(capacity["TECHNOLOGY"] == "PLANT") & (capacity["YEAR"] == 2020)].iloc[0]
    assert (plant["SCENARIO"], plant["BASELINE"]) == (6.0, 3.0)
    summary = {row["QUANTITY"]: row for row in pd.read_csv(report / "summary.csv").to_dict("records")}
    cost = summary["total discounted cost of the energy system"]
    assert (cost["SCENARIO"], cost["BASELINE"], cost["CHANGE"]) == (400.0, 200.0, 1.0)
    assert summary["demand over original, all fuels 2021"]["SCENARIO"] == 0.75


def test_the_same_numbers_stand_there_as_parquet(report):
    tables = sorted(path.stem for path in report.glob("*.csv"))
    assert tables == sorted(path.stem for path in report.glob("*.parquet"))
    assert len(tables) == 10
    html = (report / "report.html").read_text()
    for name in tables:
        pd.testing.assert_frame_equal(read_parquet(report / f"{name}.parquet"), read_table(report / f"{name}.csv"))
        assert f'<a href="{name}.parquet">Parquet</a>' in html


def test_capacity_is_drawn_where_cost_changes_most(report):
    html = (report / "report.html").read_text()
    chart = html[html.index('aria-label="Capacity') :]
    assert re.findall(r">(MINE|PLANT)</text>", chart) == ["MINE", "PLANT"]


def test_an_evaluation_that_failed_keeps_what_it_was_asked(report):
    rows = pd.read_csv(report / "demand_ratios.csv")
    assert rows["evaluation"].tolist() == [1, 1, 2, 2, 3, 3]
    assert rows.loc[rows["evaluation"] == 2, "asked"].tolist() == [1.0, 0.9]
    assert rows.loc[rows["evaluation"] == 2, "answered"].isna().all()


@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9))
def test_ticks_are_few_round_and_around_the_values(low, width):
    high = low + width
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 12
    slack = 1e-6 * max(abs(low), abs(high), width)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack


def test_a_chart_leaves_out_what_has_no_place_on_its_axis_and_escapes_its_texts():
    lines = [Line("a<b", [1, 2, 3], [1.0, math.nan, 1e-3]), Line("zero", [1, 2], [0.0, -1.0])]
    svg = line_chart("R & D", lines, x_label="x", y_label="y", logarithmic=True)
    assert svg.count("<circle") == 2
    assert "a&lt;b, 3: 0.001" in svg
    assert "R &amp; D" in svg
    assert "nan" not in svg


def test_a_chart_of_one_number_has_axes_around_it():
    svg = line_chart("one", [Line("a", [2020], [5.0])], x_label="x", y_label="y")
    assert svg.count("<circle") == 1
    assert "nan" not in svg
