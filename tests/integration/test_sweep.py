"""A sweep runs a component over a table of values, and leaves one table."""

from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from calculation_engine.comparison.files import Comparer
from calculation_engine.db.rows import NewUpload
from calculation_engine.engine.explaining.jobdiff import JobDiffer
from calculation_engine.engine.intake.rerunning import Rerunner
from calculation_engine.errors import Conflict, InvalidInput
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.jobdiff import JobDiff
from calculation_engine.schemas.reuse import Nearness
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


def test_sweep_in_a_group_that_stops_ends_with_its_rows(system: System) -> None:
    document = body({"type": "table", "rows": [{"add.config.base": base} for base in range(1, 9)]}, {"wait": 600})
    document["processes"].append({"name": "bad", "module": "sum", "config": {"base": -1, "parts": []}})
    document["components"].append({"type": "group", "name": "all", "group": ["bad", "scan"], "on_failure": "stop"})

    job = system.ended(system.submit(document))

    steps = {step.path: step for step in system.steps(job.id)}
    assert (job.state, job.reason) == (State.FAILED, steps["bad"].reason)
    assert steps["scan"].state is State.CANCELLED
    rows = [step for path, step in steps.items() if path.startswith("scan/")]
    assert {(step.state, step.message) for step in rows} == {
        (State.CANCELLED, "bad failed, and its group all stops then")
    }


