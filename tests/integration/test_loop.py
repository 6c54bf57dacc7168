"""A loop runs its participants again and again until they agree, and ends with the right word."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.api.server import Parts
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.job import JobRequest
from calculation_engine.states import ENDED, Reason, State
from tests.integration.conftest import System, engine_process, make_parts, wait_for


def body(config: dict[str, Any] | None = None, start: float = 1.8, **loop: Any) -> dict[str, Any]:
    """Return a job that couples v -> offset + slope * v with v -> v; by default its solution is 2."""
    return {
        "processes": [
            {"name": "first", "module": "halfway", "config": config or {}},
            {"name": "second", "module": "halfway", "config": {"offset": 0, "slope": 1}},
        ],
        "components": [
            {
                "type": "loop",
                "name": "agree",
                "sequence": ["first", "second"],
                "bridge": {
                    "name": "table",
                    "config": {
                        "into": {"input": "asked"},
                        "out_of": {"output": "answered"},
                        "links": [
                            {
                                "from": {"process": "first", "output": "answered"},
                                "to": {"process": "second", "input": "asked"},
                            }
                        ],
                        "start": [{"variable": "price", "index": str(year), "value": start} for year in (2030, 2031)],
                    },
                },
                **loop,
            }
        ],
    }


def test_two_modules_agree(system: System) -> None:
    job = system.ended(system.submit(body()), 120)
    assert (job.state, job.reason) == (State.SUCCEEDED, None), job.message
    [loop] = job.loops
    assert loop["verdict"] == "converged"
    assert loop["evaluations"] <= 5
    answer = system.read(job.id, f"agree/{loop['solution']}/second/answered.csv").splitlines()
    assert float(answer[1].split(",")[2]) == pytest.approx(2, rel=1e-3)


def test_evaluation_without_solution_is_told_and_gone_round(system: System) -> None:
    job = system.ended(system.submit(body({"offset": 4.4, "slope": -1.2, "fails_above": 2.005}, start=1.9)), 120)
    assert job.state is State.SUCCEEDED, job.message
    assert any("no solution" in (report["failure"] or "") for report in job.loops[0]["history"])


def test_limit_of_evaluations_is_never_success(system: System) -> None:
    loop: dict[str, Any] = {"max_evaluations": 3, "acceleration": {"method": "constant", "relaxation": 0.1}}
    job = system.ended(system.submit(body(**loop)), 120)
    assert (job.state, job.reason) == (State.FAILED, Reason.MAX_EVALUATIONS)
    assert job.loops[0]["evaluations"] == 3


def test_loop_that_runs_once_ends_with_a_word_that_claims_no_agreement(system: System) -> None:
    job = system.ended(system.submit(body(one_way=True)), 120)
    assert (job.state, job.reason) == (State.SUCCEEDED, None), job.message
    [loop] = job.loops
    assert (loop["verdict"], loop["evaluations"], loop["solution"]) == ("one_way", 1, 1)
    assert "1.8 went in and 1.9 came out" in job.message
    assert "not claimed" in job.message


def test_loop_that_runs_once_and_fails_tells_the_model_that_failed(system: System) -> None:
    job = system.ended(system.submit(body({"fails_above": -1}, one_way=True)), 120)
    assert (job.state, job.reason) == (State.FAILED, Reason.LOOP_FAILED)
    assert "the one pass failed: first: no solution" in job.message
    assert job.loops[0]["evaluations"] == 1


def test_models_that_never_have_a_solution_end_the_loop(system: System) -> None:
    job = system.ended(system.submit(body({"fails_above": -1})), 120)
    assert (job.state, job.reason) == (State.FAILED, Reason.LOOP_FAILED)
    assert "no solution" in job.message


@pytest.mark.timeout(400)
def test_models_that_overshoot_diverge_undamped_and_agree_by_default(system: System) -> None:
    overshoots = {"offset": 4.4, "slope": -1.2}
    undamped = {"acceleration": {"method": "constant", "relaxation": 1}}
    first, second = (system.submit(body(overshoots, start=1.9, **loop)) for loop in (undamped, {}))
    job = system.ended(first, 180)
    assert (job.state, job.reason) == (State.FAILED, Reason.STALLED)
    assert "the models drive each other apart under method 'constant'" in job.message
    assert "use multisecant" in job.message
    job = system.ended(second, 120)
    assert (job.state, job.loops[0]["verdict"]) == (State.SUCCEEDED, "converged"), job.message


@pytest.mark.timeout(400)
def test_tolerance_below_the_noise_of_the_models_is_told_as_such(system: System) -> None:
    document = body({"noise": 1e-4}, start=1.99, until={"relative": 1e-6}, sequence=["first"])
    document["processes"].pop()
    document["components"][0]["bridge"]["config"] |= {"links": [], "groups": {"": {"positive": True, "noise": 1e-4}}}
    job = system.ended(system.submit(document), 300)
    assert (job.state, job.reason) == (State.FAILED, Reason.NOISE_FLOOR)
    assert "what is left is noise of the models" in job.message
    assert "ask for a wider tolerance" in job.message
    assert job.loops[0]["history"][-1]["cautions"] == ["tolerance_below_noise"]


def test_cancelled_loop_starts_no_further_evaluation(system: System) -> None:
    job_id = system.submit(body({"sleep": 600}))
    system.wait(lambda: any(step.path == "agree/1/first" and step.started for step in system.steps(job_id)))
    system.cancel(job_id)
    job = system.ended(job_id)
    assert job.state is State.CANCELLED
    assert not any(step.path.startswith("agree/2") for step in system.steps(job_id))


def test_what_follows_a_loop_reads_its_solution(system: System) -> None:
    document = body()
    document["processes"].append(
        {
            "name": "after",
            "module": "halfway",
            "config": {"offset": 0, "slope": 10},
            "pipes": {"asked": {"process": "second", "label": "answered"}},
        }
    )
    job = system.ended(system.submit(document), 120)
    assert job.state is State.SUCCEEDED, job.message
    assert float(system.read(job.id, "after/answered.csv").splitlines()[1].split(",")[2]) == pytest.approx(20, rel=1e-3)


def test_faults_of_a_loop_are_told_before_anything_runs(system: System) -> None:
    document = body()
    document["components"][0]["bridge"]["config"] = {"into": {"input": "asked"}}
    document["components"][0]["baseline"] = {"first": {"config": {"slop": 1}}}
    with pytest.raises(InvalidInput) as error:
        system.submit(document)
    paths = [fault.path for fault in error.value.faults]
    assert "workflow.components.agree.bridge.config.out_of" in paths
    assert "workflow.components.agree.baseline.first.config" in paths


def test_killed_engine_goes_on_in_the_middle_of_an_evaluation_to_the_same_bits(tmp_path: Path, system: System) -> None:
    document = body({"offset": 3.1, "slope": -0.55, "sleep": 0.4}, start=1.7)
    undisturbed = system.ended(system.submit(document), 120)

    parts = make_parts(tmp_path / "killed")
    job_id = parts.context(lambda: None).submission.submit(JobRequest.model_validate(document), "local")[0].id
    log = tmp_path / "engine.log"
    with engine_process(parts.settings.data_dir, log) as process:
        wait_for(lambda: any(s.path == "agree/3/first" and s.started for s in parts.database.steps.of_job(job_id)))
        process.send_signal(signal.SIGKILL)
    with engine_process(parts.settings.data_dir, log):
        wait_for(lambda: parts.database.jobs.get(job_id).state in ENDED)

    job = parts.database.jobs.get(job_id)
    assert job.state is State.SUCCEEDED, job.message
    assert {step.attempt for step in parts.database.steps.of_job(job_id)} == {1}
    assert exchange_tables(parts, job_id) == exchange_tables(system.parts, undisturbed.id)
    parts.close()


def exchange_tables(parts: Parts, job_id: str) -> dict[str, str]:
    """Return path and hash of every exchange table of a job."""
    paths = {step.id: step.path for step in parts.database.steps.of_job(job_id)}
    outputs = parts.database.steps.outputs(job_id)
    return {paths[file.step_id]: file.sha256 for file in outputs if file.path in {"exchange.csv", "answered.csv"}}
