"""The log of a job: whole, by range, from the end, and while it grows."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from calculation_engine.api.joblog import Log, Piece
from calculation_engine.db.rows import JobChange, StepEnd
from calculation_engine.states import State
from tests.api.conftest import Site, wait_until

FLOW = {
    "processes": [{"name": "one", "module": "idle"}, {"name": "two", "module": "echo"}],
    "components": [{"type": "group", "name": "both", "group": ["one", "two"]}],
}


def follow(site: Site, path: str, seen: bytearray, **headers: str) -> threading.Thread:
    def read() -> None:
        with site.http.stream("GET", path, headers=headers) as response:
            for chunk in response.iter_bytes():
                seen.extend(chunk)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def test_the_log_of_a_job_that_has_not_started_is_empty(site: Site) -> None:
    response = site.http.get(f"/api/job/{site.job()}/log")

    assert (response.status_code, response.text) == (200, "")


def test_the_log_is_text_that_a_browser_takes_for_nothing_else(site: Site) -> None:
    response = site.http.get(f"/api/job/{site.finished({}, b'<script>')}/log")

    assert response.text == "<script>"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize(
    ("asked", "status", "text", "told"),
    [
        ("bytes=0-4", 206, "first", "bytes 0-4/18"),
        ("bytes=6-", 206, "second\nthird", "bytes 6-17/18"),
        ("bytes=-5", 206, "third", "bytes 13-17/18"),
        ("bytes=6-999", 206, "second\nthird", "bytes 6-17/18"),
        ("bytes=0-1,3-4", 200, "first\nsecond\nthird", None),
        ("lines=1-2", 200, "first\nsecond\nthird", None),
        ("bytes=4-2", 200, "first\nsecond\nthird", None),
    ],
)
def test_a_range_of_the_log_is_sent(site: Site, asked: str, status: int, text: str, told: str | None) -> None:
    job_id = site.finished({}, b"first\nsecond\nthird")

    response = site.http.get(f"/api/job/{job_id}/log", headers={"Range": asked})

    assert (response.status_code, response.text) == (status, text)
    assert response.headers.get("Content-Range") == told


@pytest.mark.parametrize("asked", ["bytes=3-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(site: Site, asked: str) -> None:
    job_id = site.finished({}, b"abc")

    response = site.http.get(f"/api/job/{job_id}/log", headers={"Range": asked})

    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */3"


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        (b"a\nb\nc\n", 1, b"c\n"),
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc", 2, b"b\nc"),
        (b"a\nb\nc\n", 9, b"a\nb\nc\n"),
        (b"", 3, b""),
        (b"\n\n\n", 2, b"\n\n"),
        (b"x" * 200_000 + b"\nend\n", 1, b"end\n"),
        (b"start\n" + b"x" * 200_000 + b"\nend\n", 2, b"x" * 200_000 + b"\nend\n"),
    ],
)
def test_the_last_lines_are_found_from_the_end(text: bytes, lines: int, expected: bytes) -> None:
    cut = len(text) // 3
    log = Log([Piece(cut, heading=text[:cut]), Piece(len(text) - cut, heading=text[cut:])])

    assert text[log.start_of_tail(lines) :] == expected


def test_the_last_lines_are_sent(site: Site) -> None:
    job_id = site.finished({}, b"".join(b"line %d\n" % n for n in range(1000)))

    assert site.http.get(f"/api/job/{job_id}/log?tail=2").text == "line 998\nline 999\n"


def test_logs_of_several_steps_stand_under_their_names(site: Site) -> None:
    job_id = site.job(FLOW)
    steps = {step.path: step for step in site.database.steps.of_job(job_id)}
    site.print(steps["one"], b"1\n")
    site.print(steps["two"], b"2\n")

    whole = site.http.get(f"/api/job/{job_id}/log").text

    assert whole == "==> one <==\n1\n==> two <==\n2\n"
    assert site.http.get(f"/api/job/{job_id}/log", params={"step": "two"}).text == "2\n"
    absent = site.http.get(f"/api/job/{job_id}/log", params={"step": "three"})
    assert absent.status_code == 404
    assert "one, two" in absent.json()["hint"]


def test_a_log_is_followed_until_the_job_has_ended(site: Site) -> None:
    job_id = site.job()
    step = site.start(job_id)
    site.print(step, b"before\n")
    seen = bytearray()
    thread = follow(site, f"/api/job/{job_id}/log?follow=1", seen)
    wait_until(lambda: seen == b"before\n")

    site.print(step, b"while\n")
    wait_until(lambda: seen == b"before\nwhile\n")
    site.print(step, b"last")
    site.end(step)

    thread.join(20)
    assert seen == b"before\nwhile\nlast"


def test_followed_logs_of_several_steps_change_under_headings(site: Site) -> None:
    job_id = site.job(FLOW)
    claimed = {step.path: step for step in site.database.steps.claim("test", ["local"], 10, 60)}
    seen = bytearray()
    thread = follow(site, f"/api/job/{job_id}/log?follow=true", seen)
    wait_until(lambda: seen == b"==> one <==\n==> two <==\n")
    for path, text in (("one", b"a\n"), ("two", b"b\n"), ("one", b"c\n")):
        site.print(claimed[path], text)
        wait_until(partial(seen.endswith, text))
    for step in claimed.values():
        assert step.lease_token
        site.database.steps.end(step.id, step.lease_token, StepEnd(State.FAILED))
    ((_, counter),) = site.database.jobs.due(10)
    site.database.jobs.plan(job_id, counter, [], JobChange(State.FAILED))

    thread.join(20)
    whole = seen.decode()
    assert whole.index("==> one <==\na\n") < whole.index("==> two <==\nb\n") < whole.index("==> one <==\nc\n")


def test_followers_that_hang_up_leave_nothing_behind(site: Site) -> None:
    job_id = site.job()
    site.start(job_id)
    for _ in range(40):
        with site.http.stream("GET", f"/api/job/{job_id}/log?follow=1") as response:
            assert response.status_code == 200

    assert site.http.get(f"/api/job/{job_id}").status_code == 200
