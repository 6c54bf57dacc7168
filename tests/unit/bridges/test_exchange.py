from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.bridges.exchange import COLUMNS, ExchangeTable, Variable, read_exchange, write_exchange
from calculation_engine.bridges.variables import VariableGroup, read_groups, write_groups
from calculation_engine.errors import InvalidInput

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=8)
HEADER = ",".join(COLUMNS) + "\n"


@st.composite
def tables(draw) -> ExchangeTable:
    keys = draw(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=6, unique=True))
    values = draw(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=len(keys), max_size=len(keys)))
    return ExchangeTable(tuple(Variable(v, i, "1", g) for g, v, i in keys), tuple(values))


@given(tables())
def test_a_table_is_read_as_it_was_written_to_the_last_bit(table: ExchangeTable):
    assert read_exchange(write_exchange(table)) == table


@given(tables(), st.randoms())
def test_an_answer_in_any_order_is_put_in_the_order_that_was_asked(table: ExchangeTable, random):
    rows = list(zip(table.variables, table.values_tuple, strict=True))
    random.shuffle(rows)
    shuffled = ExchangeTable(tuple(v for v, _ in rows), tuple(x for _, x in rows))
    assert table.aligned(shuffled) == table


def test_every_fault_of_a_table_is_told_with_its_line():
    text = HEADER + "price,2020,nan,EUR,p\n,2021,1,EUR,p\nprice,2022,2,EUR\nprice,2023,3,EUR,p\nprice,2023,4,EUR,p\n"
    with pytest.raises(InvalidInput) as error:
        read_exchange(text, name="answer.csv")
    told = str(error.value)
    for expected in (
        "line 2: value: expected a finite number, got 'nan'",
        "line 3: the variable has no name",
        "line 4: expected 5 fields, got 4",
        "line 6: p price 2023 is there twice",
    ):
        assert expected in told


def test_a_name_with_a_line_break_is_refused():
    with pytest.raises(InvalidInput, match="a name or unit has a line break"):
        read_exchange(HEADER + '"a\rb",,1,,\n')


def test_other_columns_are_refused_with_those_that_are_expected():
    with pytest.raises(InvalidInput, match="expected the columns variable,index,value,unit,group"):
        read_exchange("a,b\n1,2\n")


def test_an_empty_table_is_refused():
    with pytest.raises(InvalidInput, match="it has no rows"):
        read_exchange(HEADER)


def test_an_answer_with_other_variables_or_units_is_refused_with_each_of_them():
    asked = ExchangeTable((Variable("a", unit="EUR"), Variable("b")), (1.0, 2.0))
    answer = ExchangeTable((Variable("a", unit="USD"), Variable("c")), (1.0, 2.0))
    with pytest.raises(InvalidInput) as error:
        asked.aligned(answer)
    told = str(error.value)
    assert "b: asked, but not answered" in told
    assert "c: answered, but not asked" in told
    assert "a: asked in EUR, answered in USD" in told


def test_rows_of_a_group_stand_together_in_the_order_of_the_groups():
    rows = [Variable("a", group="p"), Variable("b", group="q"), Variable("c", group="p")]
    table = ExchangeTable(tuple(rows), (1.0, 2.0, 3.0)).by_group()
    assert [v.variable for v in table.variables] == ["a", "c", "b"]
    assert table.groups == ("p", "q")
    assert table.of_group("p").values.tolist() == [1.0, 3.0]
    assert table.of_group("q").labels == ("b",)


def test_groups_are_read_as_they_were_written(tmp_path):
    groups = {"demand": VariableGroup(positive=True, lower=0.1, upper=9, scale=2, noise=1e-6), "": VariableGroup()}
    write_groups(groups, tmp_path / "variables.json")
    assert read_groups((tmp_path / "variables.json").read_bytes()) == groups


def test_faults_of_groups_are_told_with_their_paths():
    with pytest.raises(InvalidInput) as error:
        read_groups('{"demand": {"noise": -1, "sign": "+"}}')
    assert "demand.noise" in str(error.value)
    assert "demand.sign: there is no such field" in str(error.value)
