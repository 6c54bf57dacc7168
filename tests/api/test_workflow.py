"""The workflow language over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import Site


def check(site: Site, document: Any) -> list[tuple[str, str]]:
    reply = site.http.post("/api/workflow/check", json=document)
    told = reply.json()
    assert reply.status_code == 200 or (reply.status_code == 422 and told["faults"])
    return [(fault["path"], fault["message"]) for fault in told["faults"]]


def test_schema_knows_the_modules_that_are_here(site: Site) -> None:
    reply = site.http.get("/api/workflow/schema").raise_for_status()
    schema = reply.json()

    assert reply.headers["Content-Type"] == "application/schema+json"
    Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]["module"]["enum"]) >= {"echo", "idle"}
    assert Draft202012Validator(schema).is_valid({"module": "echo", "config": {"times": 2}, "inputs": {"data": "x"}})
    assert not Draft202012Validator(schema).is_valid({"module": "echo", "config": {"times": "2"}})


@pytest.mark.parametrize(
    ("document", "faults"),
    [
        ({"module": "echo"}, []),
        ({"module": "echo", "inputs": {"data": {"type": "part", "name": "later"}}}, []),
        ({"module": "echo", "config": {"times": "2"}}, [("config.times", "'2' is not of type 'integer'")]),
        (
            {"processes": [{"name": "a", "module": "echo", "config": {"times": "2"}}, {"name": "b"}], "nam": 1},
            [
                ("processes[1].module", "required, but absent"),
                ("nam", "there is no such field; check its spelling"),
                ("processes[0].config.times", "'2' is not of type 'integer'"),
            ],
        ),
        (
            {"processes": [{"name": "a", "module": "echo", "pipes": {"data": {"process": "b", "label": "text"}}}]},
            [("processes.a.pipes.data", "there is no process b")],
        ),
        (
            {"module": "echo", "inputs": {"data": {"type": "upload", "uuid": "019f0000-0000-7000-8000-000000000000"}}},
            [("inputs.data", "there is no upload 019f0000-0000-7000-8000-000000000000")],
        ),
    ],
    ids=["right", "file that comes later", "config", "two layers", "pipe", "upload"],
)
def test_check_answers_every_fault_and_stores_nothing(
    site: Site, document: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert check(site, document) == faults
    assert site.http.get("/api/job").json()["jobs"] == []


def test_priority_that_is_not_allowed_is_a_fault_too(make_site: Any, tmp_path: Any) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("ann: " + "a" * 40 + "\n")
    tokens.chmod(0o600)
    site = make_site(tokens_file=tokens)
    reply = site.http.post(
        "/api/workflow/check",
        json={"module": "echo", "priority": 5, "config": {"times": "2"}},
        headers={"Authorization": "Bearer " + "a" * 40},
    )

    assert [fault["path"] for fault in reply.raise_for_status().json()["faults"]] == ["priority", "config.times"]
