"""Every way in which a job can end has its state, reason and a sentence that helps, and leaves nothing behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from calculation_engine.engine.running.ledger import Ledger
from calculation_engine.errors import InvalidInput, Stale
from calculation_engine.modules.cases import load_case
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.states import Reason, State
from tests.integration.conftest import System, make_parts
from tests.integration.place import EXECUTORS, Place, open_place, until

CATALOGUE = Catalogue()
EVERYWHERE = pytest.mark.parametrize("executor", EXECUTORS)
MODEL = "var x >= 1;\nminimize z: x;\n{statement};\nsolve;\nend;\n"
LONG = "check{i in 1..30000, j in 1..30000}: i + j > 0"
LARGE = "param p{i in 1..100000000} := i; check sum{i in 1..100000000} p[i] > 0"
WRITING = 'printf{i in 1..1000000000} "%0100d", i > "large.txt"'
PRINTING = 'printf{i in 1..1000000000} "%0100d\\n", i'

ENDINGS = {
    "infeasible": (Reason.NO_SOLUTION, r"these constraints conflict: meet_demand.*relax meet_demand by 4"),
    "unbounded": (Reason.NO_SOLUTION, r"improves for ever along sold, bought; give it a limit or a cost"),
    "syntax_error": (Reason.INPUT_INVALID, r"^model\.txt, line 5: syntax error .*it stands after: .* x \+ 2 \* y s\.t"),
    "missing_data": (Reason.INPUT_INVALID, r"^model\.txt, line 4: .*cost has no value for \[gas\]: add it to the data"),
    "wrong_column": (
        Reason.INPUT_INVALID,
        r"^csv/CapitalCost\.csv: expected the columns .*, got .*: rename or reorder",
    ),
}
LIMITS = {
    "time": (LONG, {"time_limit": "1s"}, Reason.TIME_LIMIT, r"1 s.*; raise resources\.time_limit, or"),
    "memory": (LARGE, {"memory": "100MiB"}, Reason.OUT_OF_MEMORY, r"memory.*; raise resources\.memory, or"),
    "disk": (WRITING, {"disk": "20MiB"}, Reason.DISK_LIMIT, r"; raise resources\.disk, or let"),
    "log": (PRINTING, {"log": "1MiB"}, Reason.DISK_LIMIT, r"log.*; raise resources\.log, or let"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("endings") / "data", steps_at_once=1) as place:
        yield place


@pytest.fixture(autouse=True)
def nothing_left(place: Place) -> Iterator[None]:
    """See after each test that there is what there was before."""
    before = place.everything()
    yield
    until(lambda: place.everything() == before, 20)


@EVERYWHERE
@pytest.mark.parametrize("name", ENDINGS)
def test_a_model_that_has_no_answer_is_told_apart(place: Place, executor: str, name: str) -> None:
    case = load_case(next(folder for folder in CATALOGUE.get("glpk").cases if folder.name == name))
    inputs = {label: case.folder / path for label, path in case.content.inputs.items()}
    reason, message = ENDINGS[name]

    job = place.run("glpk", executor=executor, config=case.content.config, inputs=inputs)

    assert (job.state, job.reason) == (State.FAILED, reason)
    assert re.search(message, job.message), job.message
    assert job.steps[0].exit_code == 1
    assert (job.steps[0].verdict or {}).get("status") == case.content.expect.verdict
    assert job.failure().faults[0].message.startswith(str(reason))


@EVERYWHERE
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_passed_is_told_with_what_to_do(place: Place, executor: str, name: str) -> None:
    statement, resources, reason, message = LIMITS[name]

    job = place.run("glpk", executor=executor, resources=resources, inputs={"model": MODEL.format(statement=statement)})

    assert (job.state, job.reason) == (State.FAILED, reason), job.message
    assert re.search(message, job.message), job.message


@EVERYWHERE
def test_outputs_that_are_found_too_large_at_the_end_are_over_the_limit(place: Place, executor: str) -> None:
    """So large a file is written before anybody looks, and it does not use the disk that it claims."""
    statement = 'printf{i in 1..2000} "%0100d", i > "large.txt"'

    job = place.run(
        "glpk", executor=executor, resources={"disk": "100kB"}, inputs={"model": MODEL.format(statement=statement)}
    )

    assert (job.state, job.reason) == (State.FAILED, Reason.DISK_LIMIT), job.message
    assert re.search(r"; raise resources\.disk, or let", job.message), job.message
    assert job.results.names == []


@EVERYWHERE
def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(place: Place, executor: str) -> None:
    running = place.submit("probe", executor=executor, config={"sleep": 600, "note": "runs"})
    waiting = place.submit("probe", executor=executor, config={"sleep": 600, "note": "waits"})
    until(lambda: "50%" in running.log())

    waiting.cancel().wait(20)
    running.cancel().wait(20)

    for job, attempts, word in ((waiting, 0, "before it started"), (running, 1, "on request")):
        assert (job.state, job.reason) == (State.CANCELLED, Reason.CANCELLED)
        assert job.steps[0].attempt == attempts
        assert word in job.steps[0].message


TEXT = {"type": "inline", "text": "x"}
REFUSALS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown module": ({"module": "glpc"}, "module", r"no module 'glpc' \(did you mean glpk\?\)"),
    "unknown executor": (
        {"module": "glpk", "executor": "moon", "inputs": {"data": TEXT}},
        "executor",
        r"there are: docker, local",
    ),
    "unknown input": (
        {"module": "glpk", "inputs": {"data": TEXT, "dat": TEXT}},
        "inputs.dat",
        r"no such input \(the module glpk has: data, model",
    ),
    "absent upload": (
        {"module": "glpk", "inputs": {"data": {"type": "upload", "uuid": "0" * 32}}},
        "inputs.data",
        r"no upload 0000",
    ),
    "absent part": (
        {"module": "glpk", "inputs": {"data": {"type": "part", "name": "data"}}},
        "inputs.data",
        r"no such part \(send the files as multipart",
    ),
    "absent result": (
        {"module": "glpk", "inputs": {"data": {"type": "job", "uuid": "0" * 32, "path": "a"}}},
        "inputs.data",
        r"no job 0000.* \(`ce job list` shows",
    ),
    "absent file": ({"module": "glpk", "inputs": {"data": "no.txt"}}, "inputs.data", r"there is no file no\.txt"),
    "unreadable limit": (
        {"module": "glpk", "resources": {"memory": "lots"}, "inputs": {"data": TEXT}},
        "resources.memory",
        r'expected bytes, or a number with a unit as in "500MB", "2GiB", got .lots',
    ),
    "unknown field": (
        {"module": "glpk", "config": {"modle": "x"}, "inputs": {"data": TEXT}},
        "config",
        r"no such field: modle \(known: .*model",
    ),
    "no input": ({"module": "glpk"}, "inputs", r"give at least one of data, csv, .*MathProg data file"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_job_that_can_never_run_is_refused_with_its_fault_and_is_not_stored(place: Place, name: str) -> None:
    body, path, message = REFUSALS[name]
    jobs = len(place.client.jobs())

    with pytest.raises(InvalidInput) as refused:
        place.client.submit(body)

    [fault] = refused.value.faults
    assert fault.path == path
    assert re.search(message, str(fault)), str(fault)
    assert len(place.client.jobs()) == jobs


@pytest.mark.needs("docker")
def test_an_image_that_is_absent_and_may_not_be_built_is_asked_for_by_its_command(tmp_path: Path) -> None:
    module = tmp_path / "modules" / "absent"
    module.mkdir(parents=True)
    (module / "Dockerfile").write_text("FROM python:3.12-slim\n")
    (module / "module.yaml").write_text(
        'name: absent\nversion: "1"\ntitle: Never built\nlicence: Apache-2.0\nsource: here\ncommand: ["true"]\n'
        'image: {repository: calculation-engine/never-built, tag: "1"}\n'
    )
    settings = {"executors": {"docker": {"build_missing": False}}, "module_path": [module.parent]}
    with open_place(tmp_path / "data", **settings) as place:
        job = place.run("absent", executor="docker")

        assert (job.state, job.reason) == (State.FAILED, Reason.IMAGE_MISSING)
        assert "calculation-engine/never-built:1" in job.message
        assert "ce module build absent" in job.message
        until(lambda: place.everything() == [])


def test_a_local_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    module = tmp_path / "modules" / "broken"
    module.mkdir(parents=True)
    (module / "requirements.txt").write_text("/nowhere/no_such_package.whl\n")
    (module / "module.yaml").write_text(
        'name: broken\nversion: "1"\ntitle: Cannot be installed\nlicence: Apache-2.0\nsource: here\npython: "3.12"\n'
        "requirements: requirements.txt\ncommand: [python, run.py]\n"
        'image: {repository: calculation-engine/broken, tag: "1"}\n'
    )
    with open_place(tmp_path / "data", module_path=[module.parent]) as place:
        job = place.run("broken", executor="local")

        assert (job.state, job.reason) == (State.FAILED, Reason.ENVIRONMENT_FAILED)
        assert "no_such_package" in job.message
        assert "check the module's lock file" in job.message
        until(lambda: place.everything() == [])


@EVERYWHERE
def test_a_result_outlives_an_engine_that_dies_between_taking_it_and_writing_it_down(
    tmp_path: Path, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = make_parts(tmp_path / "data")
    first = parts.engine()
    system = System(parts, first)
    written = Event()

    def die(*_: object) -> bool:
        written.set()
        raise Stale("this engine is no more")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "end", die)
        first.start()
        job_id = system.submit({"module": "probe", "executor": executor})
        assert written.wait(60)
        first.stop()
    second = parts.engine()
    second.start()

    job = System(parts, second).ended(job_id)

    assert (job.state, job.message) == (State.SUCCEEDED, "as told")
    assert system.read(job_id, "probe/table.csv") == "VALUE\n1\n"
    assert system.steps(job_id)[0].attempt == 1
    until(lambda: list((tmp_path / "data" / "work").iterdir()) == [])
    second.stop()
    parts.close()


def test_scratch_of_an_engine_that_died_while_it_cleaned_up_is_swept(tmp_path: Path) -> None:
    parts = make_parts(tmp_path / "data")
    left = tmp_path / "data" / "work" / "01a1fbc2-0000-7000-8000-000000000000-1.outputs"
    left.mkdir(parents=True)
    (left / "table.csv").write_text("VALUE\n")
    engine = parts.engine()
    engine.start()
    until(lambda: not left.exists())
    engine.stop()
    parts.close()
