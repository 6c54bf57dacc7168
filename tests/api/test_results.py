"""Results over HTTP: listed, one by one, as an archive; harmless in a browser."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from datetime import UTC, datetime

import httpx2
import pytest

from calculation_engine.api.zipstream import Entry, zip_stream
from calculation_engine.schemas.files import ResultFile
from tests.api.conftest import Site

TEXT = b"YEAR,VALUE\n2030,1.5\n"
PATH = "echo/output/tables/cost.csv"


@pytest.fixture
def job_id(site: Site) -> str:
    return site.finished(
        {"tables/cost.csv": TEXT, "page.html": b"<script>alert(1)</script>"},
        b"done\n",
        **{"tables/cost_csv": "text/csv", "page_html": "text/html"},
    )


def test_results_are_listed(site: Site, job_id: str) -> None:
    files = [ResultFile.model_validate(file) for file in site.http.get(f"/api/job/{job_id}/results").json()]

    assert [file.path for file in files] == ["echo/output/page.html", PATH]
    assert files[1].sha256 == hashlib.sha256(TEXT).hexdigest()
    assert files[1].size == len(TEXT)
    assert files[1].link == f"/api/job/{job_id}/results/{PATH}"


def test_a_result_is_sent_with_its_hash_as_etag(site: Site, job_id: str) -> None:
    response = site.http.get(f"/api/job/{job_id}/results/{PATH}")

    assert response.content == TEXT
    etag = response.headers["ETag"]
    assert etag == f'"{hashlib.sha256(TEXT).hexdigest()}"'
    again = site.http.get(f"/api/job/{job_id}/results/{PATH}", headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag


def test_a_range_of_a_result_is_sent(site: Site, job_id: str) -> None:
    address = f"/api/job/{job_id}/results/{PATH}"
    etag = site.http.head(address).headers["ETag"]

    part = site.http.get(address, headers={"Range": "bytes=5-9", "If-Range": etag})
    changed = site.http.get(address, headers={"Range": "bytes=5-9", "If-Range": '"other"'})

    assert (part.status_code, part.content) == (206, TEXT[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(TEXT)}"
    assert (changed.status_code, changed.content) == (200, TEXT)


def test_head_of_a_result_tells_its_size(site: Site, job_id: str) -> None:
    response = site.http.head(f"/api/job/{job_id}/results/{PATH}")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["Content-Length"] == str(len(TEXT))
    assert response.headers["Accept-Ranges"] == "bytes"


def test_a_page_among_the_results_is_saved_and_never_run(site: Site, job_id: str) -> None:
    headers = site.http.get(f"/api/job/{job_id}/results/echo/output/page.html").headers

    assert headers["Content-Disposition"].startswith('attachment; filename="page.html"')
    assert headers["Content-Security-Policy"].startswith("sandbox")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_table_among_the_results_may_be_shown(site: Site, job_id: str) -> None:
    headers = site.http.get(f"/api/job/{job_id}/results/{PATH}").headers

    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"].startswith("inline")
    assert headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    "path", ["echo/output/absent", "../../store", "echo/output/../../x", "%2e%2e/%2e%2e/etc/passwd"]
)
def test_what_is_no_result_is_not_found(site: Site, job_id: str, path: str) -> None:
    url = httpx2.URL(site.url).copy_with(raw_path=f"/api/job/{job_id}/results/{path}".encode())

    response = site.http.get(url)

    assert response.status_code == 404
    assert PATH in response.text or "nothing at" in response.text or "no job" in response.text


def test_a_damaged_result_is_not_sent_as_if_it_were_whole(site: Site, job_id: str) -> None:
    file = site.context.store.path(hashlib.sha256(TEXT).hexdigest())
    file.chmod(0o644)
    file.write_bytes(TEXT.replace(b"1.5", b"9.9"))

    response = site.http.get(f"/api/job/{job_id}/results/{PATH}")

    assert response.status_code == 500
    assert b"9.9" not in response.content


def test_a_large_damaged_result_breaks_off(site: Site) -> None:
    content = os.urandom(5 << 20)
    job_id = site.finished({"text.bin": content})
    file = site.context.store.path(hashlib.sha256(content).hexdigest())
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.write(b"damaged!")

    with pytest.raises(httpx2.TransportError):
        site.http.get(f"/api/job/{job_id}/results/echo/output/text.bin")


def test_a_damaged_result_breaks_off_the_archive(site: Site) -> None:
    content = os.urandom(5 << 20)
    job_id = site.finished({"text.bin": content})
    file = site.context.store.path(hashlib.sha256(content).hexdigest())
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.write(b"damaged!")

    with pytest.raises(httpx2.TransportError):
        site.http.get(f"/api/job/{job_id}/results.zip")


def test_the_archive_has_results_logs_and_the_job(site: Site, job_id: str) -> None:
    response = site.http.get(f"/api/job/{job_id}/results.zip")

    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [
            "echo/log.txt",
            "echo/output/page.html",
            PATH,
            "job.json",
            "provenance.json",
        ]
        assert archive.read(PATH) == TEXT
        assert archive.read("echo/log.txt") == b"done\n"
        assert json.loads(archive.read("job.json"))["id"] == job_id
        made = json.loads(archive.read("provenance.json"))
        assert [file["path"] for file in made["steps"][0]["outputs"]] == ["page.html", "tables/cost.csv"]


def test_results_of_a_job_without_any_are_an_empty_list(site: Site) -> None:
    assert site.http.get(f"/api/job/{site.job()}/results").json() == []


def test_the_archive_is_made_a_piece_at_a_time() -> None:
    content = os.urandom(8 << 20)
    entries = [Entry(f"{n}.bin", datetime.now(UTC), len(content), open=lambda: io.BytesIO(content)) for n in range(4)]

    pieces = list(zip_stream(entries))

    assert max(map(len, pieces)) < 3 << 20
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert [archive.read(name) == content for name in archive.namelist()] == [True] * 4
