"""``docker compose up``: what a person with a clone and Docker has, from the real Dockerfiles, seen from outside."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from benchmarks.images import measured
from calculation_engine.client import Client
from calculation_engine.client.job import Job
from calculation_engine.states import State
from tests.e2e.stack import ROOT, Stack, environment, make_modules, stack
from tests.e2e.test_coupled import EXAMPLE, exchange_tables, run_file

pytestmark = [pytest.mark.needs("compose"), pytest.mark.timeout(900)]

TABLE = "REGION,VALUE\nnorth,1\nsouth,2\n"
STATUS = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -q '[e]ngine serve' && cat $p/status; done; true"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    with stack(folder) as made:
        make_modules(folder)
        made.up()
        yield made
        if shutil.which("docker"):
            for name in ("eos_demo", "user_demo", "slow_demo"):
                subprocess.run(
                    ["docker", "image", "rm", "--force", f"calculation-engine/{name}:1.0.0"],
                    capture_output=True,
                    check=False,
                )


@pytest.fixture
def client(running: Stack) -> Iterator[Client]:
    with Client(running.url) as client:
        yield client


def slow_job(client: Client, seconds: float) -> Job:
    inputs = {"table": {"type": "inline", "text": TABLE}}
    job = client.submit({"module": "slow_demo", "config": {"factor": seconds}, "inputs": inputs})
    while job.refresh().state is State.QUEUED:
        pass
    return job


def test_healthy_stack_is_ready_and_builds_the_images_of_all_modules(running: Stack, client: Client) -> None:
    assert httpx2.get(f"{running.url}/readyz").json()["ready"]
    names = {module["name"] for module in client.modules()}
    assert {"cbc", "glpk", "highs", "ogcore", "eos_demo"} <= names
    assert "jupyterlab" not in names


def test_engine_is_nobody_and_has_no_capability(running: Stack) -> None:
    of_server = running.inside("ce", "sh", "-c", STATUS, user="root").stdout
    assert "Uid:\t10001" in of_server
    for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert f"{kind}:\t0000000000000000" in of_server
    assert "NoNewPrivs:\t1" in of_server


@pytest.mark.parametrize(
    ("service", "target", "port", "reached"),
    [("jupyterlab", "ce", 8081, True), ("jupyterlab", "db", 3306, False), ("ce", "db", 3306, True)],
)
def test_jupyterlab_reaches_the_api_and_not_the_database(
    running: Stack, service: str, target: str, port: int, reached: bool
) -> None:
    found = running.inside(service, "python", "-c", CONNECT, target, str(port), user="10001")
    assert (found.returncode == 0) is reached, found.stderr


def test_only_the_api_and_jupyterlab_are_published_and_on_the_loopback_alone(running: Stack) -> None:
    lines = running.compose("ps", "--format", "json").stdout.splitlines()
    published = {
        (one["Service"], place["URL"])
        for one in map(json.loads, lines)
        for place in one["Publishers"] or ()
        if place["URL"]
    }
    assert published == {("ce", "127.0.0.1"), ("jupyterlab", "127.0.0.1")}


def test_jupyterlab_asks_for_its_token_which_its_log_tells(running: Stack) -> None:
    url = f"http://127.0.0.1:{running.ports[1]}/api/contents"
    token = running.logs("jupyterlab").partition("lab?token=")[2].split()[0]
    assert httpx2.get(url).status_code == 403
    assert httpx2.get(url, params={"token": token}).status_code == 200


def test_server_that_others_can_reach_does_not_start_without_tokens(running: Stack) -> None:
    done = running.compose("run", "--rm", "--no-deps", "-e", "CE_PUBLISHED_HOST=0.0.0.0", "ce", check=False)
    assert done.returncode == 1
    assert "tokens_file" in done.stdout + done.stderr


def test_no_job_runs_as_a_process_beside_the_engine(running: Stack) -> None:
    answer = httpx2.put(f"{running.url}/api/job", json={"module": "cbc", "executor": "local"})
    assert answer.status_code == 422
    assert "no job runs on an executor 'local' here" in answer.text


@pytest.fixture(scope="module")
def coupled(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the results of the coupled job, which has run through the published port."""
    output = tmp_path_factory.mktemp("coupled") / "results"
    ce = [str(ROOT / ".venv/bin/calculation-engine"), "run", str(EXAMPLE), "--server", running.url]
    done = subprocess.run(
        [*ce, "--output", str(output)], env=environment(), capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return output


def test_coupled_job_through_the_published_port_gives_what_local_processes_give(coupled: Path, tmp_path: Path) -> None:
    local = exchange_tables(run_file(EXAMPLE, tmp_path / "local", tmp_path / "data"))
    there = exchange_tables(coupled)
    assert local.keys() == there.keys()
    for path, values in local.items():
        assert there[path] == pytest.approx(values, rel=1e-8), path


def outputs_in_jupyterlab(running: Stack, name: str) -> list[dict[str, Any]]:
    """Run a notebook where a person would, and return what its cells show."""
    user = str((ROOT / "notebooks").stat().st_uid or 10001)
    line = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--stdout", f"notebooks/{name}.ipynb"]
    done = running.inside("jupyterlab", *line, user=user, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    cells = json.loads(done.stdout)["cells"]
    return [output for cell in cells if cell["cell_type"] == "code" for output in cell["outputs"]]


def shown(outputs: list[dict[str, Any]], kind: str) -> list[str]:
    found = [
        output.get("data", {}).get(kind, output.get("text") if kind == "text/plain" else None) for output in outputs
    ]
    return ["".join(each) for each in found if each is not None]


def test_notebook_of_the_coupled_job_shows_it_in_jupyterlab_without_computing_it_again(
    running: Stack, coupled: Path, client: Client
) -> None:
    outputs = outputs_in_jupyterlab(running, "og_clews")
    assert len(shown(outputs, "image/png")) == 4
    assert any(re.search(r"converged after [2-5] evaluations", text) for text in shown(outputs, "text/plain"))
    table = next(text for text in shown(outputs, "text/html") if "total discounted cost" in text)
    assert "GDP at base prices 2014" in table
    job = client.jobs(name="CLEWS and OG-Core", limit=1)[0]
    models = [step for step in job.steps if step.module in {"cbc", "ogcore"}]
    assert len(models) >= 6
    assert [step.path for step in models if not step.reused_from] == []


def test_notebook_of_plain_requests_runs_in_jupyterlab(running: Stack) -> None:
    outputs = outputs_in_jupyterlab(running, "examples")
    texts = shown(outputs, "text/plain")
    assert "'total discounted cost: 29446.86'" in texts
    assert any("status 200: optimal: objective 29446.8626904" in text for text in texts)
    assert "('succeeded', 2.04841" in "".join(texts)
    assert any("config.model" in table for table in shown(outputs, "text/html"))
    assert len(shown(outputs, "image/png")) == 1


def test_notebook_of_stars_runs_in_jupyterlab(running: Stack) -> None:
    outputs = outputs_in_jupyterlab(running, "eos_tov")
    table = next(text for text in shown(outputs, "text/html") if "stars.maximum_mass" in text)
    assert "2.0484" in table
    assert len(shown(outputs, "image/png")) == 1


def test_every_notebook_is_run_by_a_test_of_this_file() -> None:
    run = set(re.findall(r'outputs_in_jupyterlab\(running, "(\w+)"\)', Path(__file__).read_text()))
    assert run == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_images_are_small_and_modules_run_as_nobody(running: Stack) -> None:
    found = {image.name.split("/")[1].split(":")[0]: image for image in measured()}
    assert {"ce", "jupyterlab", "cbc", "ogcore"} <= found.keys()
    for solver in {"cbc", "glpk", "highs"} & found.keys():
        assert found[solver].own_mb <= 60
    assert found["ogcore"].own_mb <= 600
    assert {found[name].user for name in ("cbc", "ogcore")} == {"65534:65534"}


def test_job_goes_on_while_its_engine_is_stopped_restarted_and_taken_down(running: Stack, client: Client) -> None:
    job = slow_job(client, 30)
    running.compose("restart", "ce")
    running.compose("stop")
    running.compose("start")
    running.compose("down")
    running.up()
    ended = client.job(job.id).wait(200)
    assert ended.state is State.SUCCEEDED, ended.message
    assert [step.attempt for step in ended.steps] == [1]


def test_passwords_are_made_once_and_read_by_the_engine_and_the_database_alone(running: Stack) -> None:
    first = running.inside("ce", "cat", "/secrets/database").stdout
    assert len(first.rpartition(":")[2].partition("@")[0]) == 32
    assert running.inside("ce", "cat", "/secrets/root").returncode != 0
    assert running.inside("jupyterlab", "ls", "/secrets", user="root").returncode != 0
    assert first.strip() not in running.compose("config").stdout
    assert first.strip() not in "".join(running.logs(service) for service in ("ce", "db", "jupyterlab"))


def script(running: Stack, *line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        line,
        cwd=folder,
        env=environment() | {"CE_SERVER": running.url} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


MUSES_CLI = str(ROOT / "scripts/muses_cli")


def test_muses_cli_chains_two_modules_by_their_common_label(running: Stack, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "config.yaml").write_text("factor: 3\n")
    (tmp_path / "table.csv").write_text(TABLE)
    options = ["--eos-module", "eos_demo", "--input", "inputs/config.yaml", "--user-module", "user_demo"]
    options += ["--eos-file", "table=table.csv", "--output", "out"]
    done = script(running, MUSES_CLI, *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    totals = json.loads((tmp_path / "out/user_demo/output/totals.json").read_text())
    assert totals["sum"] == pytest.approx(9)
    shown = script(running, MUSES_CLI, "--help", folder=tmp_path)
    assert "eos_demo" in shown.stdout
    assert "reads table; writes table, totals" in shown.stdout


def test_muses_cli_makes_stars_of_an_equation_of_state(running: Stack, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "config.yaml").write_text("fit: SLy\n")
    options = ["--eos-module", "eos", "--input", "inputs/config.yaml", "--user-module", "tov"]
    done = script(running, MUSES_CLI, *options, "--output", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    maximum = json.loads((tmp_path / "out/tov/output/summary.json").read_text())["maximum"]
    assert maximum["mass_solar"] == pytest.approx(2.048411, abs=1e-5)


API = """
set -euo pipefail
. "$API"
id=$(job_create '{"module": "eos_demo", "config": {"factor": 3}}' table=table.csv)
job_wait_for_status "$id" succeeded 200
job_log "$id" | grep -q '^2 rows, their sum is 9$'
job_results "$id" | grep -qx eos_demo/output/scaled.csv
job_results "$id" eos_demo/output/scaled.csv | grep -q 'south,6'
job_results "$id" all.zip && unzip -l all.zip | grep -q eos_demo/output/totals.json
slow=$(job_create '{"module": "slow_demo", "config": {"factor": 600}}' table=table.csv)
job_wait_for_status "$slow" running 200
job_kill "$slow"
job_wait_for_status "$slow" cancelled 60
! job_wait_for_status "$slow" succeeded 60 2>why && grep -q "cancelled, not succeeded" why
! job_status nothing 2>why && grep -q "there is no job" why
"""


def test_bash_functions_run_and_end_jobs(running: Stack, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    commands = API.replace("unzip -l", "python3 -m zipfile -l")
    done = script(running, "bash", "-c", commands, folder=tmp_path, API=str(ROOT / "scripts/api.sh"))
    assert done.returncode == 0, done.stderr
