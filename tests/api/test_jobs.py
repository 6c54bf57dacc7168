"""Jobs over HTTP: taken in, shown, listed, cancelled, deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from calculation_engine.db.rows import JobChange
from calculation_engine.schemas.job import JobPage, JobView
from calculation_engine.states import State
from tests.api.conftest import Site

INLINE = {"module": "echo", "inputs": {"data": {"type": "inline", "text": "hello"}}}


def test_a_job_is_stored_and_its_address_is_told(site: Site) -> None:
    response = site.put(INLINE)

    assert response.status_code == 201
    view = JobView.model_validate(response.json())
    assert UUID(view.id).version == 7
    assert view.state is State.QUEUED
    assert response.headers["Location"] == view.links.self == f"/api/job/{view.id}"
    assert site.http.get(view.links.self).json() == response.json()
    assert len(site.wakes) == 1


def test_the_short_form_is_shown_as_the_workflow_that_it_means(site: Site) -> None:
    view = site.put({"module": "echo", "config": {"times": 2}, "name": "twice"}).json()

    assert view["name"] == "twice"
    assert (
        view["workflow"]["processes"][0] | {"name": "echo", "config": {"times": 2}} == view["workflow"]["processes"][0]
    )
    assert [step["path"] for step in view["steps"]] == ["echo"]


def test_job_addresses_answer_without_the_prefix(site: Site) -> None:
    response = site.http.put("/job", json=INLINE)

    assert response.status_code == 201
    assert site.http.get(f"/job/{response.json()['id']}").json() == response.json()
    assert site.http.get("/job").json()["jobs"][0]["id"] == response.json()["id"]


def test_yaml_is_as_good_as_json(site: Site) -> None:
    text = "module: echo\nname: 2030-01-01\nconfig: {times: 3}\n"

    response = site.http.put("/api/job", content=text, headers={"Content-Type": "application/yaml"})

    assert response.status_code == 201, response.text
    assert response.json()["name"] == "2030-01-01"
    assert response.json()["workflow"]["processes"][0]["config"] == {"times": 3}


def test_the_same_body_again_is_the_same_job(site: Site) -> None:
    job_id = str(uuid4())

    first, second = site.put(INLINE, job_id), site.put(INLINE, job_id.upper())

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(site.wakes) == 1


def test_another_body_under_the_same_id_is_a_conflict(site: Site) -> None:
    job_id = str(uuid4())
    site.put(INLINE, job_id)

    response = site.put({"module": "echo", "config": {"times": 2}}, job_id)

    assert response.status_code == 409
    assert response.json()["type"] == "about:blank#Conflict"


def test_of_equal_jobs_sent_at_once_one_is_new(site: Site) -> None:
    job_id = str(uuid4())

    with ThreadPoolExecutor(8) as pool:
        codes = [response.status_code for response in pool.map(lambda _: site.put(INLINE, job_id), range(16))]

    assert sorted(codes) == [200] * 15 + [201]


def test_an_id_that_is_no_uuid_is_refused(site: Site) -> None:
    response = site.put(INLINE, "my-job")

    assert response.status_code == 422
    assert "UUID" in response.json()["faults"][0]["message"]


def test_the_beginning_of_an_id_is_enough(site: Site) -> None:
    job_id = site.job()

    assert site.http.get(f"/api/job/{job_id[:13]}").json()["id"] == job_id


def test_an_unknown_job_is_told_as_a_problem(site: Site) -> None:
    response = site.http.get(f"/api/job/{uuid4()}")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "about:blank#NotFound"


def test_all_faults_are_told_at_once_in_the_paths_of_the_sender(site: Site) -> None:
    body = {
        "module": "echo",
        "config": {"times": "two", "colour": 1},
        "inputs": {"dta": {"type": "inline", "text": ""}},
    }

    response = site.put(body)

    assert response.status_code == 422
    paths = sorted(fault["path"] for fault in response.json()["faults"])
    assert len(paths) == 3
    assert all(path.startswith(("config", "inputs.dta")) for path in paths), paths
    assert site.http.get("/api/job").json()["jobs"] == []


def test_an_unknown_module_is_told_with_near_names(site: Site) -> None:
    response = site.put({"module": "ecko"})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"] == "module"
    assert "echo" in response.json()["faults"][0]["hint"]


def test_an_unknown_field_is_told(site: Site) -> None:
    response = site.put({"module": "echo", "confg": {}})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"] == "confg"


def test_a_running_job_is_shown_with_its_progress(site: Site) -> None:
    job_id = site.job()
    step = site.start(job_id)
    assert step.lease_token
    ((_, seen),) = site.database.jobs.due(10)
    site.database.jobs.plan(job_id, seen, [], JobChange(fraction=0.0))
    site.database.steps.progress(step.id, step.lease_token, 0.5, "half of it")

    view = JobView.model_validate(site.http.get(f"/api/job/{job_id}").json())

    assert view.state is State.RUNNING
    assert view.progress.fraction == 0.5
    assert view.progress.seconds_left is not None
    assert view.steps[0].message == "half of it"
    assert view.steps[0].attempt == 1


def test_a_job_that_has_not_changed_is_not_sent_again(site: Site) -> None:
    job_id = site.job()
    first = site.http.get(f"/api/job/{job_id}")

    second = site.http.get(f"/api/job/{job_id}", headers={"If-None-Match": first.headers["ETag"]})

    assert second.status_code == 304
    assert second.content == b""


def test_a_queued_job_is_cancelled(site: Site) -> None:
    job_id = site.job()

    response = site.http.post(f"/api/job/{job_id}/cancel")

    assert response.status_code in {200, 202}
    assert response.json()["cancel_requested"] is not None
    assert response.json()["steps"][0]["state"] == "cancelled"
    assert len(site.wakes) == 2


def test_an_ended_job_cannot_be_cancelled(site: Site) -> None:
    job_id = site.finished({})

    assert site.http.post(f"/api/job/{job_id}/cancel").status_code == 409


def test_a_deleted_job_is_gone_with_its_log(site: Site) -> None:
    job_id = site.finished({}, b"line\n")
    logs = site.context.settings.data_dir / "logs"
    assert list(logs.rglob("*.log"))

    response = site.http.delete(f"/api/job/{job_id}")

    assert (response.status_code, response.content) == (204, b"")
    assert site.http.get(f"/api/job/{job_id}").status_code == 410
    assert site.put(INLINE, job_id).status_code == 410
    assert not list(logs.rglob("*.log"))


def test_a_job_that_runs_cannot_be_deleted(site: Site) -> None:
    job_id = site.job()

    assert site.http.delete(f"/api/job/{job_id}").status_code == 409


def test_pages_of_a_list_follow_each_other(site: Site) -> None:
    ids = [site.job({"module": "idle", "tags": {"n": str(n), "all": "yes"}}) for n in range(5)]

    seen, following = [], "/api/job?limit=2&sort=created&tag=all:yes"
    while following:
        page = JobPage.model_validate(site.http.get(following).json())
        seen += [job.id for job in page.jobs]
        following = page.next or ""

    assert seen == ids


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("module=echo", ["first"]),
        ("name=sec", ["second"]),
        ("tag=k:1&tag=l:2", ["second"]),
        ("tag=k:1&sort=name", ["first", "second"]),
        ("state=queued&state=running&sort=-name", ["second", "first"]),
        ("state=succeeded", []),
        ("owner=local&sort=created", ["first", "second"]),
        ("owner=other", []),
        ("created_after=2020-01-01&sort=created", ["first", "second"]),
        ("created_before=2020-01-01T00:00:00Z", []),
    ],
)
def test_a_list_is_filtered_and_sorted(site: Site, query: str, expected: list[str]) -> None:
    site.job({"module": "echo", "name": "first", "tags": {"k": "1"}})
    site.job({"module": "idle", "name": "second", "tags": {"k": "1", "l": "2"}})

    jobs = site.http.get(f"/api/job?{query}").json()["jobs"]

    assert [job["name"] for job in jobs] == expected


def test_a_cursor_of_nothing_is_told_under_its_name(site: Site) -> None:
    for path in ("/api/job", "/api/upload"):
        response = site.http.get(path, params={"cursor": "x", "limit": 1})
        assert response.status_code == 422
        assert response.json()["faults"][0]["path"] == "query.cursor"


@pytest.mark.parametrize(
    "query", ["created_after=0001-01-01T00:00:00%2B23:59", "created_before=9999-12-31T23:59:59-23:00"]
)
def test_time_that_is_in_no_year_is_refused(site: Site, query: str) -> None:
    response = site.http.get(f"/api/job?{query}")
    assert response.status_code == 422
    assert "expected a time" in response.json()["faults"][0]["message"]


def test_name_with_control_characters_is_refused(site: Site) -> None:
    response = site.put({"module": "echo", "name": "\x1b[2J", "tags": {"a\n": "b"}})
    assert [fault["path"] for fault in response.json()["faults"]] == ["name", "tags.a\n.[key]"]


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ("created_after=yesterday", "created_after", "expected a day or a time, as 2030-01-31 or 2030-01-31T12:00:00Z"),
        ("created_before=2026-13-01", "created_before", "expected a day or a time"),
        ("tag=country", "tag[0]", "expected a tag as key:value, got 'country'"),
        ("state=done", "state[0]", "'queued', 'running', 'succeeded', 'failed' or 'cancelled', got 'done'"),
    ],
)
def test_filter_that_is_none_is_told_with_what_was_expected(site: Site, query: str, path: str, message: str) -> None:
    response = site.http.get(f"/api/job?{query}")

    [fault] = response.json()["faults"]
    assert (response.status_code, fault["path"]) == (422, f"query.{path}")
    assert message in fault["message"]


def test_wrong_query_parameters_are_all_told(site: Site) -> None:
    response = site.http.get("/api/job?limit=0&stat=queued&sort=size&name=a&name=b")

    assert response.status_code == 422
    faults = {fault["path"]: fault for fault in response.json()["faults"]}
    assert set(faults) == {"query.limit", "query.stat", "query.sort", "query.name"}
    assert "state" in faults["query.stat"]["hint"]
