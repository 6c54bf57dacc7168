"""Two jobs held against each other, and the server that answers others meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.cli.session import embedded_client
from calculation_engine.client import Client, Job
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.settings import Settings

MANIFEST = """
name: tables
version: "{version}"
title: Writes a table and a summary
licence: Apache-2.0
source: https://example.org/tables
command: [sh, "{{module}}/run.sh"]
image: {{repository: calculation-engine/tables, tag: "1"}}
inputs:
- {{label: data, path: data.csv, media_type: text/csv}}
outputs:
- {{label: table, path: table.csv, media_type: text/csv, columns: [{{name: VALUE}}]}}
- {{label: summary, path: summary.json, media_type: application/json, required: false}}
config_schema: {{type: object}}
"""
RUN = """
printf 'code: 200\\n' > output/status.yaml
cp input/data.csv output/table.csv
printf '{"rows": %s}' "$(wc -l < input/data.csv)" > output/summary.json
"""
FIRST = "TECH,YEAR,VALUE\nsolar,2030,1.5\nwind,2030,2\ncoal,2030,4\n"
SECOND = "TECH,YEAR,VALUE\nwind,2030,2.5\nsolar,2030,1.5\ngas,2030,3\nhydro,2030,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    module = tmp_path / "modules" / "tables"
    module.mkdir(parents=True)
    (module / "module.yaml").write_text(MANIFEST.format(version="1.0.0"))
    (module / "run.sh").write_text(RUN)
    return module


@pytest.fixture
def client(tmp_path: Path, folder: Path) -> Iterator[Client]:
    settings = Settings(data_dir=tmp_path / "data", module_path=[folder.parent])
    with embedded_client(settings, engine=True) as client:
        yield client


def run(client: Client, data: str, name: str = "tables", **process: Any) -> Job:
    given = {"name": name, "module": "tables", "inputs": {"data": {"type": "inline", "text": data}}, **process}
    return client.submit({"processes": [given]}).wait(60)


def test_job_is_the_same_as_one_that_was_asked_for_the_same(client: Client) -> None:
    diff = run(client, FIRST).diff(run(client, FIRST))

    assert (diff.same, diff.settings, diff.versions, diff.inputs, diff.results) == (True, [], [], [], [])
    assert diff.counts.same == 3
    assert diff.sentence == "settings, versions, inputs and all 3 results are the same"
    [pair] = diff.steps
    assert pair.a is not None
    assert pair.b is not None
    assert (pair.a.reused, pair.b.reused, pair.b.seconds) == (False, True, None)


def test_everything_that_differs_is_told_with_its_place(client: Client, folder: Path) -> None:
    first = run(client, FIRST, config={"scale": [{"factor": 2}]})
    (folder / "module.yaml").write_text(MANIFEST.format(version="1.1.0"))
    diff = first.diff(run(client, SECOND, config={"scale": [{"factor": 3}]}))

    assert [str(change) for change in diff.settings] == ["processes.tables.config.scale[0].factor: 2 → 3"]
    assert {version.what: [file.path for file in version.files] for version in diff.versions} == {
        "version": [],
        "content": ["tables/module.yaml"],
    }
    assert [(file.step, file.path, file.change) for file in diff.inputs] == [("tables", "data.csv", "changed")]
    summary, table = diff.results
    assert summary.document is not None
    assert summary.document.largest_absolute is not None
    assert (summary.document.largest_absolute.path, summary.document.largest_absolute.absolute) == ("rows", 1)
    assert table.path == "tables/output/table.csv"
    assert table.table is not None
    assert (table.table.keys, table.table.only_a, table.table.only_b) == (["TECH"], 1, 2)
    value = next(column for column in table.table.columns if column.column == "VALUE")
    assert value.largest_absolute is not None
    assert (value.largest_absolute.row, value.largest_absolute.difference) == ({"TECH": "wind"}, 0.5)
    assert diff.sentence == "differing: 1 setting, 2 versions, 1 input file, 2 results"


def test_numbers_may_lie_apart_as_far_as_asked(client: Client) -> None:
    a, b = run(client, FIRST), run(client, FIRST.replace("1.5", "1.51"))

    assert a.diff(b).counts.differs == 1
    near = a.diff(b, relative=0.01)
    assert (near.counts.differs, near.counts.close) == (0, 1)
    assert (near.nearness.relative, near.same) == (0.01, False)


def test_steps_of_other_names_belong_together_where_each_job_has_one(client: Client) -> None:
    diff = run(client, FIRST, name="one").diff(run(client, FIRST, name="two"))

    assert (diff.counts.same, diff.counts.only_a, diff.settings) == (3, 0, [])


def test_results_are_left_out_where_not_asked_for(client: Client) -> None:
    diff = run(client, FIRST).diff(run(client, SECOND), results=False)

    assert (diff.results, len(diff.inputs)) == ([], 1)


def test_wrong_questions_are_answered_with_what_is_wrong(client: Client) -> None:
    job = run(client, FIRST)

    with pytest.raises(NotFound, match="no job"):
        job.diff("01900000-0000-7000-8000-00000000000f")
    with pytest.raises(InvalidInput) as caught:
        job.diff(job, relative=-1)
    assert "relative" in str(caught.value)


def test_others_are_answered_while_large_tables_are_compared(client: Client) -> None:
    rows = "".join(f"t{number},{number},{number}.5\n" for number in range(100_000))
    head = "TECH,YEAR,VALUE\n"
    a, b = run(client, head + rows), run(client, head + rows.replace("77777.5", "77777.75"))
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(a.diff(b))) for _ in range(4)]
    for thread in threads:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in threads):
        client.transport.json("GET", f"/job/{a.id}")
        answered += len(found) < 4
        time.sleep(0.02)
    for thread in threads:
        thread.join()

    assert answered >= 3
    for diff in found:
        table = next(file.table for file in diff.results if file.table)
        value = next(column for column in table.columns if column.column == "VALUE")
        assert (value.compared, value.differing, value.largest_absolute.difference) == (100_000, 1, 0.25)
