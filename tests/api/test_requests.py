"""What is said of requests that are not right."""

from __future__ import annotations

import json
import socket

import pytest

from tests.api.conftest import Site

PROBLEM = "application/problem+json"


def put(site: Site, content: bytes | str, kind: str | None = "application/json") -> tuple[int, dict[str, object]]:
    response = site.http.put("/api/job", content=content, headers={"Content-Type": kind} if kind else {})
    assert response.headers["Content-Type"] == PROBLEM
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body


def test_broken_json_is_told_with_line_and_column(site: Site) -> None:
    status, problem = put(site, '{"module": "echo",\n "config": }')

    assert status == 400
    assert "line 2, column 12" in str(problem["detail"])


def test_broken_yaml_is_told_with_line_and_column(site: Site) -> None:
    status, problem = put(site, "module: echo\nconfig: {a: [}\n", "application/yaml")

    assert status == 400
    assert "line 2, column" in str(problem["detail"])


@pytest.mark.parametrize(
    ("content", "kind", "status", "word"),
    [
        (b"", "application/json", 400, "empty"),
        (b"module=echo", "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"module": "echo"}', None, 415, "none"),
        (b"\xff", "application/json", 400, "UTF-8"),
        (b"[" * 50_000, "application/json", 400, "nested"),
        (b"[" * 400 + b"]" * 400, "application/json", 400, "nested"),
        (b"[1]", "application/json", 422, "a list"),
        (b"null", "application/json", 422, "nothing"),
        (b'{"module": "echo", "module": "idle"}', "application/json", 422, "twice"),
        (b'{"module": "echo", "config": {"times": NaN}}', "application/json", 400, "NaN"),
        (b'{"module": "echo", "config": {"times": 1e999}}', "application/json", 422, "finite"),
        (b'{"module": "echo", "name": "\\ud800"}', "application/json", 422, "surrogate"),
        (b'{"module": "echo", "config": {"times": ' + b"9" * 5000 + b"}}", "application/json", 400, "JSON"),
        (b"module: echo\nconfig: &a {times: *a}", "application/yaml", 400, "nested"),
        (b"module: echo\nconfig: {1: 2}", "application/yaml", 422, "quotes"),
        (b"module: echo\nconfig: {times: .nan}", "application/yaml", 422, "finite"),
        (b"module: echo\nconfig: {times: !!binary aGk=}", "application/yaml", 422, "bytes"),
        (b"module: !!python/name:os.system x", "application/yaml", 400, "YAML"),
        (b"{}", "application/json", 422, "module"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_with_a_sentence(
    site: Site, content: bytes, kind: str | None, status: int, word: str
) -> None:
    got, problem = put(site, content, kind)

    assert got == status
    assert word in json.dumps(problem)


def test_a_yaml_of_aliases_that_grows_without_end_is_refused(site: Site) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    status, problem = put(site, "\n".join(lines), "application/yaml")

    assert status == 422
    assert "values" in str(problem["detail"])


def test_a_document_over_the_limit_is_refused(site: Site) -> None:
    limit = int(site.context.settings.request_limit)

    status, problem = put(site, b'{"name": "' + b"x" * limit + b'"}')

    assert status == 413
    assert str(limit) in str(problem["detail"])


def test_a_document_over_the_limit_is_refused_when_it_does_not_say_so_before(site: Site) -> None:
    limit = int(site.context.settings.request_limit)

    def chunks():
        yield from (b" " * 65536 for _ in range(limit // 65536 + 2))

    response = site.http.put("/api/job", content=chunks(), headers={"Content-Type": "application/json"})

    assert response.status_code == 413


def test_a_client_that_asks_before_sending_is_told_no_at_once(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = f"PUT /api/job HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 900000000\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def test_a_wrong_method_is_told_with_the_right_ones(site: Site) -> None:
    response = site.http.post("/api/job", json={})

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, PUT"
    assert "GET, HEAD, OPTIONS, PUT" in response.json()["detail"]


def test_a_method_that_nobody_knows_is_told_with_the_right_ones(site: Site) -> None:
    response = site.http.request("BREW", "/api/job")

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, PUT"


def test_options_tells_the_methods(site: Site) -> None:
    response = site.http.options("/api/job")

    assert (response.status_code, response.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, PUT")


def test_head_answers_as_get_without_a_body(site: Site) -> None:
    job_id = site.job()
    got = site.http.get(f"/api/job/{job_id}")

    head = site.http.head(f"/api/job/{job_id}")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.content))
    assert head.headers["ETag"] == got.headers["ETag"]


def test_an_unknown_address_is_told_with_near_ones(site: Site) -> None:
    response = site.http.get("/api/jobs")

    assert response.status_code == 404
    assert "/api/job" in response.json()["hint"]


def test_a_path_that_is_not_text_is_refused(site: Site) -> None:
    response = site.http.get("/api/job/%ff%fe")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == PROBLEM


def test_a_body_where_none_belongs_is_refused(site: Site) -> None:
    response = site.http.request("DELETE", f"/api/job/{site.job()}", content=b"now")

    assert response.status_code == 400


def test_our_fault_is_told_by_an_id_and_nothing_more(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(site.context.catalogue, "get", fail)

    response = site.http.get("/api/module/echo")

    assert response.status_code == 500
    assert "secret" not in response.text
    incident = response.json()["instance"]
    logged = "".join(capfd.readouterr())
    assert incident in logged
    assert "a secret" in logged


def test_a_database_that_is_away_is_told_as_such(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    database = site.context.settings.data_dir / "calculation-engine.sqlite"
    site.database.close()
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    database.mkdir()

    response = site.http.get("/api/job")

    assert response.status_code == 503
    assert response.json()["retryable"] is True
    assert response.headers["Retry-After"]
