"""Files over HTTP: alone, in forms, with the job that reads them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from calculation_engine.schemas.files import Upload
from tests.api.conftest import Site, wait_until


def incoming(site: Site) -> list[Path]:
    return list((site.context.settings.data_dir / "incoming").iterdir())


def job_files(site: Site, job_id: str) -> dict[str, bytes]:
    (step,) = site.database.steps.of_job(job_id)
    return {path: site.context.store.path(blob.sha256).read_bytes() for path, blob in step.files.items()}


def test_a_file_is_stored_under_its_hash(site: Site) -> None:
    content = os.urandom(3 << 20)

    response = site.http.put("/api/upload?name=data.bin", content=content)

    upload = Upload.model_validate(response.json())
    assert response.status_code == 201
    assert response.headers["Location"] == upload.link == f"/api/upload/{upload.uuid}"
    assert (upload.name, upload.size) == ("data.bin", len(content))
    assert upload.sha256 == hashlib.sha256(content).hexdigest()
    assert site.http.get(upload.link).json() == response.json()
    assert site.context.store.path(upload.sha256).read_bytes() == content
    assert incoming(site) == []


@pytest.mark.parametrize(
    ("headers", "name", "kind"),
    [
        ({}, "upload", "application/octet-stream"),
        (
            {"Content-Disposition": 'attachment; filename="a b.csv"', "Content-Type": "text/csv; x=y"},
            "a b.csv",
            "text/csv",
        ),
        ({"Content-Disposition": "attachment; filename*=UTF-8''%C3%A4.csv"}, "ä.csv", "application/octet-stream"),
        ({"Content-Disposition": 'attachment; filename="../../etc/passwd"'}, "passwd", "application/octet-stream"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "upload", "application/octet-stream"),
        ({"Content-Type": "text/<script>"}, "upload", "application/octet-stream"),
    ],
)
def test_name_and_type_of_a_file_are_taken_from_the_headers(
    site: Site, headers: dict[str, str], name: str, kind: str
) -> None:
    upload = site.http.put("/api/upload", content=b"x", headers=headers).json()

    assert (upload["name"], upload["media_type"]) == (name, kind)


def test_an_empty_file_is_a_file(site: Site) -> None:
    assert site.upload(b"")["size"] == 0


def test_a_file_in_a_form_is_stored(site: Site) -> None:
    response = site.http.put("/api/upload", files={"file": ("table.csv", b"a,b\n", "text/csv")})

    assert response.status_code == 201, response.text
    assert (response.json()["name"], response.json()["media_type"]) == ("table.csv", "text/csv")


def test_several_files_in_a_form_are_refused(site: Site) -> None:
    response = site.http.put("/api/upload", files={"a": b"1", "b": b"2"})

    assert response.status_code == 422
    assert site.http.get("/api/upload").json()["uploads"] == []


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(make_site: Callable[..., Site]) -> None:
    site = make_site(upload_limit="2MiB")

    def chunks():
        yield from (b"x" * 65536 for _ in range(40))

    told = site.http.put("/api/upload", content=b"x" * (3 << 20))
    untold = site.http.put("/api/upload", content=chunks())
    form = site.http.put("/api/upload", files={"file": b"x" * (3 << 20)})

    assert [reply.status_code for reply in (told, untold, form)] == [413, 413, 413]
    assert "2097152" in told.json()["detail"]
    wait_until(lambda: incoming(site) == [])


def test_an_upload_that_breaks_off_leaves_nothing(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"PUT /api/upload HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9000000\r\n\r\n".encode())
        connection.sendall(b"x" * (3 << 20))
        wait_until(lambda: len(incoming(site)) == 1)

    wait_until(lambda: incoming(site) == [])
    assert site.http.get("/api/upload").json()["uploads"] == []


def test_uploads_are_listed_by_pages_and_deleted(site: Site) -> None:
    ids = [site.upload(b"%d" % n)["uuid"] for n in range(3)]

    first = site.http.get("/api/upload?limit=2").json()
    second = site.http.get(first["next"]).json()

    assert [upload["uuid"] for upload in first["uploads"] + second["uploads"]] == ids[::-1]
    assert second["next"] is None
    assert site.http.delete(f"/api/upload/{ids[0]}").status_code == 204
    assert site.http.get(f"/api/upload/{ids[0]}").status_code == 404


def test_a_job_reads_an_upload(site: Site) -> None:
    upload = site.upload(b"hello")

    job_id = site.job({"module": "echo", "inputs": {"data": {"type": "upload", "uuid": upload["uuid"]}}})

    assert job_files(site, job_id)["data.txt"] == b"hello"


def test_a_job_that_names_an_unknown_upload_is_refused(site: Site) -> None:
    response = site.put({"module": "echo", "inputs": {"data": {"type": "upload", "uuid": str(uuid4())}}})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"] == "inputs.data"


def test_a_job_comes_with_its_files_in_one_form(site: Site) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("costs.csv", "VALUE\n1\n")
    job = {"module": "echo", "inputs": {"tables": {"type": "part", "name": "all"}}}

    response = site.http.put(
        "/api/job", files={"job": (None, json.dumps(job)), "data": b"hello", "all": ("all.zip", archive.getvalue())}
    )

    assert response.status_code == 201, response.text
    files = job_files(site, response.json()["id"])
    assert files == {"data.txt": b"hello", "tables/costs.csv": b"VALUE\n1\n"}


def test_archive_where_one_text_is_read_is_refused(site: Site) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("data.txt", "hello")
    upload = site.upload(archive.getvalue(), "folder.zip")

    reply = site.put({"module": "echo", "inputs": {"data": {"type": "upload", "uuid": upload["uuid"]}}})

    [fault] = reply.json()["faults"]
    assert (reply.status_code, fault["path"]) == (422, "inputs.data")
    assert fault["message"] == "expected one file of text, got the archive folder.zip: of a folder?"


def test_the_document_of_a_form_may_be_a_yaml_file(site: Site) -> None:
    response = site.http.put("/api/job", files={"job": ("job.yaml", b"module: echo\n"), "data": b"hello"})

    assert response.status_code == 201, response.text
    assert job_files(site, response.json()["id"]) == {"data.txt": b"hello"}


def test_the_same_form_again_is_the_same_job(site: Site) -> None:
    address = f"/api/job/{uuid4()}"
    form: dict[str, Any] = {"job": (None, json.dumps({"module": "echo"})), "data": b"hello"}

    first, second = site.http.put(address, files=form), site.http.put(address, files=form)
    other = site.http.put(address, files=form | {"data": b"bye"})

    assert [reply.status_code for reply in (first, second, other)] == [201, 200, 409]
    assert len(site.http.get("/api/upload").json()["uploads"]) == 1


def test_a_form_s_file_may_be_an_input_of_a_baseline_and_counts_by_its_content(site: Site) -> None:
    bridge = {"name": "table", "config": {"into": {"input": "data"}, "out_of": {"output": "text"}}}
    baseline = {"one": {"inputs": {"data": {"type": "part", "name": "base"}}}}
    loop = {"type": "loop", "name": "agree", "sequence": ["one"], "bridge": bridge, "baseline": baseline}
    flow = {"processes": [{"name": "one", "module": "echo"}], "components": [loop]}
    form: dict[str, Any] = {"job": (None, json.dumps(flow)), "base": b"hello"}
    job_id = str(uuid4())

    first, second = (site.http.put(f"/api/job/{job_id}", files=form) for _ in range(2))
    other = site.http.put(f"/api/job/{job_id}", files=form | {"base": b"bye"})

    assert [reply.status_code for reply in (first, second, other)] == [201, 200, 409], first.text
    files = site.database.jobs.files(job_id, "agree/baseline/one")
    assert {path: site.context.store.open(blob.sha256).read() for path, blob in files.items()} == {"data.txt": b"hello"}


def test_the_files_of_a_refused_form_are_not_kept(site: Site) -> None:
    response = site.http.put("/api/job", files={"job": (None, '{"module": "echo"}'), "dta": b"hello"})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"].startswith("inputs")
    assert site.http.get("/api/upload").json()["uploads"] == []


def test_a_file_of_a_form_that_no_process_reads_is_told(site: Site) -> None:
    flow = {"processes": [{"name": "one", "module": "echo"}]}

    response = site.http.put("/api/job", files={"job": (None, json.dumps(flow)), "data": b"hello"})

    assert response.status_code == 422
    assert response.json()["faults"] == [
        {
            "path": "data",
            "message": "no input refers to this part",
            "hint": 'write {"type": "part", "name": ...} where it belongs',
        }
    ]


@pytest.mark.parametrize(
    ("content", "kind", "word"),
    [
        (b"--b\r\n", "multipart/form-data", "boundary"),
        (b"nonsense", "multipart/form-data; boundary=b", "form"),
        (
            b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\nhel',
            "multipart/form-data; boundary=b",
            "breaks off",
        ),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", "name"),
        (
            b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            "job",
        ),
        (b"--b--\r\n", "multipart/form-data; boundary=b", "nothing"),
        (
            b'--b\r\nContent-Disposition: form-data; name="d"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
            "multipart/form-data; boundary=b",
            "twice",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            "image/png",
        ),
    ],
)
def test_a_form_that_is_none_is_refused_with_a_sentence(site: Site, content: bytes, kind: str, word: str) -> None:
    response = site.http.put("/api/job", content=content, headers={"Content-Type": kind})

    assert 400 <= response.status_code < 500
    assert word in response.text
    wait_until(lambda: incoming(site) == [])
