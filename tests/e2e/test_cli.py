"""The command line against a real server, and without one."""

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer

import calculation_engine
from calculation_engine.cli.main import make_app, run_command
from calculation_engine.client import Client, Job
from calculation_engine.errors import InvalidInput, JobFailed, NotFound
from calculation_engine.states import Reason, State
from tests.e2e.cli_place import Place, ce, command, make_modules, read_document, running

LIMIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    make_modules(folder)
    settings = {"CE_MODULE_PATH": str(folder / "modules"), "CE_DATA_DIR": str(folder / "data")}
    with running("serve", "--port", "0", "--json", folder=folder, **settings) as process:
        yield Place(folder, read_document(process)["server"])


@pytest.fixture
def client(place: Place) -> Iterator[Client]:
    with Client(place.url) as client:
        yield client


@pytest.fixture(autouse=True)
def _on_the_server(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("CE_") and not name.startswith("CE_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CE_SERVER", place.url)
    monkeypatch.setenv("CE_MODULE_PATH", str(place.modules))
    monkeypatch.setenv("CE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(place.folder)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.05)


def scale(client: Client, factor: float, **more: Any) -> Job:
    table = pd.DataFrame({"YEAR": [2030, 2031], "VALUE": [0.1, 2.0]})
    return client.solve("scaling", {"factor": factor}, {"table": table}, **more)


def start_slow(client: Client) -> Job:
    job = client.submit(module="slow", config={"factor": 600}, inputs={"table": "VALUE\n1\n"})
    wait_until(lambda: "begun" in job.log())
    return job.refresh()


def examples() -> Iterator[tuple[str, list[str]]]:
    root = typer.main.get_command(make_app())
    for name, one in root.commands.items():  # type: ignore[attr-defined]
        for verb, inner in getattr(one, "commands", {"": one}).items():
            line = inner.epilog.splitlines()[-1].removeprefix("Example: calculation-engine ")
            yield f"{name} {verb}".strip(), shlex.split(line)


EXAMPLES = dict(examples())


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"serve", "engine", "module build", "job cancel"}))
def test_the_example_of_a_command_runs_as_it_stands(
    name: str, client: Client, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = scale(client, 2.0, slot="baseline")
    monkeypatch.chdir(tmp_path)
    root = Path(calculation_engine.__file__).parents[1]
    data = root / "images/_lp/cases/super_simple/data.txt"
    (tmp_path / "examples").symlink_to(root / "examples")
    (tmp_path / "utopia.txt").write_bytes(data.read_bytes())
    monkeypatch.setenv("CE_MODULE_PATH", str(tmp_path / "modules"))
    if name == "module test":
        assert run_command(EXAMPLES["module new"]) == 0
    if name in {"admin backup", "admin restore"}:
        assert run_command(EXAMPLES["admin migrate"]) == 0
    if name == "admin restore":
        assert run_command(EXAMPLES["admin backup"]) == 0
        monkeypatch.setenv("CE_DATA_DIR", str(tmp_path / "restored"))
    if name == "job import":
        assert run_command([job.id if word == "019f0000" else word for word in EXAMPLES["job export"]]) == 0
        job.delete()

    assert run_command([job.id if word == "019f0000" else word for word in EXAMPLES[name]]) == 0


def test_the_example_of_cancelling_cancels(client: Client) -> None:
    job = start_slow(client)

    assert run_command([job.id if word == "019f0000" else word for word in EXAMPLES["job cancel"]]) == 0

    assert job.wait(LIMIT_SECONDS).state is State.CANCELLED


@pytest.mark.parametrize("name", ["serve", "engine"])
def test_the_example_of_a_server_runs_until_it_is_stopped(name: str, tmp_path: Path) -> None:
    with running(*EXAMPLES[name], "--json", folder=tmp_path, CE_DATA_DIR=str(tmp_path / "own")) as process:
        told = read_document(process)

        assert told["engine"] is True
        assert bool(told["server"]) == (name == "serve")
    assert process.returncode == 0


@pytest.mark.needs("docker")
def test_the_example_of_building_builds_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CE_MODULE_PATH", str(tmp_path / "modules"))
    assert run_command(EXAMPLES["module new"]) == 0
    capfd.readouterr()

    assert run_command([*EXAMPLES["module build"], "--json"]) == 0

    first = json.loads(capfd.readouterr().out)["heat_pump"]
    assert first["image"].startswith("calculation-engine/heat_pump:1.0.0@sha256:")
    assert run_command(EXAMPLES["module build"]) == 0
    assert capfd.readouterr().out.splitlines()[1].split() == ["heat_pump", first["image"], "up", "to", "date"]
    assert run_command([*EXAMPLES["module build"], "nothing", "--force", "--json"]) == 1  # the image that can is built
    told = capfd.readouterr()
    assert json.loads(told.out)["heat_pump"]["new"] is True
    assert "Using cache" not in told.err
    assert "[1/2] heat_pump: building the image calculation-engine/heat_pump:1.0.0" in told.err
    assert re.search(r"^\[1/2\] heat_pump 1/\d+: FROM python:3.12-slim$", told.err, re.MULTILINE)
    assert "nothing: there is no module 'nothing'" in told.err


def test_a_table_goes_in_and_a_table_comes_out(client: Client) -> None:
    job = scale(client, 3.0, name="scaled")

    table = job.results["scaled"]
    assert table["VALUE"].to_list() == pytest.approx([0.3, 6.0], rel=1e-12)  # three correctly rounded operations
    assert job.results["totals"]["sum"] == pytest.approx(6.3, rel=1e-12)
    assert job.name == "scaled"
    assert "succeeded" in job._repr_html_()


def test_all_faults_of_a_job_come_back_at_once(client: Client) -> None:
    with pytest.raises(InvalidInput) as caught:
        client.submit(module="scaling", config={"facto": 1}, inputs={"tables": b"x"})

    paths = [fault.path for fault in caught.value.faults]
    assert {"config", "inputs.tables", "inputs.table"} <= set(paths)


@pytest.mark.parametrize("word", ["", "..", "nothing"])
def test_word_that_is_no_id_is_no_job(client: Client, word: str) -> None:
    with pytest.raises(NotFound, match="there is no job"):
        client.job(word)


def test_a_run_shows_progress_fetches_results_and_says_where(place: Place, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("module: scaling\nconfig: {factor: 4}\ninputs: {table: table.csv}\n")
    (tmp_path / "table.csv").write_text("VALUE\n1\n")

    done = ce("run", "job.yaml", "--set", "factor=5", "--tag", "country=NO", folder=tmp_path, CE_SERVER=place.url)

    assert done.returncode == 0, done.stderr
    results = tmp_path / done.stdout.splitlines()[-1].removeprefix("results: ")
    assert (results / "scaling/output/scaled.csv").read_text().split() == ["VALUE", "5.0"]
    assert json.loads((results / "job.json").read_text())["name"] == "job"
    assert (results / "log.txt").is_file()
    assert "scaling: succeeded" in done.stderr
    listed = ce("job", "list", "--tag", "country=NO", "--json", folder=tmp_path, CE_SERVER=place.url)
    assert [job["name"] for job in json.loads(listed.stdout)] == ["job"]


def test_a_sweep_reads_its_design_from_a_file_beside_the_document(place: Place, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("VALUE\n1\n")
    process = "{name: scaling, module: scaling, config: {factor: 1}, inputs: {table: table.csv}}"
    sweep = "{type: sweep, name: scan, component: scaling, design: {type: table, file: points.csv}}"
    document = f"processes: [{process}]\ncomponents: [{sweep}]\n"

    (tmp_path / "sweep.yaml").write_text(document.replace("module: scaling", "module: scalin"))
    refused = ce("run", "sweep.yaml", folder=tmp_path, CE_SERVER=place.url)
    (tmp_path / "points.csv").write_text("scaling.config.factor\n2\n3\n")
    (tmp_path / "sweep.yaml").write_text(document)
    done = ce("run", "sweep.yaml", "--output", "out", folder=tmp_path, CE_SERVER=place.url)

    assert refused.returncode == 1
    assert "components[0].design.file: there is no file points.csv" in refused.stderr
    assert "processes[0].module: there is no module 'scalin'" in refused.stderr
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "out/scan/table.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines] == ["scaling.config.factor", "2", "3"]


def test_a_failed_run_says_why_and_how_to_see_the_rest(place: Place, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("VALUE\n1\n")
    arguments = ("--module", "slow", "--set", "factor=0.1", "--input", "table=table.csv")

    done = ce("run", *arguments, folder=tmp_path, CE_SERVER=place.url)

    assert done.returncode == 1
    assert done.stdout.startswith("failed ")
    for told in ("--- last lines of slow\nbegun", "module_error, exit code 1", "calculation-engine job log", place.url):
        assert told in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_detached_run_is_followed_by_its_log(place: Place, client: Client, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("VALUE\n1\n")
    arguments = ("--module", "slow", "--set", "factor=1", "--input", "table=table.csv", "--detach")
    job_id = ce("run", *arguments, folder=tmp_path, CE_SERVER=place.url).stdout.strip()

    followed = ce("job", "log", job_id, "--follow", folder=tmp_path, CE_SERVER=place.url)

    assert followed.stdout == "begun\n"
    assert client.job(job_id).reason is Reason.MODULE_ERROR


def test_ctrl_c_cancels_the_job(place: Place, client: Client, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("VALUE\n1\n")
    arguments = (
        "run",
        "--module",
        "slow",
        "--input",
        "table=table.csv",
        "--set",
        "factor=600",
        "--name",
        "interrupted",
    )
    line, options = command(*arguments, folder=tmp_path, CE_SERVER=place.url)
    with subprocess.Popen(line, **options) as process:
        wait_until(lambda: any("begun" in job.log() for job in client.jobs(name="interrupted")))
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=LIMIT_SECONDS)

    assert process.returncode == 1
    assert "cancelling the job" in told
    assert [job.state for job in client.jobs(name="interrupted")] == [State.CANCELLED]


def test_a_job_that_ran_without_a_server_is_found_later(tmp_path: Path) -> None:
    make_modules(tmp_path)
    settings = {"CE_DATA_DIR": str(tmp_path / "data"), "CE_MODULE_PATH": str(tmp_path / "modules")}
    arguments = (
        "--module",
        "scaling",
        "--input",
        "table=table.csv",
        "--set",
        "factor=2",
        "--json",
        "--output",
        "first",
    )

    run = json.loads(ce("run", *arguments, folder=tmp_path, **settings).stdout)
    listed = json.loads(ce("job", "list", "--json", folder=tmp_path, **settings).stdout)
    again = ce("job", "results", run["job"]["id"][:20], "--output", "again", folder=tmp_path, **settings)

    assert run["job"]["state"] == "succeeded"
    assert [job["id"] for job in listed] == [run["job"]["id"]]
    assert again.returncode == 0, again.stderr
    first, second = (tmp_path / name / "scaling/output/scaled.csv" for name in ("first", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_a_workflow_runs_in_this_process_and_its_tables_outlive_it(place: Place, tmp_path: Path) -> None:
    settings = {"data_dir": tmp_path / "data", "module_path": [place.modules]}
    table = pd.DataFrame({"VALUE": [1.0, 2.0]})
    inputs = {"table": table}

    job = calculation_engine.run(module="scaling", config={"factor": 2}, inputs=inputs, settings=settings)
    with pytest.raises(JobFailed, match="module_error"):
        calculation_engine.run(module="slow", config={"factor": 0.1}, inputs=inputs, settings=settings)

    assert job.state is State.SUCCEEDED
    assert job.results["scaled"]["VALUE"].to_list() == [2.0, 4.0]


def test_an_api_without_engine_leaves_its_jobs_to_an_engine_without_api(place: Place, tmp_path: Path) -> None:
    settings = {"CE_DATA_DIR": str(tmp_path / "data"), "CE_MODULE_PATH": str(place.modules)}
    arguments = ("serve", "--port", "0", "--no-engine", "--json")
    with (
        running(*arguments, folder=tmp_path, **settings) as process,
        Client(read_document(process)["server"]) as client,
    ):
        job = client.submit(module="scaling", config={"factor": 2}, inputs={"table": "VALUE\n1\n"})
        assert job.wait(timeout=1.0).state is State.QUEUED
        with running("engine", "--json", folder=tmp_path, **settings):
            assert job.wait(timeout=LIMIT_SECONDS).state is State.SUCCEEDED


def test_a_module_that_breaks_its_promise_fails_its_test(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["module", "test", "slow", "--case", "scaled", "--json"]) == 1

    [trial] = json.loads(capfd.readouterr().out)
    assert trial["passed"] is False
    assert "status.yaml code: expected 200, got 500" in trial["differences"][0]


def test_why_names_the_config_value_that_changed(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    scale(client, 11.0)
    job = scale(client, 12.0)
    again = scale(client, 12.0)

    assert run_command(["job", "why", job.id]) == 0
    assert run_command(["job", "why", again.id, "--step", "scaling"]) == 0

    told, reused = capsys.readouterr().out.splitlines()
    assert told.startswith("scaling  computed: config.factor: 11.0 → 12.0; last run: step scaling of job ")
    assert reused.startswith("scaling  reused: ")
    assert [why.outcome for why in again.why()] == ["reused"]


def test_jobs_are_listed_by_state_time_tag_and_slot(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    table, day = {"table": "VALUE\n1\n"}, datetime.now().astimezone()
    old = scale(client, 21.0, name="listed", slot="listed")
    new = client.solve("scaling", {"factor": 22.0}, table, name="listed", slot="listed", tags={"kind": "new"})
    yesterday, today = (day - timedelta(days=1)).date().isoformat(), day.date().isoformat()

    def listed(*options: str) -> list[str]:
        assert run_command(["job", "list", "--name", "listed", "--json", *options]) == 0
        return [job["id"] for job in json.loads(capsys.readouterr().out)]

    assert listed("--slot", "listed", "--since", yesterday, "--until", today) == [new.id, old.id]
    assert listed("--since", f"{new.summary.created}") == [new.id]
    assert listed("--until", yesterday) == []
    assert listed("--state", "failed", "--state", "succeeded", "--tag", "kind=new", "--owner", "local") == [new.id]
    assert listed("--state", "failed", "--state", "cancelled") == listed("--owner", "eve") == []
    assert run_command(["slot", "show", "listed"]) == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:]] == [new.short_id] * 2
    assert "listed" in [slot.name for slot in client.slots()]


def test_run_with_a_wrong_word_for_reuse_is_refused(place: Place) -> None:
    table = str(place.folder / "table.csv")
    line = ["run", "--module", "scaling", "--input", f"table={table}", "--set", "factor=1"]
    refused = ce(*line, "--reuse", "sometimes", folder=place.folder, CE_SERVER=place.url)

    assert refused.returncode == 1
    assert "reuse.mode: Input should be 'results', 'never' or 'verify', got 'sometimes'" in refused.stderr
