"""What queued steps are said to wait for, over HTTP; the test plays the engines."""

from __future__ import annotations

from typing import Any

import pytest

from calculation_engine.db.rows import Room, StepEnd, StepRow
from calculation_engine.engine.running.ledger import NO_ROOM
from calculation_engine.engine.steps.machine import RESERVED, Capacity
from calculation_engine.states import Reason, State
from tests.api.conftest import HOST, Site

GIB = 1 << 30
ENGINE = "an engine"


@pytest.fixture(autouse=True)
def _engine(site: Site) -> None:
    beat(site)


def beat(site: Site, **told: Any) -> None:
    """Say that an engine lives; what it has may be told differently."""
    capacity = Capacity(cpus=4.0, memory_bytes=8 * GIB, steps=3, machine_executors=("local",), module_limits={})
    site.database.engines.beat(ENGINE, HOST, ["local"], capacity.document() | told)


def process(name: str, cpu: float = 1.0, memory: int = GIB, **more: Any) -> dict[str, Any]:
    return {"name": name, "module": "echo", "resources": {"cpu": cpu, "memory": memory}, **more}


def held(site: Site, **values: Any) -> StepRow:
    """Store a job of one step that the engine takes."""
    job_id = site.job({"processes": [process("held", **values)]})
    [step] = site.database.steps.claim_for(ENGINE, ["local"], Room(1), 60).steps
    assert step.job_id == job_id
    return step


def wait_of(site: Site, job_id: str, step: str = "a") -> dict[str, Any]:
    """Return what a step waits for."""
    [told] = site.http.get(f"/api/job/{job_id}/why", params={"step": step}).raise_for_status().json()["steps"]
    assert told["waits"]["sentence"] in told["sentence"]
    return dict(told["waits"])


def token(step: StepRow) -> str:
    assert step.lease_token is not None
    return step.lease_token


def test_step_that_is_next_says_so(site: Site) -> None:
    wait = wait_of(site, site.job({"processes": [process("a")]}))

    assert (wait["kind"], wait["sentence"]) == ("turn", "it is next: an engine is about to take it")


def test_without_an_engine_it_says_how_to_start_one(site: Site) -> None:
    job_id = site.job({"processes": [process("a")]})
    site.database.engines.leave(ENGINE)

    wait = wait_of(site, job_id)

    assert wait["kind"] == "engine"
    assert "`ce engine`" in wait["sentence"]


@pytest.mark.parametrize(
    ("asked", "kind", "sentence"),
    [
        ({"cpu": 3.5}, "cores", f"waits for cores: it asks for 3.5, and 3 of the 4 of engine {HOST} are free"),
        (
            {"memory": 8 * GIB},
            "memory",
            f"waits for memory: it asks for 8 GiB, and 7 GiB of the 8 GiB of engine {HOST} are free",
        ),
    ],
)
def test_step_without_room_says_what_it_asks_for_and_what_is_free(
    site: Site, asked: dict[str, Any], kind: str, sentence: str
) -> None:
    held(site)

    wait = wait_of(site, site.job({"processes": [process("a", **asked)]}))

    assert (wait["kind"], wait["sentence"]) == (kind, sentence)


def test_step_larger_than_every_engine_says_so(site: Site) -> None:
    job_id = site.job({"processes": [process("a", cpu=4.0)]})
    beat(site, cpus=2.0)

    assert wait_of(site, job_id)["kind"] == "machine"


def test_engine_with_its_hands_full_is_named(site: Site) -> None:
    for _ in range(3):
        held(site, cpu=0.5)

    wait = wait_of(site, site.job({"processes": [process("a", cpu=0.5)]}))

    assert wait["kind"] == "steps_at_once"
    assert "3 steps" in wait["sentence"]


def test_limit_of_a_module_is_named(site: Site) -> None:
    beat(site, module_limits={"echo": 1})
    held(site)

    wait = wait_of(site, site.job({"processes": [process("a")]}))

    assert wait["kind"] == "module_limit"
    assert wait["sentence"] == "1 steps of module echo run, and `module_limits` allows 1 at once"


