"""The planner: what is ready, and how a job stands, for every order that a workflow can ask for."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calculation_engine.engine.planning.planner import Part, plan, stopped, stuck
from calculation_engine.schemas.workflow import Workflow
from calculation_engine.states import ENDED, Reason, State


def workflow(
    names: list[str], components: list[dict[str, Any]] | None = None, pipes: dict[str, str] | None = None
) -> Workflow:
    processes = [
        {
            "name": name,
            "module": "m",
            "pipes": {"x": {"process": (pipes or {})[name], "label": "y"}} if name in (pipes or {}) else {},
        }
        for name in names
    ]
    return Workflow.model_validate({"processes": processes, "components": components or []})


def ready(flow: Workflow, **states: State) -> list[str]:
    return plan(flow, [Part(name, state) for name, state in states.items()]).ready


CHAIN = {"type": "chain", "name": "all", "sequence": ["a", "side", "d"]}
GROUP = {"type": "group", "name": "side", "group": ["b", "c"]}


def test_processes_that_no_component_holds_run_side_by_side() -> None:
    assert ready(workflow(["a", "b"])) == ["a", "b"]


def test_chain_runs_one_after_the_other_and_a_group_in_it_side_by_side() -> None:
    flow = workflow(["a", "b", "c", "d"], [CHAIN, GROUP])
    assert ready(flow) == ["a"]
    assert ready(flow, a=State.RUNNING) == []
    assert ready(flow, a=State.SUCCEEDED) == ["b", "c"]
    assert ready(flow, a=State.SUCCEEDED, b=State.SUCCEEDED, c=State.RUNNING) == []
    assert ready(flow, a=State.SUCCEEDED, b=State.SUCCEEDED, c=State.SUCCEEDED) == ["d"]


def test_pipe_alone_orders_two_processes() -> None:
    flow = workflow(["a", "b"], pipes={"b": "a"})
    assert ready(flow) == ["a"]
    assert ready(flow, a=State.SUCCEEDED) == ["b"]


def test_failure_stops_what_depends_on_it_and_lets_the_rest_finish() -> None:
    flow = workflow(["a", "b", "c"], pipes={"b": "a"})
    result = plan(flow, [Part("a", State.FAILED, Reason.NO_SOLUTION, "infeasible"), Part("c", State.RUNNING)])
    assert (result.ready, result.state) == ([], State.RUNNING)
    result = plan(flow, [Part("a", State.FAILED, Reason.NO_SOLUTION, "infeasible"), Part("c", State.SUCCEEDED)])
    assert (result.state, result.reason, result.message) == (State.FAILED, Reason.NO_SOLUTION, "a: infeasible")


STOPPING = {"type": "group", "name": "side", "group": ["b", "row"], "on_failure": "stop"}
ROW = {"type": "chain", "name": "row", "sequence": ["c", "d"]}


def test_group_that_stops_ends_its_parts_after_a_failure_and_no_others() -> None:
    flow = workflow(["a", "b", "c", "d"], [STOPPING, ROW])
    parts = [Part("a", State.RUNNING), Part("b", State.FAILED, Reason.EXIT_CODE, "it broke"), Part("c", State.RUNNING)]

    why = "b failed, and its group side stops then"
    assert stopped(flow, parts) == {"c": why, "d": why}
    assert plan(flow, parts).ready == []


def test_group_that_stops_begins_nothing_more_and_fails_as_its_part_did() -> None:
    flow = workflow(["b", "c", "d"], [STOPPING, ROW])
    failed = Part("b", State.FAILED, Reason.EXIT_CODE, "it broke")

    assert plan(flow, [failed, Part("c", State.SUCCEEDED)]).ready == []
    result = plan(flow, [failed, Part("c", State.CANCELLED, Reason.CANCELLED)])
    assert (result.state, result.reason, result.message) == (State.FAILED, Reason.EXIT_CODE, "b: it broke")


def test_group_that_finishes_stops_nothing() -> None:
    flow = workflow(["b", "c", "d"], [STOPPING | {"on_failure": "finish"}, ROW])
    parts = [Part("b", State.FAILED), Part("c", State.SUCCEEDED)]

    assert stopped(flow, parts) == {}
    assert plan(flow, parts).ready == ["d"]


def test_cancelled_job_waits_for_what_runs_and_starts_nothing() -> None:
    flow = workflow(["a", "b"])
    assert plan(flow, [Part("a", State.RUNNING)], cancelled=True).state is State.RUNNING
    result = plan(flow, [Part("a", State.CANCELLED)], cancelled=True)
    assert (result.ready, result.state) == ([], State.CANCELLED)


def test_circle_of_chain_and_pipe_is_found() -> None:
    flow = workflow(["a", "b"], [{"type": "chain", "name": "all", "sequence": ["a", "b"]}], pipes={"a": "b"})
    assert stuck(flow) == ["a", "b"]


def test_loop_is_one_part_that_waits_for_what_its_participants_need() -> None:
    loop = {"type": "loop", "name": "agree", "sequence": ["b", "c"], "bridge": {"name": "table"}}
    flow = workflow(["a", "b", "c", "d"], [loop], pipes={"b": "a", "d": "c"})
    assert ready(flow) == ["a"]
    assert ready(flow, a=State.SUCCEEDED) == ["agree"]
    assert ready(flow, a=State.SUCCEEDED, agree=State.RUNNING) == []
    assert ready(flow, a=State.SUCCEEDED, agree=State.SUCCEEDED) == ["d"]


@st.composite
def forests(draw: st.DrawFn) -> Workflow:
    names = [f"p{number}" for number in range(draw(st.integers(1, 7)))]
    loose, components = list(names), []
    for number in range(draw(st.integers(0, 4))):
        chosen = draw(st.lists(st.sampled_from(loose), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(["chain", "group"]))
        components.append({"type": kind, "name": f"c{number}", "sequence" if kind == "chain" else "group": chosen})
        loose = [name for name in loose if name not in chosen] + [f"c{number}"]
    return workflow(names, components)


@given(flow=forests(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_job_ends_and_runs_each_process_at_most_once(flow: Workflow, data: st.DataObject) -> None:
    states: dict[str, State] = {}
    for _ in range(100):
        result = plan(flow, [Part(name, state) for name, state in states.items()])
        if result.state in ENDED:
            break
        for name in result.ready:
            assert name not in states
            states[name] = State.RUNNING
        running = [name for name, state in states.items() if state is State.RUNNING]
        name = data.draw(st.sampled_from(running))
        states[name] = data.draw(st.sampled_from([State.SUCCEEDED, State.SUCCEEDED, State.FAILED]))
    assert result.state in ENDED
    if result.state is State.SUCCEEDED:
        assert len(states) == len(flow.processes)
