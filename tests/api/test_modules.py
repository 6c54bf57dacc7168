"""Modules over HTTP, and runs that are waited for."""

from __future__ import annotations

import threading
from typing import Any

import httpx2
import pytest

from calculation_engine.schemas.module import Manifest
from calculation_engine.states import Reason, State
from tests.api.conftest import Site, wait_until


def test_modules_are_listed_those_with_faults_included(site: Site) -> None:
    folder = site.context.catalogue.folders[-1] / "broken"
    folder.mkdir()
    (folder / "module.yaml").write_text("name: broken\n")

    modules = {module["name"]: module for module in site.http.get("/api/module").json()}

    assert modules["echo"]["title"] == "Says what it was given"
    assert modules["idle"]["default_run"] is True
    assert "version" in modules["broken"]["fault"]


def test_a_module_is_shown_with_its_manifest_and_config_schema(site: Site) -> None:
    view = site.http.get("/api/module/echo").json()

    assert Manifest.model_validate(view, extra="ignore").name == "echo"
    assert view["config_schema"]["properties"] == {"times": {"type": "integer"}}
    assert view["cases"] == []
    assert len(view["content_hash"]) == 64


def test_an_unknown_module_is_not_found_with_near_names(site: Site) -> None:
    response = site.http.get("/api/module/eco")

    assert response.status_code == 404
    assert "echo" in response.json()["hint"]


def solve(site: Site, path: str, body: dict[str, Any] | None = None) -> list[httpx2.Response]:
    """Ask for a solution in a thread; return the list that will hold the reply."""
    replies: list[httpx2.Response] = []
    thread = threading.Thread(target=lambda: replies.append(site.http.post(path, json=body)), daemon=True)
    thread.start()
    return replies


def only_job(site: Site) -> str:
    wait_until(lambda: bool(site.http.get("/api/job").json()["jobs"]))
    return str(site.http.get("/api/job").json()["jobs"][0]["id"])


def test_a_run_is_waited_for(site: Site) -> None:
    replies = solve(site, "/api/solve/echo", {"config": {"times": 2}})
    job_id = only_job(site)
    site.end(site.start(job_id), {"text.txt": b"hello"})
    wait_until(lambda: bool(replies))

    assert replies[0].status_code == 200
    view = replies[0].json()
    assert (view["id"], view["state"]) == (job_id, "succeeded")
    assert view["workflow"]["processes"][0]["config"] == {"times": 2}
    assert len(site.http.get(view["links"]["results"]).json()) == 1


def test_a_run_that_takes_longer_is_told_by_its_address(site: Site) -> None:
    response = site.http.post("/api/solve/echo?wait=0.1", json={})

    assert response.status_code == 202
    assert response.json()["state"] == "queued"
    assert site.http.get(response.headers["Location"]).json()["id"] == response.json()["id"]


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        (State.FAILED, Reason.NO_SOLUTION, 422),
        (State.FAILED, Reason.INPUT_INVALID, 422),
        (State.FAILED, Reason.LOST, 500),
        (State.CANCELLED, Reason.CANCELLED, 409),
    ],
)
def test_a_run_without_result_is_a_problem_that_says_why(site: Site, state: State, reason: Reason, status: int) -> None:
    replies = solve(site, "/api/solve/echo")
    job_id = only_job(site)
    site.end(site.start(job_id), state=state, reason=reason, message="it went so")
    wait_until(lambda: bool(replies))

    problem = replies[0].json()
    assert replies[0].status_code == problem["status"] == status
    assert replies[0].headers["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["detail"]) == ("about:blank#JobFailed", "it went so")
    assert (problem["reason"], problem["job"]["id"]) == (reason, job_id)


def test_a_run_takes_its_files_in_a_form(site: Site) -> None:
    response = site.http.post("/api/solve/echo?wait=0", files={"data": b"hello"})

    assert response.status_code == 202, response.text
    assert "data" in response.json()["workflow"]["processes"][0]["inputs"]


def test_a_run_without_input_is_for_modules_that_allow_it(site: Site) -> None:
    allowed = site.http.get("/api/solve/idle?wait=0")
    refused = site.http.get("/api/solve/echo?wait=0")

    assert allowed.status_code == 202
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "OPTIONS, POST"
    assert "data, tables" in refused.json()["hint"]


def test_head_never_starts_a_run(site: Site) -> None:
    assert site.http.head("/api/solve/idle").status_code == 405
    assert site.http.get("/api/job").json()["jobs"] == []


def test_a_run_of_an_unknown_module_is_not_found(site: Site) -> None:
    assert site.http.post("/api/solve/eco", json={}).status_code == 404


def test_a_run_that_names_another_module_is_refused(site: Site) -> None:
    response = site.http.post("/api/solve/echo", json={"module": "idle"})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"] == "module"
