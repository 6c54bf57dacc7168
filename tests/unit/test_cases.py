"""Cases of modules: loading, staging and comparing, without running anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from calculation_engine.errors import InvalidInput
from calculation_engine.modules.cases import Case, Difference, compare, load_case, stage
from calculation_engine.schemas.module import Manifest

MANIFEST = Manifest.model_validate(
    {
        "name": "toy",
        "version": "1",
        "title": "toy",
        "licence": "MIT",
        "source": "https://example.org",
        "command": ["toy"],
        "image": {"repository": "toy", "tag": "1"},
        "inputs": [
            {"label": "data", "path": "data.txt"},
            {"label": "tables", "path": "csv", "kind": "folder"},
        ],
    }
)


def make_case(folder: Path, **content: object) -> Case:
    folder.mkdir(exist_ok=True)
    (folder / "case.yaml").write_text(yaml.safe_dump({"title": "t", "source": "by hand", "expect": {}, **content}))
    return load_case(folder)


def write_output(folder: Path, *, code: int = 200, message: str = "", verdict: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    status = {"code": code, "message": message, **({"verdict": {"status": verdict}} if verdict else {})}
    (folder / "status.yaml").write_text(yaml.safe_dump(status))
    return folder


def test_a_case_is_staged_as_the_working_folder_that_the_contract_describes(tmp_path: Path) -> None:
    source = tmp_path / "case"
    (source / "t").mkdir(parents=True)
    (source / "t" / "a.csv").write_text("VALUE\n1\n")
    (source / "my.txt").write_text("x")
    case = make_case(source, config={"gap": 0.1}, inputs={"data": "my.txt", "tables": "t"})

    stage(case, MANIFEST, tmp_path / "work")

    work = tmp_path / "work"
    files = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
    assert files == ["input/config.yaml", "input/csv/a.csv", "input/data.txt"]
    assert yaml.safe_load((work / "input" / "config.yaml").read_text()) == {"gap": 0.1}
    assert (work / "output").is_dir()


def test_an_input_that_the_module_does_not_declare_is_refused(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "a.txt").write_text("x")
    case = make_case(tmp_path / "case", inputs={"mesh": "a.txt"})

    with pytest.raises(InvalidInput, match="toy has no input 'mesh'"):
        stage(case, MANIFEST, tmp_path / "work")


def test_a_case_that_names_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"not there: gone\.txt"):
        make_case(tmp_path / "case", inputs={"data": "gone.txt"})


def test_a_misspelt_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="expct"):
        make_case(tmp_path / "case", expct={})


def test_numbers_within_tolerance_are_no_difference(tmp_path: Path) -> None:
    expect = {
        "verdict": "optimal",
        "values": [
            {"output": "s.json", "pointer": "/a/1", "value": 100.0, "relative": 1e-3},
            {"output": "t.csv", "where": {"YEAR": 2020}, "value": 3.0, "reduce": "sum"},
        ],
    }
    case = make_case(tmp_path / "case", expect=expect)
    output = write_output(tmp_path / "output", verdict="optimal")
    (output / "s.json").write_text(json.dumps({"a": [0, 100.05]}))
    (output / "t.csv").write_text("REGION,YEAR,VALUE\nR,2020,1\nS,2020,2\nR,2021,9\n")

    assert compare(case, output) == []


def test_every_difference_is_told_with_its_place_and_numbers(tmp_path: Path) -> None:
    expect = {
        "values": [
            {"output": "s.json", "pointer": "/a", "value": 100.0, "relative": 1e-6},
            {"output": "gone.json", "pointer": "/a", "value": 1.0},
            {"output": "t.csv", "where": {"YEAR": 2020}, "value": 3.0},
        ]
    }
    case = make_case(tmp_path / "case", expect=expect)
    output = write_output(tmp_path / "output")
    (output / "s.json").write_text(json.dumps({"a": 100.05}))
    (output / "t.csv").write_text("REGION,YEAR,VALUE\nR,2020,1\nS,2020,2\n")

    first, second, third = map(str, compare(case, output))

    assert first.startswith("s.json /a: expected 100 ")
    assert first.endswith("got 100.05")
    assert "FileNotFoundError" in second
    assert "expected one row, found 2" in third


def test_tables_are_matched_by_row_and_tell_absent_and_surplus_rows(tmp_path: Path) -> None:
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "e.csv").write_text("REGION,YEAR,VALUE\nR,2020,1\nR,2021,2\nR,2022,0\n")
    case = make_case(folder, expect={"tables": [{"output": "t.csv", "expected": "e.csv", "relative": 1e-5}]})
    output = write_output(tmp_path / "output")
    (output / "t.csv").write_text("YEAR,REGION,VALUE\n2022,R,1e-12\n2020,R,1.000001\n2030,R,5\n")

    assert compare(case, output) == [
        Difference("t.csv REGION=R, YEAR=2021", "2 (relative 1e-05, absolute 1e-09)", "nothing"),
        Difference("t.csv REGION=R, YEAR=2030", "no such row", "5"),
    ]


def test_an_expected_failure_needs_its_code_verdict_and_message(tmp_path: Path) -> None:
    case = make_case(tmp_path / "case", expect={"code": 422, "verdict": "infeasible", "message": "row [ab]"})

    assert compare(case, write_output(tmp_path / "a", code=422, verdict="infeasible", message="see row b")) == []
    found = compare(case, write_output(tmp_path / "b", code=200, verdict="optimal", message="fine"))
    assert [difference.where for difference in found] == [
        "status.yaml code",
        "status.yaml verdict",
        "status.yaml message",
    ]


def test_a_run_without_a_status_file_is_one_difference(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()

    assert compare(make_case(tmp_path / "case"), tmp_path / "output") == [
        Difference("status.yaml", "the file", "nothing")
    ]
