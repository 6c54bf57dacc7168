from __future__ import annotations

import json
import subprocess
import sys

import pytest

from calculation_engine.bridges.__main__ import run_pass
from calculation_engine.bridges.registry import bridge_names, get_bridge_class, make_bridge
from calculation_engine.errors import InvalidInput, NotFound

TABLE = {"into": {"input": "x"}, "out_of": {"output": "y"}, "start": [{"variable": "p", "value": 1.5, "unit": "EUR"}]}


def test_every_bridge_folder_is_found_by_its_name():
    assert {"og_clews", "table"} <= set(bridge_names())
    assert all(get_bridge_class(name).name == name for name in bridge_names())


def test_an_unknown_bridge_is_refused_with_those_that_are_there():
    with pytest.raises(NotFound, match="og_clews, table"):
        make_bridge("steam", {})


def test_faults_of_a_config_are_told_with_their_paths():
    with pytest.raises(InvalidInput) as error:
        make_bridge("table", {"into": {"input": "x", "colums": {}}, "start": [{"variable": "p", "value": "much"}]})
    told = str(error.value)
    assert "bridge.config.into.colums: there is no such field" in told
    assert "bridge.config.out_of: required, but absent" in told
    assert "bridge.config.start[0].value" in told


def test_a_pass_is_a_command_that_writes_its_status(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input/config.yaml").write_text(json.dumps(TABLE))
    ran = subprocess.run(
        [sys.executable, "-m", "calculation_engine.bridges", "table", "start"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "output/status.yaml").read_text())["code"] == 200
    assert (tmp_path / "output/exchange.csv").read_text() == "variable,index,value,unit,group\np,,1.5,EUR,\n"
    assert "1 exchange variables" in ran.stdout


def run(folder, name, config=TABLE):
    (folder / "input").mkdir(exist_ok=True)
    (folder / "output").mkdir(exist_ok=True)
    (folder / "input/config.yaml").write_text(json.dumps(config))
    return run_pass("table", name, folder / "input", folder / "output")


def test_a_fault_of_the_input_is_code_400_with_the_fault(tmp_path):
    (tmp_path / "input").mkdir()
    (tmp_path / "input/asked.csv").write_text("variable,index,value,unit,group\np,,nan,EUR,\n")
    status = run(tmp_path, "ask")
    assert status.code == 400
    assert "asked.csv, line 2" in status.message


def test_an_unknown_pass_is_code_404(tmp_path):
    assert run(tmp_path, "sing").code == 404


def test_a_fault_of_the_bridge_itself_is_code_500_and_no_exception(tmp_path, capsys):
    (tmp_path / "input").mkdir()
    (tmp_path / "input/config.yaml").write_text("no json")
    status = run_pass("table", "start", tmp_path / "input", tmp_path)
    assert status.code == 500
    assert "Traceback" in capsys.readouterr().err
