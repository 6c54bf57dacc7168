"""The command line as far as it needs no server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from calculation_engine.cli.assembly import assemble, tags_of
from calculation_engine.cli.main import make_app, run_command
from calculation_engine.errors import InvalidInput

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CE_DATA_DIR", str(tmp_path / "data"))


def commands() -> Iterator[tuple[str, Any]]:
    root = typer.main.get_command(make_app())
    assert isinstance(root, typer.core.TyperGroup)
    for name, command in root.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            for verb, inner in command.commands.items():
                yield f"{name} {verb}", inner
        else:
            yield name, command


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_a_sentence_an_example_and_json(name: str, command: Any) -> None:
    first = (command.help or "").splitlines()[0]
    example = (command.epilog or "").splitlines()[-1]

    assert first.endswith(".")
    assert first.split()[0].rstrip(",") in VERBS
    assert example.startswith(f"Example: calculation-engine {name}")
    assert any("--json" in option.opts for option in command.params)
    assert all(option.envvar for option in command.params if {"--json", "--server", "--token"} & set(option.opts))


VERBS = {
    "Run", "Serve", "Tell", "List", "Show", "Print", "Fetch", "Cancel", "Delete", "Make", "Build", "Save", "Bring",
    "Draw",
}  # fmt: skip


def test_help_imports_nothing_that_takes_long() -> None:
    script = """
import sys
from calculation_engine.cli.main import run_command
code = run_command(["--help"])
heavy = {"pandas", "numpy", "httpx2", "pydantic", "rich", "tornado", "sqlalchemy", "docker"}
print(code, sorted(heavy & set(sys.modules)))
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert told.splitlines()[-1] == "0 []"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--version"], 0, ""),
        (["nonsense"], 1, "No such command"),
        (["job", "show"], 1, "Missing argument"),
        (["job", "list", "--limit", "0"], 1, "--limit"),
        (["job", "list", "--server", "nowhere"], 1, "expected an address"),
        (["job", "list", "--server", UNREACHABLE], 2, "hint: start a server"),
        (
            ["job", "list", "--state", "done"],
            1,
            "--state: expected one of queued, running, succeeded, failed, cancelled",
        ),
        (["job", "list", "--since", "yesterday"], 1, "--since: expected a day or a time, got 'yesterday' (as in 2026"),
        (["job", "list", "--since", "2026-13-01", "--until", "9999-12-31"], 1, "--until: expected a day or a time"),
        (["job", "list", "--tag", "country"], 1, "--tag: expected KEY=VALUE, got 'country' (as in --tag country=NO)"),
        (["run"], 1, "expected a FILE with a workflow, or --module NAME"),
        (["run", "absent.yaml"], 1, "there is no file absent.yaml"),
        (
            ["run", "--module", "cbc", "--set", "model=[osemosys"],
            1,
            "--set model=[osemosys: not readable as YAML: while parsing a flow sequence: expected ',' or ']'",
        ),
        (["run", "--module", "cbc", "--detach"], 1, "--detach needs a server"),
        (["run", "--module", "cbc", "--input", "data", "--server", UNREACHABLE], 1, "--input: expected key=value"),
        (
            ["run", "--module", "cbc", "--input", "data=absent", "--server", UNREACHABLE],
            1,
            "inputs.data: there is no file",
        ),
        (["job", "list", "--server", UNREACHABLE, "--token-file", "absent"], 1, "token file absent: cannot be read"),
        (["module", "new", "Not-a-name"], 1, "module name: expected"),
        (["module", "build"], 1, "expected names of modules, or --all"),
        (["module", "test", "unknown"], 1, "there is no module 'unknown'"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr_with_the_right_exit_code(
    capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    assert run_command(arguments) == code

    output = capfd.readouterr()
    assert told in output.err
    assert "Traceback" not in output.err
    assert code == 0 or output.out == ""


def test_module_whose_manifest_has_faults_fails_its_test_with_all_of_them(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CE_MODULE_PATH", str(tmp_path))
    assert run_command(["module", "new", "broken", "--folder", str(tmp_path)]) == 0
    with (tmp_path / "broken" / "module.yaml").open("a") as file:
        file.write("any_of: [[table, chair]]\nsurprise: 1\n")
    capfd.readouterr()

    assert run_command(["module", "test", "broken", "--json"]) == 1

    [trial] = json.loads(capfd.readouterr().out)
    assert trial["case"] == "module.yaml"
    assert trial["passed"] is False
    assert "surprise" in " ".join(trial["differences"])


def test_debug_shows_where_an_error_happened(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--debug", "run", "absent.yaml"]) == 1

    assert "Traceback" in capfd.readouterr().err


def test_a_wrong_setting_stops_the_start_with_its_name(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CE_PROT", "9000")
    monkeypatch.setenv("CE_ATTEMPTS", "0")

    assert run_command(["serve"]) == 1

    told = capfd.readouterr().err
    assert "CE_PROT" in told
    assert "attempts" in told
    assert "Traceback" not in told


def test_a_wrong_setting_is_a_finding_of_the_doctor(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CE_PORT", "-1")

    assert run_command(["doctor", "--json"]) == 1

    report = json.loads(capfd.readouterr().out)
    assert [finding["what"] for finding in report["findings"] if not finding["fine"]] == ["settings"]


def test_options_change_the_config_of_a_module(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{model: file, limits: {time: 1, gap: 2}}")
    sets = ["limits.gap=1e-4", "region=NO", "years=[2030, 2031]", "new.deep.key=true"]

    document, folder = assemble(None, "cbc", Path("config.yaml"), sets, ["data=sub/x.txt"])

    assert document["config"] == {
        "model": "file",
        "limits": {"time": 1, "gap": 1e-4},
        "region": "NO",
        "years": [2030, 2031],
        "new": {"deep": {"key": True}},
    }
    assert document["inputs"] == {"data": tmp_path / "sub/x.txt"}
    assert folder == Path()


def test_options_reach_a_process_of_a_workflow_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "flow.yaml").write_text("workflow: {processes: [{name: a, module: x}, {name: b, module: y}]}")

    document, folder = assemble(Path("sub/flow.yaml"), None, None, ["b.gap=1"], ["a.data=x.txt"])

    processes = document["workflow"]["processes"]
    assert document["name"] == "flow"
    assert processes[0]["inputs"] == {"data": tmp_path / "x.txt"}
    assert processes[1]["config"] == {"gap": 1}
    assert folder == Path("sub")


@pytest.mark.parametrize(
    ("sets", "told"),
    [(["gap=1"], "begin with a process"), (["a.gap=1", "a.gap.x=2"], "no parts"), (["=1"], "key=value")],
)
def test_an_option_that_names_nothing_is_refused(tmp_path: Path, sets: list[str], told: str) -> None:
    (tmp_path / "flow.yaml").write_text("processes: [{name: a, module: x}, {name: b, module: y}]")

    with pytest.raises(InvalidInput, match=told):
        assemble(Path("flow.yaml"), None, None, sets)


def test_a_file_with_its_own_config_takes_none_beside_it(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("module: cbc")

    with pytest.raises(InvalidInput, match="--config goes with --module"):
        assemble(Path("job.yaml"), None, Path("job.yaml"))


def test_tags_are_keys_and_values() -> None:
    assert tags_of(["country=NO", "note=a=b"]) == {"country": "NO", "note": "a=b"}


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    command = [sys.executable, "-m", "calculation_engine", "doctor", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, told = process.communicate(timeout=60)

    assert told == ""
