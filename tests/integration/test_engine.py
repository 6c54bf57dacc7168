"""The engine on the local executor: every end has its state, reason and message, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from calculation_engine.api.server import Parts
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.job import JobRequest
from calculation_engine.settings import Settings
from calculation_engine.states import Reason, State
from tests.integration.conftest import System, make_parts, wait_for


def test_job_runs_and_its_results_are_kept(system: System) -> None:
    job = system.ended(system.probe())
    assert (job.state, job.reason, job.message) == (State.SUCCEEDED, None, "as told")
    assert system.read(job.id, "probe/table.csv") == "VALUE\n1\n"
    assert system.read(job.id, "probe/status.yaml").startswith("code: 200")
    [step] = system.steps(job.id)
    assert (step.attempt, step.exit_code) == (1, 0)
    assert step.cpu_seconds is not None
    assert step.started is not None


@pytest.mark.parametrize(
    ("config", "reason", "message"),
    [
        ({"code": 400, "exit": 1}, Reason.INPUT_INVALID, "as told"),
        ({"code": 422, "exit": 1, "verdict": "infeasible"}, Reason.NO_SOLUTION, "as told"),
        ({"code": 500, "exit": 1}, Reason.MODULE_ERROR, "as told"),
        ({"code": 0, "exit": 3}, Reason.EXIT_CODE, "ended with exit code 3"),
        ({"code": 0}, Reason.OUTPUT_MISSING, "status.yaml: the module ended without writing it"),
        ({"code": 200, "exit": 1}, Reason.EXIT_CODE, "the status file says 200, but the exit code is 1"),
        ({"code": 422}, Reason.MODULE_ERROR, "the status file says 422, but the exit code is 0"),
        ({"table": "absent"}, Reason.OUTPUT_MISSING, "output/table.csv: declared as output 'table', but absent"),
        ({"table": "wrong"}, Reason.OUTPUT_MISSING, "column VALUE is absent"),
    ],
)
def test_failure_is_told_by_its_reason(system: System, config: dict[str, Any], reason: Reason, message: str) -> None:
    job = system.ended(system.probe(**config))
    assert (job.state, job.reason) == (State.FAILED, reason)
    assert message in job.message


def test_infeasible_model_has_its_verdict_beside_state_and_reason(system: System) -> None:
    job = system.ended(system.probe(code=422, exit=1, verdict="infeasible"))
    assert system.steps(job.id)[0].verdict == {"status": "infeasible"}


@pytest.mark.parametrize(("limits", "reason"), [({"time_limit": "1s"}, Reason.TIME_LIMIT)])
def test_limit_that_is_passed_is_told(system: System, limits: dict[str, Any], reason: Reason) -> None:
    job = system.ended(system.submit({"module": "probe", "config": {"sleep": 60}, "resources": limits}))
    assert (job.state, job.reason) == (State.FAILED, reason)


def test_running_job_is_cancelled_with_its_processes(system: System) -> None:
    job_id = system.probe(sleep=600)
    system.wait(lambda: system.job(job_id).state is State.RUNNING)
    [shim] = [int((step.handle or "").rpartition(":")[2]) for step in system.steps(job_id)]
    children = {shim, *(process.pid for process in psutil.Process(shim).children(recursive=True))}
    system.cancel(job_id)
    job = system.ended(job_id)
    assert (job.state, job.reason) == (State.CANCELLED, Reason.CANCELLED)
    system.wait(
        lambda: (
            not children
            & {process.pid for process in psutil.process_iter(["status"]) if process.info["status"] != "zombie"}
        )
    )
    system.wait(lambda: list((system.parts.settings.data_dir / "work").iterdir()) == [])


def test_queued_job_is_cancelled_before_it_starts(system: System) -> None:
    blockers = [system.probe(sleep=600, note=str(number)) for number in range(4)]
    last = system.probe(sleep=600, note="last")
    system.cancel(last)
    job = system.ended(last)
    assert job.state is State.CANCELLED
    assert system.steps(last)[0].attempt == 0
    for blocker in blockers:
        system.cancel(blocker)
        system.ended(blocker)


def test_chain_hands_outputs_on(system: System) -> None:
    job = system.ended(
        system.submit(
            {
                "processes": [
                    {"name": "first", "module": "probe", "inputs": {"table": {"type": "inline", "text": "VALUE\n7\n"}}},
                    {"name": "second", "module": "probe", "pipes": {"table": {"process": "first", "label": "table"}}},
                    {"name": "beside", "module": "probe", "config": {"note": "beside"}},
                ],
                "components": [
                    {"type": "chain", "name": "all", "sequence": ["first", "both"]},
                    {"type": "group", "name": "both", "group": ["second", "beside"]},
                ],
            }
        )
    )
    assert job.state is State.SUCCEEDED
    assert system.read(job.id, "second/table.csv") == "VALUE\n7\n1\n1\n"
    assert system.steps(job.id)[0].path == "first"


def test_output_of_an_earlier_job_is_an_input(system: System) -> None:
    first = system.ended(system.probe())
    given = {"type": "job", "uuid": first.id, "path": "probe/output/table.csv"}
    second = system.ended(system.submit({"module": "probe", "inputs": {"table": given}}))
    assert system.read(second.id, "probe/table.csv") == "VALUE\n1\n1\n"


def test_later_process_does_not_start_after_a_failure(system: System) -> None:
    body = {
        "processes": [
            {"name": "first", "module": "probe", "config": {"code": 422, "exit": 1}},
            {"name": "second", "module": "probe", "pipes": {"table": {"process": "first", "label": "table"}}},
        ]
    }
    job = system.ended(system.submit(body))
    assert (job.state, job.reason) == (State.FAILED, Reason.NO_SOLUTION)
    assert job.message == "first: as told"
    assert [step.path for step in system.steps(job.id)] == ["first"]


def test_group_that_stops_cancels_what_runs_in_it_and_says_why(system: System) -> None:
    group = {"type": "group", "name": "all", "group": ["bad", "long", "row"], "on_failure": "stop"}
    row = {"type": "chain", "name": "row", "sequence": ["longer", "never"]}
    configs: dict[str, dict[str, Any]] = {
        "bad": {"sleep": 2, "exit": 3},
        "long": {"sleep": 60},
        "longer": {"sleep": 61},
    }
    processes = [
        {"name": name, "module": "probe", "config": config, "resources": {"cpu": 0.5}}
        for name, config in configs.items()
    ]
    processes += [{"name": name, "module": "probe"} for name in ("never", "beside")]
    job_id = system.submit({"processes": processes, "components": [group, row]})

    job = system.ended(job_id)

    found = {step.path: (step.state, step.message) for step in system.steps(job_id)}
    why = "bad failed, and its group all stops then"
    assert (job.state, job.reason) == (State.FAILED, Reason.EXIT_CODE)
    assert found["long"] == found["longer"] == (State.CANCELLED, why)
    assert found["beside"][0] is State.SUCCEEDED
    assert "never" not in found


def test_job_whose_slot_is_taken_over_ends_as_superseded(system: System) -> None:
    old = system.submit({"module": "probe", "config": {"sleep": 60}, "slot": "baseline"})
    new = system.submit({"module": "probe", "slot": "baseline"})

    job = system.ended(old)

    assert (job.state, job.reason) == (State.CANCELLED, Reason.SUPERSEDED)
    assert job.message == f"job {new} took over its slot"
    assert system.ended(new).state is State.SUCCEEDED


def test_same_step_is_not_computed_twice(system: System) -> None:
    first = system.ended(system.probe(note="once"))
    second = system.ended(system.probe(note="once"))
    [step] = system.steps(second.id)
    assert step.reused_from == system.steps(first.id)[0].id
    assert (step.state, step.attempt) == (State.SUCCEEDED, 0)
    assert system.read(second.id, "probe/table.csv") == "VALUE\n1\n"


def test_failed_step_is_not_reused(system: System) -> None:
    first = system.ended(system.probe(code=500, exit=1))
    second = system.ended(system.probe(code=500, exit=1))
    assert [system.steps(job.id)[0].attempt for job in (first, second)] == [1, 1]


def test_damaged_result_is_computed_again(system: System) -> None:
    first = system.ended(system.probe(note="damage"))
    for file in system.parts.database.steps.outputs(first.id):
        system.parts.store.delete(file.sha256)
    second = system.ended(system.probe(note="damage"))
    assert system.steps(second.id)[0].attempt == 1
    assert system.read(second.id, "probe/table.csv") == "VALUE\n1\n"


def test_equal_steps_in_flight_are_joined(system: System) -> None:
    jobs = [system.ended(job_id) for job_id in [system.probe(sleep=1, note="join") for _ in range(6)]]
    assert {job.state for job in jobs} == {State.SUCCEEDED}
    assert sorted(system.steps(job.id)[0].attempt for job in jobs) == [0, 0, 0, 0, 0, 1]


def test_equal_step_computes_when_the_one_it_waited_for_is_cancelled(system: System) -> None:
    first = system.probe(sleep=5, note="takeover")
    system.wait(lambda: system.job(first).state is State.RUNNING)
    second = system.probe(sleep=5, note="takeover")
    system.wait(lambda: system.steps(second)[0].waits_for is not None)
    system.cancel(first)
    assert system.ended(first).state is State.CANCELLED
    job = system.ended(second)
    assert (job.state, system.steps(second)[0].attempt) == (State.SUCCEEDED, 1)


def test_progress_is_told_while_the_step_runs(system: System) -> None:
    job_id = system.probe(sleep=600)
    system.wait(lambda: system.steps(job_id)[0].fraction == 0.5)
    system.cancel(job_id)
    system.ended(job_id)


def test_every_fault_of_a_job_is_told_at_once_and_nothing_is_stored(system: System) -> None:
    body = {
        "processes": [
            {"name": "a", "module": "prob", "config": {}},
            {"name": "b", "module": "probe", "config": {"slep": 1, "code": "x"}, "executor": "moon"},
            {"name": "c", "module": "probe", "inputs": {"tabel": {"type": "inline", "text": ""}}},
            {"name": "d", "module": "probe", "inputs": {"table": {"type": "inline", "text": "VALUE\nmany\n"}}},
            {"name": "e", "module": "probe", "pipes": {"table": {"process": "d", "label": "tables"}}},
            {"name": "f", "module": "probe", "inputs": {"table": {"type": "upload", "uuid": "0" * 32}}},
        ]
    }
    with pytest.raises(InvalidInput) as error:
        system.submit(body)
    assert [fault.path for fault in error.value.faults] == [
        "workflow.processes[0].module",
        "workflow.processes[1].executor",
        "workflow.processes[1].config",
        "workflow.processes[1].config.code",
        "workflow.processes[2].inputs.tabel",
        "workflow.processes[3].inputs.table:2",
        "workflow.processes[5].inputs.table",
        "workflow.processes[4].pipes.table.label",
    ]
    assert system.parts.database.jobs.due(10) == []


def test_two_engines_on_one_database_share_the_work(system: System) -> None:
    second = system.parts.engine()
    second.start()
    jobs = [system.ended(job_id) for job_id in [system.probe(sleep=0.2, note=f"shared {n}") for n in range(12)]]
    assert {job.state for job in jobs} == {State.SUCCEEDED}
    assert {system.steps(job.id)[0].attempt for job in jobs} == {1}
    second.stop()


def test_step_is_left_to_an_engine_that_has_its_module(tmp_path: Path) -> None:
    parts = make_parts(tmp_path / "data")
    lacking = Parts.assemble(Settings(data_dir=tmp_path / "data"))
    without = lacking.engine()
    without.start()
    body = JobRequest.model_validate({"module": "probe"})
    job_id = parts.context(lambda: None).submission.submit(body, "local")[0].id
    wait_for(lambda: "waits for an engine" in parts.database.steps.of_job(job_id)[0].message)
    engine = parts.engine()
    engine.start()
    wait_for(lambda: parts.database.jobs.get(job_id).state is State.SUCCEEDED)
    engine.stop()
    without.stop()
    lacking.close()
    parts.close()
