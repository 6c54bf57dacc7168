"""A sweep runs a component over a table of values, and leaves one table."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from pyarrow import parquet

from calculation_engine.errors import InvalidInput
from calculation_engine.states import Reason, State
from tests.integration.conftest import System
from tests.integration.test_loop import body as loop_body


def body(design: dict[str, Any], config: dict[str, Any] | None = None, **sweep: Any) -> dict[str, Any]:
    """Return a job that sweeps over a module that adds up."""
    return {
        "processes": [{"name": "add", "module": "sum", "config": {"base": 1, "parts": [{"n": 2}], **(config or {})}}],
        "components": [{"type": "sweep", "name": "scan", "component": "add", "design": design, **sweep}],
    }


GRID: dict[str, Any] = {
    "type": "grid",
    "columns": {
        "add.config.base": [1, 2, 3],
        "n": {"set": "add.config.parts[0].n", "values": [10, 20], "unit": "m"},
    },
}


def table(system: System, job_id: str, name: str = "scan") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(system.read(job_id, f"{name}/table.csv"))))


def test_grid_gives_one_table_of_design_and_scalars(system: System) -> None:
    job = system.ended(system.submit(body(GRID)))
    assert job.state is State.SUCCEEDED, job.message
    rows = table(system, job.id)
    assert [(r["add.config.base"], r["n"], float(r["add.total"])) for r in rows] == [
        (str(base), str(n), base + n) for base in (1, 2, 3) for n in (10, 20)
    ]
    assert {row["state"] for row in rows} == {"succeeded"}
    columns = {column["name"]: column for column in json.loads(system.read(job.id, "scan/columns.json"))}
    assert (columns["n"]["unit"], columns["add.total"]["unit"]) == ("m", "kg")
    [step] = [step for step in system.steps(job.id) if step.path == "scan"]
    [file] = [f for f in system.parts.database.steps.outputs_of(step.id) if f.path == "table.parquet"]
    stored = parquet.read_table(system.parts.store.path(file.sha256))
    assert stored.schema.field("add.total").metadata[b"unit"] == b"kg"
    assert stored.column("add.total").to_pylist() == [float(row["add.total"]) for row in rows]


def test_rows_are_stored_as_slots_allow(system: System) -> None:
    design = {"type": "random", "samples": 500, "columns": {"add.config.base": {"between": [0, 1]}}}
    job_id = system.submit(body(design, {"wait": 600}))
    system.wait(lambda: any(step.started for step in system.steps(job_id)))
    assert len(system.steps(job_id)) < 100
    system.cancel(job_id)
    job = system.ended(job_id)
    assert job.state is State.CANCELLED
    assert len(table(system, job_id)) == 500


def test_failed_rows_are_named_and_the_others_are_run(system: System) -> None:
    design = {"type": "table", "rows": [{"add.config.base": base} for base in (1, -1, 2)]}
    job = system.ended(system.submit(body(design)))
    assert (job.state, job.reason) == (State.FAILED, Reason.STEP_FAILED)
    assert "row 2 (add.config.base = -1): base is negative" in job.message
    assert [row["add.total"] for row in table(system, job.id)] == ["3", "", "4"]
    job = system.ended(system.submit(body(design, failed_rows="accept")))
    assert job.state is State.SUCCEEDED


def test_every_fault_of_a_design_is_named_before_anything_is_stored(system: System) -> None:
    design = {
        "type": "table",
        "columns": {"far": "add.config.parts[3].n", "who": "ad.config.base", "odd": "add.name"},
        "rows": [{"far": 1, "who": 2, "odd": 3, "add.config.base": "x"}],
    }
    with pytest.raises(InvalidInput) as error:
        system.submit(body(design))
    paths = [fault.path for fault in error.value.faults]
    assert paths == ["workflow.components[0].design.columns.who", "workflow.components[0].design.columns.odd"]
    del design["columns"]["who"], design["columns"]["odd"], design["rows"][0]["who"], design["rows"][0]["odd"]
    with pytest.raises(InvalidInput) as error:
        system.submit(body(design))
    assert "[3]" in str(error.value)
    with pytest.raises(InvalidInput) as error:
        system.submit(body({"type": "table", "rows": [{"add.config.base": 1}, {"add.config.base": "x"}]}))
    [fault] = error.value.faults
    assert fault.path == "workflow.processes[0].config.base"
    assert "row 2 of the sweep scan: add.config.base = x" in fault.message
    with pytest.raises(InvalidInput, match="at most 100,000"):
        system.submit(body({"type": "grid", "columns": {"add.config.base": {"between": [0, 1], "count": 100_001}}}))


def test_sweep_of_a_chain_reads_what_ran_before_and_its_table_can_be_read(system: System) -> None:
    def process(name: str, base: float, **pipes: dict[str, str]) -> dict[str, Any]:
        return {"name": name, "module": "sum", "config": {"base": base, "parts": []}, "pipes": pipes}

    total = {"label": "total"}
    design = {"type": "grid", "columns": {"add.config.base": [1, 2]}}
    document = {
        "processes": [
            process("first", 100),
            process("add", 1, more={"process": "first", **total}),
            process("again", 0, more={"process": "add", **total}),
            process("count", 0, table={"process": "scan", "label": "table"}),
        ],
        "components": [
            {"type": "chain", "name": "both", "sequence": ["add", "again"]},
            {"type": "sweep", "name": "scan", "component": "both", "design": design},
        ],
    }
    job = system.ended(system.submit(document))
    assert job.state is State.SUCCEEDED, job.message
    assert [row["again.total"] for row in table(system, job.id)] == ["101", "102"]
    assert json.loads(system.read(job.id, "count/total.json"))["rows"] == 2


def test_design_may_be_a_file_and_inputs_may_be_swept(system: System) -> None:
    values = {
        name: {"type": "inline", "text": json.dumps({"total": number})} for name, number in (("one", 1), ("two", 2))
    }
    design = {
        "type": "table",
        "columns": {"file": {"set": "add.inputs.more", "values": values}},
        "file": {"type": "inline", "text": "file,add.config.base\none,10\ntwo,20\n"},
    }
    job = system.ended(system.submit(body(design, {"parts": []})))
    assert job.state is State.SUCCEEDED, job.message
    assert [(row["file"], row["add.total"]) for row in table(system, job.id)] == [("one", "11"), ("two", "22")]


def scenarios(**sweep: Any) -> dict[str, Any]:
    document = loop_body({"offset": 3.1, "slope": -0.55}, start=1.0)
    columns = {"first.config.offset": {"between": [3.0, 3.7], "count": 8}}
    design = {"type": "grid", "columns": columns}
    document["components"].append({"type": "sweep", "name": "scan", "component": "agree", "design": design, **sweep})
    return document


def test_neighbouring_loops_start_from_each_other_and_agree_on_the_same(system: System) -> None:
    warm = system.ended(system.submit(scenarios()), 200)
    assert warm.state is State.SUCCEEDED, warm.message
    cold = system.ended(system.submit(scenarios(warm_start=False)), 200)
    counts = {}
    for job in (warm, cold):
        rows = table(system, job.id)
        assert {row["agree.verdict"] for row in rows} == {"converged"}
        counts[job.id] = sum(int(row["agree.evaluations"]) for row in rows)
    assert counts[warm.id] <= 0.75 * counts[cold.id]
    ends = {job.id: system.parts.database.sweeps.ends(job.id) for job in (warm, cold)}
    for one, other in zip(ends[warm.id], ends[cold.id], strict=True):
        solutions = [answer(system, job.id, end) for job, end in ((warm, one), (cold, other))]
        assert solutions[0] == pytest.approx(solutions[1], rel=2e-4)
        assert other.result["loops"][0]["started_from"] is None
    assert sum(end.result["loops"][0]["started_from"] is not None for end in ends[warm.id]) == 7


def answer(system: System, job_id: str, end: Any) -> float:
    [loop] = end.result["loops"]
    text = system.read(job_id, f"scan/{end.number}/agree/{loop['solution']}/second/answered.csv")
    return float(text.splitlines()[1].split(",")[2])
