"""Which rows of two jobs' sweeps are the same: those that set the same, wherever they stand in their designs."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path

from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow
from calculation_engine.engine.planning.cases import DESIGN, DESIGN_FILE
from calculation_engine.sweeps.design import DesignTable


def designs_of(database: Database, job: JobRow, path: Callable[[str], Path]) -> dict[str, DesignTable]:
    """Return the designs of a job's sweeps by their names, as far as they are still stored.

    Args:
        database: where the job is.
        job: with its workflow.
        path: where a content is on disk.
    """
    found = {}
    for component in job.workflow.get("components", ()):
        if component.get("type") == "sweep":
            blob = database.jobs.files(job.id, f"{component['name']}/{DESIGN}").get(DESIGN_FILE)
            if blob is not None and path(blob.sha256).is_file():
                document = json.loads(path(blob.sha256).read_bytes())
                found[component["name"]] = DesignTable.from_dict(document["design"])
    return found


def common_columns(a: DesignTable, b: DesignTable) -> list[str]:
    """Return the names of the columns that both designs have, in the order of the first."""
    names = {column.name for column in b.columns}
    return [column.name for column in a.columns if column.name in names]


def same_rows(a: DesignTable, b: DesignTable) -> dict[int, int]:
    """Return the number that a row of ``b`` has in ``a``: that of the row with the same cells in the common columns.

    Rows with the same cells are matched in their order.
    """
    names = common_columns(a, b)
    waiting: dict[str, deque[int]] = defaultdict(deque)
    for number in range(1, len(a.rows) + 1):
        waiting[_cells(a, number, names)].append(number)
    found = {}
    for number in range(1, len(b.rows) + 1):
        rows = waiting.get(_cells(b, number, names))
        if rows:
            found[number] = rows.popleft()
    return found


def _cells(design: DesignTable, number: int, names: list[str]) -> str:
    cells = dict(zip((column.name for column in design.columns), design.rows[number - 1], strict=True))
    return json.dumps([cells[name] for name in names])
