"""Workflow files: where faults stand in them, how they are drawn, and the schema that editors read."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from calculation_engine.cli.main import run_command
from calculation_engine.cli.workflow import load_workflow
from calculation_engine.client.document import load_document
from calculation_engine.client.drawing import svg
from calculation_engine.client.graph import arrows, layers, mermaid
from calculation_engine.client.places import Places
from calculation_engine.errors import InvalidInput
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.document import document_schema
from calculation_engine.schemas.workflow import Workflow

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))

WRONG = """\
name: wrong
processes:
- name: a
  module: cbcc
- name: b
  module: cbc
  config:
    model: osemosis
  inputs:
    data: absent.txt
    unknown: {type: inline, text: "x\\ny"}
- name: c
  modul: cbc
components:
- {type: chain, name: x, sequence: [a, b]}
"""

NESTED = {
    "processes": [
        {"name": "end", "module": "m"},
        {"name": "b", "module": "m", "pipes": {"in": {"process": "end", "label": "out"}}},
        {"name": "c", "module": "c", "pipes": {"in": {"process": "b", "label": "out"}}},
        {"name": "d", "module": "m"},
        {"name": "e", "module": "m"},
    ],
    "components": [
        {"type": "chain", "name": "one", "sequence": ["end", "b"]},
        {"type": "group", "name": "two", "group": ["one", "d"]},
        {"type": "loop", "name": "three", "sequence": ["e", "c"], "bridge": {"name": "table"}},
    ],
}


@pytest.mark.parametrize(
    ("path", "line", "column", "own"),
    [
        ("processes[1].config.model", 8, 5, True),
        ("workflow.processes[1].config.model", 8, 5, True),
        ("processes[2].module", 12, 3, False),
        ("components.x.sequence[1]", 15, 40, True),
        ("processes.b.inputs.data", 10, 5, True),
        ("processes[1].config.gap", 7, 3, False),
        ("reuse", 1, 1, False),
    ],
)
def test_path_has_a_place_or_that_of_what_holds_it(path: str, line: int, column: int, own: bool) -> None:
    found = Places(Path("w.yaml"), WRONG).find(path)

    assert found is not None
    place, _, is_own = found
    assert (place.line, place.column, is_own) == (line, column, own)


@given(
    st.dictionaries(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.integers(), min_size=1)
)
@settings(max_examples=50)
def test_every_key_of_a_json_file_is_found_on_its_line(keys: dict[str, int]) -> None:
    text = json.dumps({"config": keys}, indent=1)
    lines = text.splitlines()
    places = Places(Path("w.json"), text)

    for key in keys:
        found = places.find(f"config.{key}")
        assert found is not None
        assert json.dumps(key) in lines[found[0].line - 1]


def test_keys_with_dots_and_recursive_aliases_are_no_trouble() -> None:
    places = Places(Path("w.yaml"), "config: &a\n  x.y:\n    z: 1\n  self: *a\n")

    assert [str(found[0]) for path in ("config.x.y.z", "config.self.self.x.y") if (found := places.find(path))] == [
        "w.yaml:3:5",
        "w.yaml:2:3",
    ]


def test_check_tells_all_faults_with_their_lines_and_stores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CE_DATA_DIR", str(tmp_path / "data"))
    Path("w.yaml").write_text(WRONG)

    assert run_command(["workflow", "check", "w.yaml", "--json"]) == 1
    faults = json.loads(capfd.readouterr().out)["faults"]
    assert [(fault["line"], fault["path"]) for fault in faults] == [
        (4, "processes[0].module"),
        (8, "processes[1].config.model"),
        (10, "processes[1].inputs.data"),
        (11, "processes[1].inputs.unknown"),
        (12, "processes[2].module"),
        (13, "processes[2].modul"),
    ]
    assert faults[0]["hint"] == "did you mean cbc?"

    Path("w.yaml").write_text('processes:\n- {name: a, module: cbc, inputs: {data: "set R;\\n"}}\n')
    assert run_command(["workflow", "check", "w.yaml"]) == 0
    assert capfd.readouterr().err.endswith("w.yaml can run\n")
    assert not [path for path in (tmp_path / "data" / "files").rglob("*") if path.is_file()]


def test_check_without_the_engine_checks_the_language(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("processes:\n- {name: a, module: any}\n- {name: a, module: any}\n")
    script = "import sys; sys.modules['tornado'] = None; from calculation_engine.cli.main import main; main()"
    command = [sys.executable, "-c", script, "workflow", "check", "w.yaml"]

    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert told.returncode == 1, told.stderr
    said = "the name a is used more than once (each needs a name of its own)"
    assert told.stdout == f"w.yaml:2:4: processes[0].name: {said}\nw.yaml:3:4: processes[1].name: {said}\n"
    assert "only the language is checked" in told.stderr


def test_show_tells_each_fault_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("w.yaml").write_text("processes:\n- {name: a, module: m, pipes: {x: {process: b, label: y}}}\n")

    assert run_command(["workflow", "show", "w.yaml"]) == 1
    assert "w.yaml:2:32: processes[0].pipes.x: there is no process b" in capfd.readouterr().err
    Path("w.yaml").write_text("processes: [\n")
    assert run_command(["workflow", "show", "w.yaml"]) == 1
    assert "line 2" in capfd.readouterr().err


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_drawn_in_every_way(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = {process.name for process in load_workflow(file).processes}

    for way in ("text", "mermaid", "svg"):
        assert run_command(["workflow", "show", str(file), "--format", way]) == 0
        drawn = capfd.readouterr().out
        assert all(name in drawn for name in names), way


def test_order_and_pipes_are_arrows() -> None:
    workflow = Workflow.model_validate(NESTED)

    assert layers(workflow) == [["two"], ["three"]]
    assert [(arrow.source, arrow.target, arrow.label, arrow.back) for arrow in arrows(workflow)] == [
        ("end", "b", "in", False),
        ("b", "c", "in", False),
        ("e", "c", "", False),
        ("c", "e", "", True),
    ]
    assert '    subgraph n_one["one: one after the other"]\n      direction LR\n      n_end["end<br/>m"]' in mermaid(
        workflow
    )
    assert '  n_c -.->|"again"| n_e' in mermaid(workflow)


def test_parts_are_drawn_inside_what_holds_them_and_beside_each_other() -> None:
    workflow = Workflow.model_validate(NESTED)
    picture = ET.fromstring(svg(workflow))
    namespace = "{http://www.w3.org/2000/svg}"
    frames = [
        [float(rect.attrib[key]) for key in ("x", "y", "width", "height")] for rect in picture.iter(f"{namespace}rect")
    ]
    named = dict(zip(["two", "one", "end", "b", "d", "three", "e", "c"], frames, strict=True))

    def inside(inner: str, outer: str) -> bool:
        x, y, width, height = named[inner]
        left, top, wide, high = named[outer]
        return left < x and top < y and x + width < left + wide and y + height < top + high

    assert all(inside(*pair) for pair in [("end", "one"), ("b", "one"), ("one", "two"), ("d", "two"), ("c", "three")])
    assert named["end"][0] + named["end"][2] < named["b"][0]
    assert named["one"][1] + named["one"][3] < named["d"][1]
    assert named["two"][0] + named["two"][2] < named["three"][0]
    assert len(list(picture.iter(f"{namespace}path"))) == 1 + len(arrows(workflow))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_examples_name_the_schema_and_fit_it(file: Path) -> None:
    first = file.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    published = json.loads((file.parent / first).read_text())
    catalogue = Catalogue()
    modules = {name: catalogue.get(name) for name in catalogue.names()}
    here = document_schema(
        {
            name: (module.config_schema, [slot.label for slot in module.manifest.inputs])
            for name, module in modules.items()
        }
    )

    for schema in (published, here):
        Draft202012Validator.check_schema(schema)
        assert list(Draft202012Validator(schema).iter_errors(load_document(file))) == []


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        ({"module": "cbc", "config": {"model": "osemosys"}, "inputs": {"data": "x.txt"}}, True),
        ({"module": "cbc", "resources": {"memory": "2GiB", "time_limit": "2h"}, "reuse": "never"}, True),
        ({"workflow": {"processes": [{"name": "a", "module": "cbc"}]}}, True),
        ({"module": "cbc", "config": {"model": "osemosis"}}, False),
        ({"module": "cbc", "inputs": {"unknown": "x.txt"}}, False),
        ({"module": "unknown"}, False),
        ({"processes": [{"name": "a", "module": "cbc", "config": {"nothing": 1}}]}, False),
        ({"processes": [{"name": "a", "module": "cbc"}], "module": "cbc"}, False),
        ({"processes": [{"name": "a", "module": "cbc"}], "config": {}}, False),
        ({"module": "cbc", "resources": {"memory": "much"}}, False),
        ({"module": "cbc", "resources": {"memory": 1}}, False),
    ],
)
def test_schema_with_modules_tells_right_from_wrong(document: dict[str, object], fits: bool) -> None:
    module = Catalogue().get("cbc")
    schema = document_schema({"cbc": (module.config_schema, [slot.label for slot in module.manifest.inputs])})

    assert Draft202012Validator(schema).is_valid(document) is fits


def test_definitions_of_two_modules_do_not_meet() -> None:
    number = {"$defs": {"value": {"type": "number"}}, "properties": {"x": {"$ref": "#/$defs/value"}}}
    text = {"$defs": {"value": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/value"}}}
    validator = Draft202012Validator(document_schema({"one": (number, []), "two": (text, [])}))

    assert validator.is_valid({"module": "one", "config": {"x": 1}})
    assert not validator.is_valid({"module": "two", "config": {"x": 1}})
    assert validator.is_valid({"module": "two", "config": {"x": "1"}})


def test_faults_of_a_file_that_is_no_workflow_have_places(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WRONG)

    with pytest.raises(InvalidInput) as refused:
        load_workflow(tmp_path / "w.yaml")

    assert [(fault.path, fault.place and fault.place.line) for fault in refused.value.faults] == [
        ("processes[2].module", 12),
        ("processes[2].modul", 13),
    ]
