"""Tables, documents and files held against each other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculation_engine.comparison.documents import changes, compare_documents, without
from calculation_engine.comparison.files import Comparer, Result
from calculation_engine.comparison.sentences import summary_sentence
from calculation_engine.comparison.tables import compare_tables
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.comparison import FileDifference, TableDifference
from calculation_engine.schemas.module import Column
from calculation_engine.schemas.reuse import Nearness, Reuse
from calculation_engine.store import Store

Compare = Callable[..., TableDifference]


@pytest.fixture
def compared(tmp_path: Path) -> Compare:
    """Return a function that compares two tables given as texts."""
    count = iter(range(1000))

    def compare(a: str, b: str, columns: list[Column] | None = None, **nearness: float) -> TableDifference:
        scratch = tmp_path / f"scratch{next(count)}"
        scratch.mkdir()
        for name, text in (("a", a), ("b", b)):
            (tmp_path / f"{name}.csv").write_text(text)
        paths = tmp_path / "a.csv", tmp_path / "b.csv"
        return compare_tables(*paths, columns or [], Nearness(**nearness), scratch)

    return compare


def test_rows_are_matched_by_their_keys_in_any_order(compared: Compare) -> None:
    found = compared("R,YEAR,VALUE\nx,2020,5\nx,2021,6\nx,2022,7\n", "R,YEAR,VALUE\nx,2021,6\nx,2020,5.5\nx,2023,7\n")

    assert (found.keys, found.rows_a, found.rows_b, found.only_a, found.only_b) == (["R", "YEAR"], 3, 3, 1, 1)
    assert found.examples_only_a == [{"R": "x", "YEAR": "2022"}]
    assert found.examples_only_b == [{"R": "x", "YEAR": "2023"}]
    [column] = found.columns
    assert (column.column, column.compared, column.differing) == ("VALUE", 2, 1)
    assert column.largest_absolute is not None
    assert column.largest_absolute.row == {"R": "x", "YEAR": "2020"}
    assert (column.largest_absolute.a, column.largest_absolute.b, column.largest_absolute.difference) == (5, 5.5, 0.5)
    assert column.largest_relative is not None
    assert column.largest_relative.difference == pytest.approx(0.5 / 5.5)


def test_largest_absolute_and_relative_difference_are_found_apart(compared: Compare) -> None:
    [column] = compared("K,V\na,1000.5\nb,0.5\n", "K,V\na,1010.5\nb,0.6\n").columns

    assert column.largest_absolute is not None
    assert column.largest_relative is not None
    assert (column.largest_absolute.row, column.largest_relative.row) == ({"K": "a"}, {"K": "b"})


def test_whole_numbers_are_no_keys_where_the_columns_before_tell_rows_apart(compared: Compare) -> None:
    found = compared("TECH,VALUE\nx,1\ny,2\n", "TECH,VALUE\nx,1\ny,3\n")

    assert (found.keys, found.only_a, found.columns[0].differing) == (["TECH"], 0, 1)


def test_numbers_within_what_is_allowed_do_not_count(compared: Compare) -> None:
    near = compared("K,V\na,1.0000001\nb,1e-12\n", "K,V\na,1.0000002\nb,-1e-12\n")

    assert near.is_same
    assert near.columns[0].largest_relative is not None
    assert not compared("K,V\na,1.0000001\n", "K,V\na,1.0000002\n", relative=1e-9, absolute=0.0).is_same


def test_value_that_vanishes_counts_and_is_shown(compared: Compare) -> None:
    [column] = compared("K,V\na,1.5\nb,2.5\n", "K,V\na,\nb,2.5\n").columns

    assert column.differing == 1
    assert column.example is not None
    assert (column.example.row, column.example.a, column.example.b) == ({"K": "a"}, "1.5", "")


def test_nan_is_the_same_as_nan_and_infinity_as_itself(compared: Compare) -> None:
    assert compared("K,V\na,nan\nb,inf\nc,0.5\n", "K,V\na,NaN\nb,Inf\nc,0.5\n").is_same
    assert not compared("K,V\na,inf\nb,0.5\n", "K,V\na,-inf\nb,0.5\n").is_same


def test_codes_with_leading_zeros_and_names_as_na_are_texts(compared: Compare) -> None:
    found = compared("CODE,V\n01,0.5\n1,0.25\nNA,0.1\n", "CODE,V\n1,0.25\n01,0.5\nNA,0.1\n")

    assert (found.keys, found.is_same) == (["CODE"], True)


def test_rows_without_keys_are_matched_by_their_number(compared: Compare) -> None:
    found = compared("x,y\n0.5,1.5\n0.7,2.5\n", "x,y\n0.5,1.5\n0.7,3.5\n0.9,1.5\n")

    assert (found.keys, found.only_b) == ([], 1)
    assert found.columns[1].largest_absolute is not None
    assert found.columns[1].largest_absolute.row == {"row": "2"}


def test_rows_of_the_same_keys_are_matched_in_their_order(compared: Compare) -> None:
    found = compared("K,V\na,1.5\na,2.5\n", "K,V\na,1.5\na,2.75\na,1.5\n")

    assert (found.only_b, found.columns[0].differing) == (1, 1)
    assert found.examples_only_b == [{"K": "a", "row": "3"}]


def test_columns_that_appear_or_vanish_are_named(compared: Compare) -> None:
    found = compared("K,V,W\na,1.5,1\n", "K,V,X\na,1.5,1\n")

    assert (found.columns_only_a, found.columns_only_b, found.is_same) == (["W"], ["X"], False)


def test_declared_numbers_are_never_keys(compared: Compare) -> None:
    declared = [Column(name="YEAR", type="integer"), Column(name="VALUE", type="number")]

    found = compared("VALUE,YEAR\n1,2020\n2,2021\n", "VALUE,YEAR\n1,2020\n3,2021\n", declared)

    assert (found.keys, found.columns[0].column, found.columns[0].differing) == (["YEAR"], "VALUE", 1)


@pytest.mark.parametrize("text", ["", "K,V\n1\n", "K,K\n1,2\n", "K,V\n1,2,3\n"])
def test_what_is_no_table_is_said(compared: Compare, text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be read as a table"):
        compared(text, "K,V\n1,2\n")


def test_quotes_and_names_of_any_kind_are_read(compared: Compare) -> None:
    head = '"a ""b"" \'c\'; --",V\n"x, ""y""\nz",1.5\n'
    found = compared(head + "w,2.5\n", head + "w,3.5\n")

    assert (found.keys, found.columns[0].differing) == (["a \"b\" 'c'; --"], 1)


ROWS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(2000, 2005)), st.floats(-1e6, 1e6, allow_nan=False), min_size=2
)


@settings(max_examples=30)
@given(a=ROWS, b=ROWS, seed=st.randoms())
def test_comparison_agrees_with_one_in_memory(
    a: dict[Any, float], b: dict[Any, float], seed: Any, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    for name, rows in (("a", a), ("b", b)):
        items = list(rows.items())
        seed.shuffle(items)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["K", "YEAR", "VALUE"], *([*key, repr(value)] for key, value in items)])
    columns = [Column(name="K", type="string"), Column(name="YEAR", type="integer"), Column(name="VALUE")]

    found = compare_tables(folder / "a.csv", folder / "b.csv", columns, Nearness(), folder)

    both = a.keys() & b.keys()
    differing = sum(not Nearness().allows(a[key], b[key]) for key in both)
    if found.keys == ["K", "YEAR"]:
        assert (found.only_a, found.only_b) == (len(a.keys() - both), len(b.keys() - both))
        assert found.differing == differing
        largest = max((abs(a[key] - b[key]) for key in both), default=0.0)
        place = found.columns[0].largest_absolute
        assert (place.difference if place else 0.0) == pytest.approx(largest)
    assert (a == b) <= found.is_same


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"scale": [{"factor": 2}]}, {"scale": [{"factor": 3}]}, ["config.scale[0].factor: 2 → 3"]),
        ({"a": 1}, {}, ["config.a: 1 was removed"]),
        ({}, {"a": {"b": 1}}, ['config.a: {"b": 1} was added']),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, ["config.a[2]: 3 was added"]),
        ({"a": 2}, {"a": 2.0}, []),
        ({"a": 1}, {"a": True}, ["config.a: 1 → true"]),
        ({"a": None}, {"a": "x"}, ["config.a: null → 'x'"]),
        ({"a": [1]}, {"a": {"b": 1}}, ['config.a: [1] → {"b": 1}']),
    ],
)
def test_changes_of_a_document_have_their_paths(a: Any, b: Any, expected: list[str]) -> None:
    assert [str(change) for change in changes(a, b, "config")] == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_document_is_the_same_as_itself(value: Any) -> None:
    assert list(changes(value, value)) == []
    assert compare_documents(value, json.loads(json.dumps(value)), Nearness(relative=0, absolute=0)).differing == 0


def test_numbers_of_documents_are_compared_by_size() -> None:
    found = compare_documents({"cost": 100.0, "n": 1, "t": "x"}, {"cost": 100.00000001, "n": 2, "t": "x"}, Nearness())

    assert (found.compared, found.differing) == (3, 1)
    assert found.largest_relative is not None
    assert (found.largest_relative.path, found.largest_relative.relative) == ("n", 0.5)


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., list[FileDifference]]:
    """Return a function that compares two results, each given as texts by path."""
    store = Store(tmp_path)

    def compare(a: dict[str, str], b: dict[str, str]) -> list[FileDifference]:
        sides = [{p: Result(store.put(t.encode()), "text/plain") for p, t in side.items()} for side in (a, b)]
        return list(Comparer(store.path, Nearness(), tmp_path / "scratch").compare(*sides))

    return compare


def test_files_are_told_as_the_same_close_different_or_alone(files: Callable[..., list[FileDifference]]) -> None:
    found = files(
        {"same.txt": "x", "close.csv": "K,V\na,1.5\n", "far.json": '{"a": 1}', "gone.txt": "x", "text.txt": "x"},
        {"same.txt": "x", "close.csv": "K,V\na,1.50\n", "far.json": '{"a": 2}', "new.txt": "x", "text.txt": "y"},
    )

    assert {file.path: file.state for file in found} == {
        "same.txt": "same", "close.csv": "close", "far.json": "differs", "gone.txt": "only_a", "new.txt": "only_b",
        "text.txt": "differs",
    }  # fmt: skip
    told = summary_sentence(found)
    assert told.startswith("4 of 6 files differ")
    assert "far.json: a: 1 → 2" in told


def test_table_that_cannot_be_read_is_compared_by_its_bytes(files: Callable[..., list[FileDifference]]) -> None:
    [found] = files({"t.csv": "K,V\n1\n"}, {"t.csv": "K,V\n1,2\n"})

    assert (found.state, found.table) == ("differs", None)
    assert "cannot be read as a table" in found.sentence


def test_nothing_of_a_comparison_stays_in_the_scratch_folder(
    files: Callable[..., list[FileDifference]], tmp_path: Path
) -> None:
    files({"t.csv": "K,V\na,1.5\n"}, {"t.csv": "K,V\na,2.5\n"})

    assert list((tmp_path / "scratch").iterdir()) == []


def test_reuse_is_a_word_or_a_rule() -> None:
    assert Reuse.model_validate("verify") == Reuse(mode="verify")
    assert Reuse.model_validate({"mode": "verify", "relative": 1e-3}).relative == 1e-3
    with pytest.raises(ValueError, match="never"):
        Reuse.model_validate("sometimes")


def test_values_that_vary_from_run_to_run_are_left_out() -> None:
    document = {"times": {"read": 1, "write": 2}, "a/b": 1, "objective": 3.0, "rows": [{"seconds": 1}]}

    assert without(document, ["/times/read", "/a~1b", "/absent/x", "/objective/x", "/rows/0/seconds"]) == {
        "times": {"write": 2},
        "objective": 3.0,
        "rows": [{"seconds": 1}],
    }
    assert without([1], ["/0"]) == [1]
    assert document["times"] == {"read": 1, "write": 2}