def test_every_fault_of_a_design_is_named_before_anything_is_stored(system: System) -> None:
    design: dict[str, Any] = {
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


def test_tables_of_all_rows_become_one_that_can_be_read(system: System) -> None:
    design = {"type": "grid", "columns": {"n": {"set": "add.config.base", "values": [1, 2]}}}
    document = body(design, tables={"parts": {"process": "add", "label": "parts"}})
    document["processes"].append(
        {
            "name": "count",
            "module": "sum",
            "config": {"base": 0, "parts": []},
            "pipes": {"table": {"process": "scan", "label": "parts"}},
        }
    )
    job = system.ended(system.submit(document))
    assert job.state is State.SUCCEEDED, job.message
    assert system.read(job.id, "scan/parts.csv") == "row,n,kind,add.n\n1,1,base,1\n1,1,part,2\n2,2,base,2\n2,2,part,2\n"
    assert json.loads(system.read(job.id, "count/total.json"))["rows"] == 4


def test_tables_that_no_row_can_have_are_refused(system: System) -> None:
    with pytest.raises(InvalidInput) as error:
        system.submit(
            body(GRID, tables={"totals": {"process": "add", "label": "total"}, "x": {"process": "add", "label": "y"}})
        )
    assert [fault.path for fault in error.value.faults] == [
        "workflow.components[0].tables.totals.label",
        "workflow.components[0].tables.x.label",
    ]
    with pytest.raises(ValidationError, match="the rows of the sweep have no process other"):
        system.submit(body(GRID, tables={"x": {"process": "other", "label": "y"}}))


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


def upload(system: System, text: str) -> str:
    blob, upload_id = system.parts.store.put(text.encode()), str(uuid4())
    new = NewUpload(upload_id, "local", "a.json", blob.size, blob.sha256, "application/json")
    system.parts.database.uploads.create(new)
    return upload_id


def test_same_job_again_is_known_whatever_its_uploads_are_called(system: System) -> None:
    submission = system.parts.context(system.engine.wake).submission
    job_id = str(uuid4())

    def submit(total: int, row: int) -> bool:
        values = {"one": {"type": "upload", "uuid": upload(system, f'{{"total": {row}}}')}}
        design = {"type": "grid", "columns": {"file": {"set": "add.inputs.more", "values": values}}}
        document = body(design, {"parts": []})
        document["processes"] += [{"name": "also", "module": "sum", "config": {"base": 0, "parts": []}}]
        document["processes"][1]["inputs"] = {
            "more": {"type": "upload", "uuid": upload(system, f'{{"total": {total}}}')}
        }
        return submission.submit(JobRequest.model_validate(document), "local", job_id)[1]

    assert submit(1, 1)
    assert not submit(1, 1)
    for total, row in ((2, 1), (1, 2)):
        with pytest.raises(Conflict):
            submit(total, row)


def test_neighbouring_loops_start_from_each_other_and_agree_on_what_is_right(system: System) -> None:
    slope, offsets = -0.55, [3.0, 3.1, 3.2]
    document = loop_body({"offset": 3.1, "slope": slope}, start=1.0)
    design = {"type": "grid", "columns": {"first.config.offset": offsets}}
    document["components"].append({"type": "sweep", "name": "scan", "component": "agree", "design": design})
    job = system.ended(system.submit(document), 100)
    assert job.state is State.SUCCEEDED, job.message
    rows = table(system, job.id)
    assert {row["agree.verdict"] for row in rows} == {"converged"}
    ends = system.parts.database.sweeps.ends(job.id)
    assert [end.result["loops"][0]["started_from"] for end in ends] == ["scan/2/agree", None, "scan/2/agree"]
    cold, *warm = (int(rows[number]["agree.evaluations"]) for number in (1, 0, 2))
    assert all(evaluations < cold for evaluations in warm)
    for end, offset in zip(ends, offsets, strict=True):
        [loop] = end.result["loops"]
        text = system.read(job.id, f"scan/{end.number}/agree/{loop['solution']}/second/answered.csv")
        assert float(text.splitlines()[1].split(",")[2]) == pytest.approx(offset / (1 - slope), rel=2e-4)


def difference(system: System, a: str, b: str) -> JobDiff:
    """Return what differs between two jobs."""
    parts = system.parts
    comparer = Comparer(parts.store.path, Nearness(), parts.settings.data_dir / "scratch")
    return JobDiffer(parts.database, comparer).diff(system.job(a), system.job(b))


def test_rows_of_two_sweeps_are_compared_by_what_they_set(system: System) -> None:
    def swept(*bases: float, extra: int = 0) -> str:
        parts = [{"n": 2}, {"n": extra}]
        design = {"type": "grid", "columns": {"add.config.base": list(bases)}}
        document = body(design, {"parts": parts}, tables={"parts": {"process": "add", "label": "parts"}})
        return system.ended(system.submit(document)).id

    first = swept(1.5, 2.5, 4.5)
    more = difference(system, first, swept(0.5, 1.5, 4.5))
    other = difference(system, first, swept(1.5, 2.5, 4.5, extra=1))

    pairs = {(pair.a and pair.a.path, pair.b and pair.b.path) for pair in more.steps}
    assert pairs == {
        ("scan/1/add", "scan/2/add"), ("scan/3/add", "scan/3/add"), ("scan/2/add", None), (None, "scan/1/add"),
        ("scan", "scan"),
    }  # fmt: skip
    tables = {file.path: file.table for file in more.results if file.table}
    for name, columns in {"table": ["state", "reason", "add.total", "add.largest"], "parts": ["n"]}.items():
        table = tables[f"scan/{name}.csv"]
        assert table.keys[0] == "add.config.base"
        assert (table.only_a > 0, table.only_b > 0) == (True, True)
        assert [column.column for column in table.columns if column.column not in table.keys] == columns
        assert not any(column.differing for column in table.columns)
    [total] = [
        c for f in other.results if f.path == "scan/table.csv" and f.table for c in f.table.columns if c.differing
    ]
    assert (total.column, total.differing) == ("add.total", 3)
    assert total.largest_absolute is not None
    assert total.largest_absolute.difference == 1


def test_sweep_and_loop_that_are_repeated_compute_the_same_again(system: System) -> None:
    design = {"type": "grid", "columns": {"first.config.offset": [3.0, 3.1]}}
    document = loop_body({"offset": 3.0, "slope": -0.05}, start=1.0)
    document["components"].append({"type": "sweep", "name": "scan", "component": "agree", "design": design})
    first = system.ended(system.submit(document), 100)
    parts = system.parts
    rerunner = Rerunner(parts.context(system.engine.wake).submission)

    again = system.ended(rerunner.rerun(first, "local").id, 100)

    assert again.state is State.SUCCEEDED, again.message
    steps = {step.path: step for step in system.steps(again.id)}
    assert steps.keys() == {step.path for step in system.steps(first.id)}
    computed = [step for path, step in steps.items() if path != "scan"]
    assert {step.attempt for step in computed} == {1}
    assert {step.reused_from for step in computed} == {None}
    counts = difference(system, first.id, again.id).counts
    assert counts.same > 0
    assert (counts.differs, counts.only_a, counts.only_b) == (0, 0, 0)


@pytest.mark.needs("docker")
def test_sweep_runs_in_containers_and_takes_what_they_left(system: System) -> None:
    process = {"name": "probe", "module": "probe", "config": {"note": "", "table": "good"}, "executor": "docker"}
    design = {"type": "grid", "columns": {"probe.config.note": ["a", "b", "c"]}}
    sweep = {"type": "sweep", "name": "scan", "component": "probe", "design": design}
    sweep["tables"] = {"values": {"process": "probe", "label": "table"}}
    document = {"processes": [process], "components": [sweep]}

    first, second = (system.ended(system.submit(document), 100) for _ in range(2))

    assert first.state is State.SUCCEEDED, first.message
    assert system.read(first.id, "scan/values.csv") == "row,probe.config.note,VALUE\n1,a,1\n2,b,1\n3,c,1\n"
    ran, taken = ({step.path: step for step in system.steps(job.id) if step.path != "scan"} for job in (first, second))
    assert {(step.attempt, step.executor) for step in ran.values()} == {(1, "docker")}
    assert {path: step.reused_from for path, step in taken.items()} == {path: step.id for path, step in ran.items()}
