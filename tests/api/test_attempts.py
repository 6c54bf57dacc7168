"""Attempts over HTTP: where each was begun, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from calculation_engine.db.rows import StepEnd, StepRow
from calculation_engine.states import Reason, State
from tests.api.conftest import HOST, Site


def twice(site: Site) -> list[StepRow]:
    """Play the engine: start all queued steps, lose them, and start them again."""
    steps = site.database.steps
    for is_lost in (True, False):
        claimed = steps.claim("test", ["local"], 10, 60)
        for step in claimed:
            assert step.lease_token
            new: dict[str, Any] = {
                "attempt_increment": True,
                "spec": {},
                "key": None,
                "module_version": "1",
                "host": HOST,
                "image": None,
            }
            steps.begin(step.id, step.lease_token, **new)
            if is_lost:
                steps.requeue(step.id, step.lease_token, Reason.LOST, "its container is gone", 0)
    return claimed


def test_each_attempt_tells_its_place_its_times_and_how_it_ended(site: Site) -> None:
    job_id = site.job()
    [step] = twice(site)

    reply = site.http.get(f"/api/job/{job_id}/attempts").raise_for_status().json()
    first, second = reply["attempts"]
    assert step.lease_token
    site.database.steps.end(step.id, step.lease_token, StepEnd(State.FAILED, Reason.EXIT_CODE, "it stopped", 3))
    ended = site.http.get(f"/api/job/{job_id}/attempts", params={"step": "echo"}).json()["attempts"][1]

    assert (reply["job"], reply["next"]) == (job_id, None)
    assert [(one["path"], one["step"], one["number"], one["host"]) for one in (first, second)] == [
        ("echo", step.id, 1, HOST),
        ("echo", step.id, 2, HOST),
    ]
    assert (first["state"], first["reason"], first["message"]) == ("failed", "lost", "its container is gone")
    assert first["begun"] <= first["ended"] <= second["begun"]
    assert (second["state"], second["ended"]) == (None, None)
    assert (ended["state"], ended["reason"], ended["message"], ended["exit_code"]) == (
        "failed",
        "exit_code",
        "it stopped",
        3,
    )


def test_attempts_come_in_pages_in_the_order_of_their_steps(site: Site) -> None:
    job_id = site.job({"processes": [{"name": name, "module": "echo"} for name in "ab"]})
    twice(site)

    address, found = f"/api/job/{job_id}/attempts?limit=1", []
    while address:
        page = site.http.get(address).raise_for_status().json()
        found += [(one["path"], one["number"]) for one in page["attempts"]]
        address = page["next"]

    assert found == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"step": "nothing"}, 404, "has no step 'nothing'"),
        ({"after": "x"}, 422, "the query parameters cannot be used"),
        ({"limit": "0"}, 422, "the query parameters cannot be used"),
    ],
)
def test_attempts_of_what_is_not_there_are_refused(site: Site, query: dict[str, str], status: int, told: str) -> None:
    reply = site.http.get(f"/api/job/{site.job()}/attempts", params=query)

    assert reply.status_code == status
    assert told in reply.json()["detail"]
