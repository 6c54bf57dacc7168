"""Server-sent events of a job."""

from __future__ import annotations

import json
import threading
from typing import Any

from calculation_engine.schemas.event import Event
from tests.api.conftest import Site, wait_until


def events_of(text: str) -> list[Event]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if line) for block in text.split("\n\n")]
    found = [(block["id"], Event.model_validate(json.loads(block["data"]))) for block in blocks if "data" in block]
    assert all(told == str(event.id) for told, event in found)
    return [event for _, event in found]


def test_the_events_of_an_ended_job_are_all_sent_and_the_stream_ends(site: Site) -> None:
    job_id = site.finished({})

    response = site.http.get(f"/api/job/{job_id}/events")

    assert response.headers["Content-Type"] == "text/event-stream"
    events = events_of(response.text)
    assert events[0].kind == "job"
    assert events[-1].data["state"] == "succeeded"
    assert {event.kind for event in events} >= {"job", "step"}


def test_a_stream_goes_on_behind_the_last_event_that_was_seen(site: Site) -> None:
    job_id = site.finished({})
    events = events_of(site.http.get(f"/api/job/{job_id}/events").text)

    rest = site.http.get(f"/api/job/{job_id}/events", headers={"Last-Event-ID": str(events[1].id)})

    assert events_of(rest.text) == events[2:]


def test_a_stream_without_anything_left_tells_a_browser_not_to_come_back(site: Site) -> None:
    job_id = site.finished({})
    last = events_of(site.http.get(f"/api/job/{job_id}/events").text)[-1]

    assert site.http.get(f"/api/job/{job_id}/events", headers={"Last-Event-ID": str(last.id)}).status_code == 204


def test_events_come_while_the_job_runs(site: Site) -> None:
    job_id = site.job()
    seen: list[dict[str, Any]] = []

    def read() -> None:
        with site.http.stream("GET", f"/api/job/{job_id}/events") as response:
            seen.extend(json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    wait_until(lambda: len(seen) >= 1)
    step = site.start(job_id)
    wait_until(lambda: any(event["data"].get("state") == "running" for event in seen))
    site.end(step)

    thread.join(20)
    assert not thread.is_alive()
    assert seen[-1]["kind"] == "job"
    assert seen[-1]["data"]["state"] == "succeeded"


def test_a_wrong_last_event_id_is_refused(site: Site) -> None:
    response = site.http.get(f"/api/job/{site.job()}/events", headers={"Last-Event-ID": "x"})

    assert response.status_code == 422
    assert response.json()["faults"][0]["path"] == "Last-Event-ID"
