"""The catalogue finds folders, tells what is wrong with them, and hashes what determines results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.modules.catalogue import Catalogue

MANIFEST = {
    "name": "square",
    "version": "1.0.0",
    "title": "Squares numbers",
    "licence": "Apache-2.0",
    "source": "https://example.org",
    "shared": ["_sums"],
    "command": ["sh", "{module}/run.sh"],
    "image": {"repository": "calculation-engine/square", "tag": "1.0.0"},
    "outputs": [{"label": "table", "path": "table.csv"}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    module = tmp_path / "square"
    module.mkdir()
    (module / "module.yaml").write_text(yaml.safe_dump(MANIFEST))
    (module / "run.sh").write_text("exit 0\n")
    (tmp_path / "_sums").mkdir()
    (tmp_path / "_sums" / "sums.sh").write_text("# sums\n")
    return tmp_path


def test_folder_with_a_manifest_is_a_module(folder: Path) -> None:
    catalogue = Catalogue([folder])
    assert "square" in catalogue.names()
    assert "_sums" not in catalogue.names()
    assert catalogue.get("square").manifest.title == "Squares numbers"


def test_name_that_is_nearly_right_is_answered_with_the_right_one(folder: Path) -> None:
    with pytest.raises(NotFound) as error:
        Catalogue([folder]).get("sqare")
    assert error.value.hint == "did you mean square?"


@pytest.mark.parametrize("name", ["../square", "_sums", ".", ""])
def test_name_that_is_no_module_name_is_not_looked_up(folder: Path, name: str) -> None:
    with pytest.raises(NotFound):
        Catalogue([folder]).get(name)


def test_all_faults_of_a_manifest_are_told_at_once(folder: Path) -> None:
    wrong = MANIFEST | {"version": 1, "comand": ["x"], "inputs": [{"label": "a", "path": "../a"}]}
    (folder / "square" / "module.yaml").write_text(yaml.safe_dump(wrong))
    with pytest.raises(InvalidInput) as error:
        Catalogue([folder]).get("square")
    assert {fault.path for fault in error.value.faults} == {"version", "comand", "inputs[0].path"}


def test_faults_in_how_inputs_go_together_are_told_at_once(folder: Path) -> None:
    inputs = [
        {"label": "a", "path": "a"},
        {"label": "b", "path": "b", "required": False, "needs": ["c"], "excludes": ["b"]},
    ]
    wrong = MANIFEST | {"inputs": inputs, "any_of": [["a", "b"]], "default_run": True}
    (folder / "square" / "module.yaml").write_text(yaml.safe_dump(wrong))
    with pytest.raises(InvalidInput) as error:
        Catalogue([folder]).get("square")
    told = str(error.value.faults[0])
    for fault in ("any_of[0]: a is required", "b.needs: there is no input c", "b: it names itself", "default_run"):
        assert fault in told


def test_manifest_that_names_another_folder_is_refused(folder: Path) -> None:
    (folder / "square").rename(folder / "cube")
    with pytest.raises(InvalidInput, match="expected 'cube'"):
        Catalogue([folder]).get("cube")


@pytest.mark.parametrize("changed", ["square/run.sh", "square/module.yaml", "_sums/sums.sh"])
def test_change_of_code_changes_the_hash(folder: Path, changed: str) -> None:
    catalogue = Catalogue([folder])
    before = catalogue.get("square").content_hash
    path = folder / changed
    path.write_text(path.read_text() + "# changed\n")
    assert catalogue.get("square").content_hash != before


def test_cases_readme_and_bytecode_do_not_change_the_hash(folder: Path) -> None:
    catalogue = Catalogue([folder])
    before = catalogue.get("square").content_hash
    (folder / "square" / "cases" / "one").mkdir(parents=True)
    (folder / "square" / "cases" / "one" / "case.yaml").write_text("title: one\n")
    (folder / "square" / "README.md").write_text("words\n")
    (folder / "square" / "__pycache__").mkdir()
    (folder / "square" / "__pycache__" / "run.pyc").write_bytes(b"x")
    module = catalogue.get("square")
    assert module.content_hash == before
    assert [path.name for path in module.cases] == ["one"]


def test_edit_that_keeps_the_size_is_noticed(folder: Path) -> None:
    catalogue = Catalogue([folder])
    before = catalogue.get("square").content_hash
    path = folder / "square" / "run.sh"
    path.write_text("exit 1\n")
    os.utime(path, ns=(1, 1))
    assert catalogue.get("square").content_hash != before
