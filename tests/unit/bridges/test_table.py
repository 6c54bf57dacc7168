from __future__ import annotations

import pytest

from calculation_engine.bridges.base import Ref
from calculation_engine.bridges.exchange import ExchangeTable, Variable, read_exchange, write_exchange
from calculation_engine.bridges.registry import make_bridge
from calculation_engine.bridges.variables import read_groups
from calculation_engine.errors import InvalidInput

OWN = {"variable": "GOOD", "index": "YEAR", "value": "PRICE"}
ASKED = ExchangeTable(
    (Variable("steel", "2030", "EUR/t", "price"), Variable("coal", "2030", "EUR/t", "price")), (500.0, 80.1)
)


def bridge(**changes):
    return make_bridge("table", {"into": {"input": "prices"}, "out_of": {"output": "answer"}, **changes})


def folders(tmp_path, **files):
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
    for name, text in files.items():
        path = tmp_path / "input" / name.replace("__", "/").replace("_csv", ".csv")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path / "input", tmp_path / "output"


def test_an_evaluation_asks_runs_all_processes_and_reads_the_answer():
    link = {"from": {"process": "market", "output": "volume"}, "to": {"process": "plant", "input": "orders"}}
    nodes = bridge(links=[link]).evaluation(["market", "plant"])
    assert [(node.name, node.kind) for node in nodes] == [
        ("ask", "pass"),
        ("market", "process"),
        ("plant", "process"),
        ("answer", "pass"),
    ]
    assert nodes[1].inputs == {"prices": Ref("output", "ask", path="table.csv")}
    assert nodes[2].inputs == {"orders": Ref("output", "market", "volume")}
    assert nodes[3].inputs["answer"] == Ref("output", "plant", "answer")


def test_a_link_against_the_sequence_or_to_a_stranger_is_refused():
    links = [
        {"from": {"process": "plant", "output": "a"}, "to": {"process": "market", "input": "b"}},
        {"from": {"process": "bank", "output": "a"}, "to": {"process": "market", "input": "b"}},
    ]
    with pytest.raises(InvalidInput) as error:
        bridge(links=links).evaluation(["market", "plant"])
    assert "links[0]: plant does not come before market" in str(error.value)
    assert "links[1]: bank is not in the loop's sequence" in str(error.value)


def test_the_start_is_the_first_process_s_own_input_with_groups_together(tmp_path):
    own = "variable,index,value,unit,group\na,,1,,p\nb,,2,,q\nc,,3,,p\n"
    source, target = folders(tmp_path, start__prices_csv=own)
    loop = bridge(groups={"p": {"positive": True, "noise": 1e-5}})
    assert loop.start(["one", "two"]).inputs == {"start": Ref("own_input", "one", "prices")}
    loop.run("start", source, target)
    assert [v.variable for v in read_exchange(target / "exchange.csv").variables] == ["a", "c", "b"]
    groups = read_groups((target / "variables.json").read_text())
    assert groups["p"].positive
    assert not groups["q"].positive


def test_groups_that_the_table_does_not_have_are_refused(tmp_path):
    source, target = folders(tmp_path)
    loop = bridge(start=[{"variable": "a", "value": 1, "group": "p"}], groups={"prices": {}})
    with pytest.raises(InvalidInput, match=r"groups\.prices: expected one of 'p'"):
        loop.run("start", source, target)


def test_a_module_with_columns_of_its_own_is_asked_and_answers_in_them(tmp_path):
    own = "YEAR,GOOD,NOTE,PRICE\n2030,coal,x,81.0\n2030,steel,y,510\n"
    source, target = folders(tmp_path, asked_csv=write_exchange(ASKED), answer__result_csv=own)
    loop = bridge(into={"input": "prices", "columns": OWN}, out_of={"output": "answer", "columns": OWN})
    loop.run("ask", source, target)
    assert (target / "table.csv").read_text() == "GOOD,YEAR,PRICE\nsteel,2030,500.0\ncoal,2030,80.1\n"
    loop.run("answer", source, target)
    assert read_exchange(target / "exchange.csv") == ASKED.with_values([510.0, 81.0])


def test_a_table_named_by_its_index_alone_needs_no_variable(tmp_path):
    asked = ExchangeTable((Variable("2030"), Variable("2031")), (1.0, 2.0))
    columns = {"variable": None, "index": "YEAR", "value": "X"}
    source, target = folders(tmp_path, asked_csv=write_exchange(asked), answer_csv="YEAR,X\n2031,4\n2030,3\n")
    (source / "answer.csv").rename(source / "answer")
    loop = bridge(into={"input": "prices", "columns": columns}, out_of={"output": "answer", "columns": columns})
    loop.run("ask", source, target)
    assert (target / "table.csv").read_text() == "YEAR,X\n2030,1.0\n2031,2.0\n"
    loop.run("answer", source, target)
    assert read_exchange(target / "exchange.csv").values.tolist() == [3.0, 4.0]


def test_an_answer_without_its_column_is_refused_with_those_that_are_there(tmp_path):
    source, target = folders(tmp_path, asked_csv=write_exchange(ASKED), answer__a_csv="GOOD,YEAR,COST\nsteel,2030,1\n")
    with pytest.raises(InvalidInput, match="no column PRICE; it has GOOD, YEAR, COST"):
        bridge(out_of={"output": "answer", "columns": OWN}).run("answer", source, target)


def test_two_answers_are_one_too_many(tmp_path):
    source, target = folders(tmp_path, asked_csv=write_exchange(ASKED), answer__a_csv="x\n", answer__b_csv="x\n")
    with pytest.raises(InvalidInput, match="expected one file with the exchange table, found 2"):
        bridge().run("answer", source, target)
