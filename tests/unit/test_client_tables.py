"""Tables and documents as users write them."""

import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.client.document import load_document, parse_yaml
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.module import Column
from calculation_engine.tables import read_parquet, read_table, units_of, write_parquet, write_table


def read(text: str, *columns: Column) -> pd.DataFrame:
    return read_table(io.BytesIO(text.encode()), columns, name="t.csv")


def test_codes_stay_text_and_numbers_become_numbers() -> None:
    table = read("REGION,CODE,YEAR,VALUE,NOTE\nNA,01,2030,0.1,1_0\nNO,02,2031,1e-3,\n")

    assert table.to_dict("list") == {
        "REGION": ["NA", "NO"],
        "CODE": ["01", "02"],
        "YEAR": [2030, 2031],
        "VALUE": [0.1, 0.001],
        "NOTE": ["1_0", ""],
    }


def test_declared_columns_decide_types_and_give_units() -> None:
    table = read(
        "REGION,VALUE,ON\n1,2,true\n3,,0\n",
        Column(name="REGION", type="string"),
        Column(name="VALUE", unit="PJ"),
        Column(name="ON", type="boolean"),
        Column(name="ABSENT", unit="t"),
    )

    assert table["REGION"].to_list() == ["1", "3"]
    assert table["VALUE"].isna().to_list() == [False, True]
    assert table["ON"].to_list() == [True, False]
    assert units_of(table) == {"VALUE": "PJ"}


def test_a_value_that_is_not_of_its_declared_type_is_named_with_its_column() -> None:
    with pytest.raises(InvalidInput, match=r"t\.csv: column VALUE: not every value is a number.*many"):
        read("VALUE\nmany\n", Column(name="VALUE"))


@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b'a,b\n1,"2\n'])
def test_what_is_no_csv_is_refused_with_the_tables_name(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"t\.csv: not readable as CSV"):
        read_table(io.BytesIO(content), name="t.csv")


def test_an_empty_file_is_an_empty_table() -> None:
    assert read("").empty


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_come_back_to_the_last_digit(values: list[float]) -> None:
    buffer = io.BytesIO()
    write_table(pd.DataFrame({"VALUE": values}), buffer)
    buffer.seek(0)

    assert read_table(buffer)["VALUE"].to_list() == values


def test_a_named_index_is_written_and_a_nameless_one_is_not() -> None:
    buffers = io.BytesIO(), io.BytesIO()
    table = pd.DataFrame({"YEAR": [2030], "VALUE": [1.5]})
    write_table(table.set_index("YEAR"), buffers[0])
    write_table(table, buffers[1])

    assert buffers[0].getvalue() == buffers[1].getvalue() == b"YEAR,VALUE\n2030,1.5\n"


def test_parquet_keeps_every_digit_and_type_and_equal_tables_are_equal_files(tmp_path: Path) -> None:
    text = "REGION,CODE,YEAR,VALUE,NOTE\nNA,01,2030,0.1,\nÖ'1,02,2031,,x\n,03,2032,5e-324,\n"
    table = read(text)
    files = [tmp_path / "a.parquet", tmp_path / "it's b.parquet"]
    for file in files:
        write_parquet(table, file)

    again = read_parquet(files[1], [Column(name="VALUE", unit="PJ")])
    pd.testing.assert_frame_equal(again, table)
    assert units_of(again) == {"VALUE": "PJ"}
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_no_parquet_is_refused_with_the_tables_name(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match=r"agree/t\.parquet: not readable as Parquet"):
        read_parquet(tmp_path / "t.parquet", name="agree/t.parquet")


def test_documents_are_yaml_1_2() -> None:
    text = "{a: NO, b: 1e-4, c: 2030-01-01, d: yes, e: 1:30, f: 010, g: ~, h: true, i: 0x10, j: -3, k: '1', l: .5}"

    assert parse_yaml(text) == {
        "a": "NO",
        "b": 1e-4,
        "c": "2030-01-01",
        "d": "yes",
        "e": "1:30",
        "f": 10,
        "g": None,
        "h": True,
        "i": 16,
        "j": -3,
        "k": "1",
        "l": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "'a' stands twice.*line 2"),
        ("a: [1\n", "line 2"),
        ("- 1\n", "expected keys and values, .* got a list"),
        ("", "got nothing"),
        ("a: !!python/object:os.system x\n", "could not determine a constructor"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(text)

    with pytest.raises(InvalidInput, match=message) as caught:
        load_document(file)

    assert str(file) in caught.value.message
