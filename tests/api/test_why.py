"""Why steps were computed, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calculation_engine.db.rows import NewJob, NewStep
from tests.api.conftest import Site


def test_step_that_waits_says_so(site: Site) -> None:
    job_id = site.job()

    told = site.http.get(f"/api/job/{job_id}/why").raise_for_status().json()

    assert (told["job"], told["sentence"], told["next"]) == (job_id, "1 not decided yet", None)
    [step] = told["steps"]
    assert (step["path"], step["outcome"], step["causes"]) == ("echo", "waiting", [])


def test_one_step_is_chosen_by_its_path_or_id(site: Site) -> None:
    job_id = site.job()
    step = site.database.steps.of_job(job_id)[0]

    for wanted in (step.path, step.id):
        told = site.http.get(f"/api/job/{job_id}/why", params={"step": wanted}).raise_for_status().json()
        assert [each["step"] for each in told["steps"]] == [step.id]
    missing = site.http.get(f"/api/job/{job_id}/why", params={"step": "nothing"})
    assert (missing.status_code, missing.json()["detail"]) == (404, f"job {job_id} has no step 'nothing'")


def test_many_steps_come_in_pages(site: Site) -> None:
    empty: dict[str, Any] = {"module": "echo", "executor": "local", "config": {}, "files": {}, "resources": {}}
    new = [NewStep(id=f"{n:08}-0000-7000-8000-000000000000", path=f"s{n}", process=f"s{n}", **empty) for n in range(7)]
    job = NewJob("0" * 36, "local", "", "", {}, None, "0" * 64, {"processes": [{"name": "s0", "module": "echo"}]}, new)
    job_id = site.database.jobs.create(job)[0].id

    address, paths, pages = f"/api/job/{job_id}/why?limit=3", [], 0
    while address:
        page = site.http.get(address).raise_for_status().json()
        paths += [step["path"] for step in page["steps"]]
        address, pages = page["next"], pages + 1

    assert (paths, pages) == ([f"s{n}" for n in range(7)], 3)


def test_job_of_somebody_else_is_not_there(make_site: Callable[..., Site], tmp_path: object) -> None:
    from pathlib import Path

    tokens = Path(str(tmp_path)) / "tokens"
    tokens.write_text("ann:token-of-ann-0123456789\nbob:token-of-bob-0123456789\n")
    site = make_site(tokens_file=tokens)
    job_id = site.job(Authorization="Bearer token-of-ann-0123456789")

    headers = {"Authorization": "Bearer token-of-bob-0123456789"}

    assert site.http.get(f"/api/job/{job_id}/why", headers=headers).status_code == 404


def test_wrong_word_for_reuse_is_told_with_its_path(site: Site) -> None:
    reply = site.put({"module": "echo", "reuse": "sometimes"})

    assert reply.status_code == 422
    [fault] = reply.json()["faults"]
    assert fault["path"] == "reuse.mode"
    assert "'results', 'never' or 'verify'" in fault["message"]


def test_job_says_what_it_reuses(site: Site) -> None:
    processes = [{"name": "a", "module": "echo", "reuse": "never"}, {"name": "b", "module": "echo"}]
    job = site.put({"processes": processes, "reuse": {"mode": "verify", "relative": 0.1}}).raise_for_status().json()

    assert [process["reuse"]["mode"] for process in job["workflow"]["processes"]] == ["never", "verify"]
    assert job["workflow"]["processes"][1]["reuse"]["relative"] == 0.1
