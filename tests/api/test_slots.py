"""Slots over HTTP: the last result stays until the newest job has one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from calculation_engine.states import State
from tests.api.conftest import Site


def test_last_result_stays_outdated_until_the_newest_job_has_one(site: Site) -> None:
    body = {"module": "echo", "slot": "the baseline/2030"}
    first = site.job(body)
    site.end(site.start(first), {"text.txt": b"x"})
    second = site.job(body)

    waiting = site.http.get("/api/slot/the%20baseline/2030").raise_for_status().json()
    site.end(site.start(second), {"text.txt": b"y"})
    done = site.http.get("/api/slot/the%20baseline/2030").raise_for_status().json()

    assert (waiting["newest"]["id"], waiting["result"]["id"], waiting["is_outdated"]) == (second, first, True)
    assert waiting["result"]["superseded_by"] == second
    assert (done["newest"]["id"], done["result"]["id"], done["is_outdated"]) == (second, second, False)


def test_slot_without_a_result_says_so(site: Site) -> None:
    job_id = site.job({"module": "echo", "slot": "a"})

    told = site.http.get("/api/slot/a").json()

    assert (told["newest"]["id"], told["newest"]["state"]) == (job_id, State.QUEUED)
    assert (told["result"], told["is_outdated"]) == (None, False)


def test_slot_that_nobody_used_or_that_is_somebody_elses_is_not_there(
    make_site: Callable[..., Site], tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("ann:token-of-ann-0123456789\nbob:token-of-bob-0123456789\n")
    site = make_site(tokens_file=tokens)
    site.job({"module": "echo", "slot": "a"}, Authorization="Bearer token-of-ann-0123456789")

    reply = site.http.get("/api/slot/a", headers={"Authorization": "Bearer token-of-bob-0123456789"})

    assert (reply.status_code, reply.json()["detail"]) == (404, "no job of bob has the slot 'a'")


def test_slots_are_listed_by_name_page_by_page_and_nobody_elses(make_site: Callable[..., Site], tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("ann:token-of-ann-0123456789\nbob:token-of-bob-0123456789\n")
    site = make_site(tokens_file=tokens)
    ann, bob = ({"Authorization": f"Bearer token-of-{name}-0123456789"} for name in ("ann", "bob"))
    jobs = [site.job({"module": "echo", "slot": slot}, **ann) for slot in ("b", "a/1 & 2", "b", "c")]
    site.job({"module": "echo", "slot": "0"}, **bob)
    site.job({"module": "echo"}, **ann)

    address, found, pages = "/api/slot?limit=2", [], 0
    while address:
        page = site.http.get(address, headers=ann).raise_for_status().json()
        found += [(slot["name"], slot["newest"]["id"], slot["result"]) for slot in page["slots"]]
        address, pages = page["next"], pages + 1

    assert (found, pages) == ([("a/1 & 2", jobs[1], None), ("b", jobs[2], None), ("c", jobs[3], None)], 2)


def test_slot_whose_newest_job_was_deleted_is_listed_with_its_last_result(site: Site) -> None:
    first = site.job({"module": "echo", "slot": "a"})
    site.end(site.start(first), {"text.txt": b"x"})
    second = site.job({"module": "echo", "slot": "a"})
    site.end(site.start(second), state=State.FAILED)
    site.http.delete(f"/api/job/{second}").raise_for_status()

    [slot] = site.http.get("/api/slot").json()["slots"]

    assert (slot["name"], slot["newest"], slot["result"]["id"], slot["is_outdated"]) == ("a", None, first, False)
