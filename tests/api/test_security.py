"""Who is answered: hosts, web pages, tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from calculation_engine.api.exposure import check_exposure
from calculation_engine.api.security import read_tokens
from calculation_engine.api.server import Parts
from calculation_engine.errors import InvalidInput
from calculation_engine.settings import load_settings
from tests.api.conftest import Site

ANNE, BEN = "anne-token-0123456789", "ben-token-0123456789"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"# people\nanne:{ANNE}\n\nben: {BEN}\n")
    return file


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1:8081", "[::1]:8081", "localhost."])
def test_names_of_this_machine_are_allowed(site: Site, host: str) -> None:
    assert site.http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]"])
@pytest.mark.parametrize("path", ["/healthz", "/api/job", "/nowhere"])
def test_a_name_that_is_made_to_point_here_is_refused(site: Site, host: str, path: str) -> None:
    response = site.http.get(path, headers={"Host": host})

    assert response.status_code == 403
    assert "allowed_hosts" in response.json()["hint"]


def test_an_allowed_host_is_answered(make_site: Callable[..., Site]) -> None:
    site = make_site(allowed_hosts=["Models.example"])

    assert site.http.get("/healthz", headers={"Host": "models.example:80"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/job"), ("GET", "/api/solve/idle"), ("OPTIONS", "/api/job")])
def test_a_page_from_elsewhere_can_neither_start_nor_read_a_job(
    site: Site, headers: dict[str, str], method: str, path: str
) -> None:
    response = site.http.request(method, path, json={"module": "echo"}, headers=headers)

    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert site.http.get("/api/job").json()["jobs"] == []
    assert site.http.get(f"/api/job/{site.job()}", headers=headers).status_code == 403


def test_a_page_of_this_server_is_answered(site: Site) -> None:
    headers = {"Origin": site.url, "Sec-Fetch-Site": "same-origin"}

    assert site.put(None, **headers).status_code == 201


def test_an_allowed_page_elsewhere_is_answered_and_may_read_it(make_site: Callable[..., Site]) -> None:
    site = make_site(allowed_origins=["https://pages.example"])
    headers = {"Origin": "https://pages.example", "Sec-Fetch-Site": "cross-site"}

    asked = site.http.options("/api/job", headers=headers | {"Access-Control-Request-Method": "PUT"})
    sent = site.http.put("/api/job", json={"module": "nothing"}, headers=headers)

    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    assert sent.status_code == 422
    assert sent.headers["Access-Control-Allow-Origin"] == "https://pages.example"


def test_a_form_that_a_page_can_send_without_asking_is_no_job(site: Site) -> None:
    assert (
        site.http.put("/api/job", content=b'{"module": "echo"}', headers={"Content-Type": "text/plain"}).status_code
        == 415
    )


@pytest.mark.parametrize(
    "headers", [{}, bearer("wrong-token-0123456789"), {"Authorization": f"Basic {ANNE}"}, {"Authorization": "Bearer"}]
)
def test_without_a_right_token_nothing_is_told(
    make_site: Callable[..., Site], tokens: Path, headers: dict[str, str]
) -> None:
    site = make_site(tokens_file=tokens)

    for path in ("/api/job", "/api/module", "/api/upload", "/metrics"):
        response = site.http.get(path, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert site.http.get("/healthz", headers=headers).status_code == 200


def test_each_owner_sees_what_is_theirs(make_site: Callable[..., Site], tokens: Path) -> None:
    site = make_site(tokens_file=tokens)
    job_id = site.job(None, **bearer(ANNE))
    upload = site.http.put("/api/upload", content=b"x", headers=bearer(ANNE)).json()

    assert site.http.get(f"/api/job/{job_id}", headers=bearer(ANNE)).json()["owner"] == "anne"
    for path in ("", "/log", "/events", "/results", "/results.zip", "/results/echo/output/text.txt"):
        assert site.http.get(f"/api/job/{job_id}{path}", headers=bearer(BEN)).status_code == 404
    assert site.http.post(f"/api/job/{job_id}/cancel", headers=bearer(BEN)).status_code == 404
    assert site.http.delete(f"/api/job/{job_id}", headers=bearer(BEN)).status_code == 404
    assert site.http.get(f"/api/job/{job_id[:8]}", headers=bearer(BEN)).status_code == 404
    assert site.http.get(upload["link"], headers=bearer(BEN)).status_code == 404
    assert site.http.delete(upload["link"], headers=bearer(BEN)).status_code == 404
    assert site.http.get("/api/job", headers=bearer(BEN)).json()["jobs"] == []
    assert site.http.get("/api/job?owner=anne", headers=bearer(BEN)).json()["jobs"] == []
    assert site.http.get("/api/upload", headers=bearer(BEN)).json()["uploads"] == []
    assert len(site.http.get("/api/job", headers=bearer(ANNE)).json()["jobs"]) == 1


def test_an_id_of_another_owner_is_a_conflict(make_site: Callable[..., Site], tokens: Path) -> None:
    site = make_site(tokens_file=tokens)
    job_id = site.job(None, **bearer(ANNE))

    response = site.put(None, job_id, **bearer(BEN))

    assert response.status_code == 409
    assert "anne" not in response.text


def test_a_job_does_not_read_the_upload_of_another_owner(make_site: Callable[..., Site], tokens: Path) -> None:
    site = make_site(tokens_file=tokens)
    upload = site.http.put("/api/upload", content=b"x", headers=bearer(ANNE)).json()

    body = {"module": "echo", "inputs": {"data": {"type": "upload", "uuid": upload["uuid"]}}}

    assert site.put(body, **bearer(BEN)).status_code == 422
    assert site.put(body, **bearer(ANNE)).status_code == 201


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("anne:short\n", "16"),
        ("nobody\n", "owner:token"),
        (f"a:{ANNE}\nb:{ANNE}\n", "already"),
        ("# none\n", "no token"),
    ],
)
def test_a_file_of_tokens_with_faults_stops_the_start(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)

    with pytest.raises(InvalidInput, match=word):
        read_tokens(file)


def test_a_file_of_tokens_that_is_absent_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_tokens(tmp_path / "absent")


@pytest.mark.parametrize(
    ("host", "has_tokens", "sandboxed", "flag", "faults"),
    [
        ("127.0.0.1", False, False, False, []),
        ("localhost", False, False, False, []),
        ("0.0.0.0", True, True, False, []),
        ("0.0.0.0", True, False, True, []),
        ("0.0.0.0", False, True, False, ["tokens_file"]),
        ("models.example", False, False, False, ["tokens_file", "serve_unsandboxed"]),
    ],
)
def test_others_are_served_with_tokens_and_a_sandbox_only(
    tmp_path: Path, tokens: Path, host: str, has_tokens: bool, sandboxed: bool, flag: bool, faults: list[str]
) -> None:
    given = {"tokens_file": tokens} if has_tokens else {}
    settings = load_settings({"data_dir": tmp_path, "host": host, "serve_unsandboxed": flag, **given})

    found: list[str] = []
    try:
        check_exposure(settings, sandboxed=sandboxed)
    except InvalidInput as error:
        found = [fault.path for fault in error.faults]

    assert found == faults


@pytest.mark.parametrize(("published", "fault"), [("127.0.0.1", False), ("0.0.0.0", True), ("192.0.2.7", True)])
def test_in_a_container_the_published_address_tells_who_can_come_in(
    tmp_path: Path, published: str, fault: bool
) -> None:
    settings = load_settings({"data_dir": tmp_path, "host": "0.0.0.0", "published_host": published})
    if fault:
        with pytest.raises(InvalidInput, match="tokens_file"):
            check_exposure(settings, sandboxed=True)
    else:
        check_exposure(settings, sandboxed=True)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"job_executors": "docker,dokcer"}, "there is no executor 'dokcer'"),
        ({"job_executors": "docker", "executor": "local"}, "'local' is not among job_executors"),
    ],
)
def test_executors_that_do_not_fit_each_other_stop_the_start(tmp_path: Path, given: dict[str, str], word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Parts.assemble(load_settings({"data_dir": tmp_path, **given}))
    assert word in str(caught.value)