def test_room_kept_for_another_step_is_told(site: Site) -> None:
    beat(site, **{RESERVED: "another step"})

    assert wait_of(site, site.job({"processes": [process("a")]}))["kind"] == "reserved"


def test_turn_behind_earlier_steps_counts_them_and_names_the_first(site: Site) -> None:
    first = site.job({"processes": [process(f"s{n}") for n in range(3)]})
    job_id = site.job({"processes": [process("a"), process("b")]})

    wait = wait_of(site, job_id, "b")

    assert (wait["kind"], wait["ahead"]) == ("turn", 3)
    assert f"3 steps of local with module echo go before it, first s0 of job {first}" in wait["sentence"]


def test_larger_priority_is_told(site: Site) -> None:
    job_id = site.job({"processes": [process("a")]})
    site.job({"processes": [process("b")], "priority": 3})

    assert "steps of larger priority go first" in wait_of(site, job_id)["sentence"]


def test_back_off_says_why_and_until_when(site: Site) -> None:
    job_id = site.job({"processes": [process("a")]})
    step = site.start(job_id)
    site.database.steps.requeue(step.id, token(step), Reason.LOST, "its container is gone", 600)

    wait = wait_of(site, job_id)

    until = site.database.steps.get(step.id).not_before
    assert until is not None
    assert wait["kind"] == "back_off"
    assert wait["until"] == until.isoformat(timespec="seconds").replace("+00:00", "Z")
    assert wait["sentence"].startswith("attempt 1 failed (lost: its container is gone); it is tried again at ")


@pytest.mark.parametrize(
    ("message", "kind"), [(f"{NO_ROOM}: 1 GiB is free", "disk"), ("docker: it does not answer", "place")]
)
def test_step_given_back_unstarted_says_what_stood_in_its_way(site: Site, message: str, kind: str) -> None:
    step = held(site)
    site.database.steps.release(step.id, token(step), 60, message)

    wait = wait_of(site, step.job_id, "held")

    assert wait["kind"] == kind
    assert message in wait["sentence"]


def test_step_that_waits_for_an_equal_one_names_it(site: Site) -> None:
    first, second = held(site), held(site)
    for step in (first, second):
        site.database.steps.join(step.id, token(step), "k" * 64)

    wait = wait_of(site, second.job_id, "held")

    assert wait["kind"] == "equal_step"
    assert f"step {first.id} of job {first.job_id}" in wait["sentence"]


def test_step_that_was_taken_is_about_to_start(site: Site) -> None:
    assert wait_of(site, held(site).job_id, "held")["kind"] == "start"


def test_part_whose_inputs_are_missing_names_what_it_waits_for(site: Site) -> None:
    chain = {"type": "chain", "name": "all", "sequence": ["a", "b", "c"]}
    job_id = site.job({"processes": [process(name) for name in "abc"], "components": [chain]})
    [step] = site.database.steps.claim_for(ENGINE, ["local"], Room(1), 60).steps

    told = site.http.get(f"/api/job/{job_id}/why").json()
    alone = site.http.get(f"/api/job/{job_id}/why", params={"step": "c"}).json()

    assert [(part["name"], part["waits_for"]) for part in told["waiting"]] == [("b", ["a"]), ("c", ["b"])]
    assert told["waiting"][0]["sentence"] == "waits for a (queued) to succeed"
    assert (alone["steps"], alone["waiting"][0]["sentence"]) == ([], "waits for b (not begun) to succeed")
    site.database.steps.end(step.id, token(step), StepEnd(State.SUCCEEDED))
    then = site.http.get(f"/api/job/{job_id}/why").json()
    assert then["waiting"][0]["sentence"] == "what it needs is there; an engine is about to begin it"


def test_steps_that_ran_wait_for_nothing(site: Site) -> None:
    job_id = site.finished({"text.txt": b"x"})

    [told] = site.http.get(f"/api/job/{job_id}/why").json()["steps"]

    assert told["waits"] is None
