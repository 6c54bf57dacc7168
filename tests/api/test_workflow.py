"""The workflow language over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.conftest import Site

UUID = "0190c0de-0000-7000-8000-00000000c4a1"


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
            {"workflow": {"config": {"processes": [{"name": "a", "module": "echo"}]}}},
            [("workflow.config", "`processes` and `components` stand in the workflow itself, not below `config`")],
        ),
        (
            {"config": {"processes": []}},
            [("", "`processes` and `components` stand at the top, not below `config`")],
        ),
        (
            {
                "processes": [
                    {
                        "name": "1st one",
                        "module": "echo",
                        "inputs": {
                            "data": {"type": "job", "uuid": UUID, "path": "/a/output/text.txt", "checksum": "abc"}
                        },
                    }
                ],
                "components": [{"type": "group", "name": "g", "group": [{"name": "a"}]}],
            },
            [
                (
                    "processes[0].name",
                    "expected a letter, then letters, digits, _ and -, 64 characters at most, got '1st one'",
                ),
                (
                    "processes[0].inputs.data.checksum",
                    "expected a sha256 of 64 hex digits, or an md5 of 32, with or without its name, got 'abc'",
                ),
                ("components[0].group[0]", "expected the name of a process or component"),
            ],
        ),
        (
            {"processes": [{"name": "a", "module": "echo", "config": {"times": "2"}}, {"name": "b"}], "nam": 1},
            [
                ("processes[1].module", "required, but absent"),
                ("nam", "there is no such field; check its spelling"),
                ("processes[0].config.times", "'2' is not of type 'integer'"),
            ],
        ),
        (
            {"module": "ech", "priority": 11, "config": [1], "executor": "moon"},
            [
                ("priority", "Input should be less than or equal to 10, got 11"),
                ("config", "expected an object, got [1]"),
                ("executor", "no job runs on an executor 'moon' here"),
                ("module", "there is no module 'ech'"),
            ],
        ),
        (
            {
                "module": "echo",
                "inputs": {"data": {"type": "upload", "uuid": "x"}, "dat": {"type": "part", "name": "p"}},
            },
            [
                ("inputs.data.uuid", "Input should be a valid UUID, invalid character: found `x` at 0, got 'x'"),
                ("inputs.dat", "there is no such input"),
            ],
        ),
        (
            {"module": "echo", "name": 1, "inputs": {"data": "a.txt", "tables": {"type": "url"}}},
            [
                ("name", "expected a text, got 1"),
                ("inputs.data", "expected an object, got 'a.txt'"),
                ("inputs.tables", "type: expected one of 'upload', 'job', 'inline', 'part', got 'url'"),
            ],
        ),
        (
            {
                "processes": [{"name": "a", "module": "pair", "pipes": {"two": {"process": "b", "label": "text"}}}, 5],
                "components": [{"type": "chain", "name": "c", "sequence": []}],
            },
            [
                ("processes[1]", "expected an object, got 5"),
                ("components[0].sequence", "List should have at least 1 item after validation, not 0, got []"),
                ("processes[0].inputs.two", "means nothing without three"),
            ],
        ),
        (
            {
                "processes": [{"name": "a", "module": "pair"}, {"name": "b", "module": "idle", "config": 1}],
                "components": [{"type": "loop", "name": "c", "sequence": ["a", "b"], "bridge": {"name": "table"}}],
            },
            [("processes[1].config", "expected an object, got 1")],
        ),
        (
            {"processes": [{"name": "a", "module": "echo", "pipes": {"data": {"process": "b", "label": "text"}}}]},
            [("processes[0].pipes.data", "there is no process b")],
        ),
        (
            {"module": "echo", "inputs": {"data": {"type": "upload", "uuid": "019f0000-0000-7000-8000-000000000000"}}},
            [("inputs.data", "there is no upload 019f0000-0000-7000-8000-000000000000")],
        ),
    ],
    ids=[
        "right",
        "file that comes later",
        "config",
        "a layer below config",
        "a job below config",
        "names, checksum and children",
        "two layers",
        "all but the inputs",
        "an input of two",
        "kinds of inputs",
        "inputs that go together",
        "inputs of a loop",
        "pipe",
        "upload",
    ],
)
def test_check_answers_every_fault_and_stores_nothing(
    site: Site, document: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert check(site, document) == faults
    assert site.http.get("/api/job").json()["jobs"] == []


def test_job_that_is_sent_is_told_every_fault_at_once(site: Site) -> None:
    reply = site.put({"module": "echo", "nam": "x", "config": {"times": "2"}, "inputs": {"dat": {"type": "inline"}}})

    assert reply.status_code == 422
    assert [fault["path"] for fault in reply.json()["faults"]] == [
        "inputs.dat.text",
        "nam",
        "config.times",
        "inputs.dat",
    ]


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
