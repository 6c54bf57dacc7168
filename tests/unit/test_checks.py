"""Inputs and outputs are held against what a module declares; every fault is told with its place."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from calculation_engine.modules.catalogue import Catalogue, Module
from calculation_engine.modules.checks import (
    config_faults,
    label_faults,
    label_of,
    output_faults,
    place,
    table_faults,
)
from calculation_engine.schemas.module import Column, Manifest, Slot

COLUMNS = [Column(name="YEAR", type="integer", minimum=1990), Column(name="VALUE", unit="PJ", minimum=0)]


def module(schema: dict[str, object]) -> Module:
    manifest = Manifest.model_validate(
        {
            "name": "m",
            "version": "1",
            "title": "m",
            "licence": "MIT",
            "source": "x",
            "command": ["x"],
            "image": {"repository": "m", "tag": "1"},
            "inputs": [
                {"label": "data", "path": "data.csv"},
                {"label": "extra", "path": "extra", "kind": "folder", "required": False},
            ],
        }
    )
    return Module(manifest, Path(), (), schema, "", {})


def faults_of(text: str, *, values: bool = True) -> list[str]:
    return [str(fault) for fault in table_faults(COLUMNS, io.BytesIO(text.encode()), "t.csv", values=values)]


def test_config_is_held_against_the_schema_and_every_fault_has_its_path() -> None:
    schema = {
        "type": "object",
        "properties": {
            "solver": {"enum": ["a", "b"]},
            "limits": {"type": "object", "properties": {"time": {"type": "number"}}},
        },
        "additionalProperties": False,
    }
    faults = config_faults(module(schema), {"solver": "c", "limits": {"time": "long"}, "gap": 1}, "config")
    assert [fault.path for fault in faults] == ["config", "config.limits.time", "config.solver"]
    assert faults[0].message == "there is no such field: gap"


def test_unknown_and_missing_labels_are_both_told() -> None:
    faults = label_faults(module({}).manifest, ["date"], "inputs")
    assert [fault.path for fault in faults] == ["inputs.date", "inputs.data"]


@pytest.mark.parametrize("solver", ["glpk", "cbc", "highs"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], [("inputs", "at least one of data, csv, model, lp, mps")]),
        (["scale"], [("inputs", "at least one of data, csv, model, lp, mps")]),
        (["data", "csv"], [("inputs.data", "together with csv")]),
        (["data", "csv_config"], [("inputs.csv_config", "nothing without csv")]),
        (["model", "lp"], [("inputs.model", "together with lp")]),
        (
            ["lp", "mps", "scale"],
            [("inputs.lp", "with mps"), ("inputs.lp", "with scale"), ("inputs.mps", "with scale")],
        ),
    ],
)
def test_inputs_of_the_energy_models_that_do_not_go_together_are_told(
    solver: str, given: list[str], told: list[tuple[str, str]]
) -> None:
    faults = label_faults(Catalogue().get(solver).manifest, given, "inputs")
    assert [fault.path for fault in faults] == [path for path, _ in told]
    assert all(word in fault.message and fault.hint for fault, (_, word) in zip(faults, told, strict=True))


@pytest.mark.parametrize(
    "given", [["data"], ["data", "scale"], ["csv", "csv_config"], ["model"], ["model", "csv"], ["lp"], ["mps"]]
)
def test_inputs_of_the_energy_models_that_go_together_have_no_fault(given: list[str]) -> None:
    assert label_faults(Catalogue().get("highs").manifest, given, "inputs") == []


def test_files_are_placed_as_declared() -> None:
    assert place(Slot(label="a", path="data.csv"), ["mine.csv"]) == {"mine.csv": "data.csv"}
    assert place(Slot(label="a", path="csv", kind="folder"), ["x.csv", "y/z.csv"]) == {
        "x.csv": "csv/x.csv",
        "y/z.csv": "csv/y/z.csv",
    }
    assert place(Slot(label="a", path="runs/*.csv", kind="glob"), ["b.csv"]) == {"b.csv": "runs/b.csv"}


@pytest.mark.parametrize(
    ("slot", "names"),
    [(Slot(label="a", path="data.csv"), ["a", "b"]), (Slot(label="a", path="runs/*.csv", kind="glob"), ["b.txt"])],
)
def test_files_that_do_not_fit_are_refused(slot: Slot, names: list[str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        place(slot, names)


def test_table_that_fits_has_no_faults() -> None:
    assert faults_of("YEAR,VALUE,NOTE\n1990,1.5,x\n1991,0,\n") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("YEAR\n1990\n", "t.csv: column VALUE is absent (it has: YEAR)"),
        ("YEAR,VALUE\n1990,-1\n", "t.csv:2: VALUE: expected at least 0 PJ, got -1"),
        ("YEAR,VALUE\n1990.5,1\n", "t.csv:2: YEAR: expected a whole number, got '1990.5'"),
        ("YEAR,VALUE\n1990,nan\n", "t.csv:2: VALUE: expected a finite number, got nan"),
        ("YEAR,VALUE\n1990,1,3\n", "t.csv:2: expected 2 values, got 3"),
        ("YEAR,VALUE\n1989,1\n", "t.csv:2: YEAR: expected at least 1990, got 1989"),
    ],
)
def test_fault_of_a_table_is_told_with_its_line(text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


def test_table_that_is_not_text_is_told_apart() -> None:
    faults = table_faults(COLUMNS, io.BytesIO(b"\xff\xfe\x00"), "t.csv", values=True)
    assert "not UTF-8" in faults[0].message


def test_long_list_of_faults_is_cut_and_says_so() -> None:
    faults = faults_of("YEAR,VALUE\n" + "x,1\n" * 1000)
    assert len(faults) == 21
    assert "only the first" in faults[-1]


def test_header_alone_can_be_checked() -> None:
    assert faults_of("YEAR,VALUE\nx,y\n", values=False) == []


def test_outputs_belong_to_their_declared_label() -> None:
    slots = [
        Slot(label="one", path="a.json"),
        Slot(label="many", path="results", kind="folder"),
        Slot(label="plots", path="*.png", kind="glob"),
    ]
    found = [label_of(slots, path) for path in ("a.json", "results/x/y.csv", "p.png", "other")]
    assert [slot.label if slot else None for slot in found] == ["one", "many", "plots", None]
    assert [fault.path for fault in output_faults(slots, ["a.json", "p.png"])] == ["output/results"]
