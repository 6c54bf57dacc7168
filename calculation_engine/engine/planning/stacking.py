"""Tables that the rows of a sweep left, under each other in one file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from calculation_engine.db.rows import RowEnd
from calculation_engine.engine.planning.table import cell_text
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.sweep import RowTable
from calculation_engine.states import State
from calculation_engine.sweeps.design import DesignTable

#: Bytes of the tables of all rows together, at most.
MOST_BYTES = 256 << 20


def rows_files(sweep: str, table: RowTable, ends: Sequence[RowEnd], found: Mapping[str, Blob]) -> dict[int, Blob]:
    """Return the file of each row that succeeded and has one, by its number.

    Args:
        sweep: its name.
        table: which output is meant.
        ends: how the rows ended.
        found: the files with the output's label by the path of their step.
    """
    files: dict[int, Blob] = {}
    for end in (end for end in ends if end.state is State.SUCCEEDED):
        places = [f"{sweep}/{end.number}"]
        places += [f"{loop['component']}/{loop['solution']}" for loop in end.result["loops"] if loop["solution"]]
        blob = next((found[path] for path in (f"{place}/{table.process}" for place in places) if path in found), None)
        if blob is not None:
            files[end.number] = blob
    return files


def stacked(design: DesignTable, files: Mapping[int, Blob], read: Callable[[Blob], bytes], process: str) -> str:
    """Return one CSV table of the rows of many, each led by the number and the cells of its row of the design.

    A column that one of the files lacks is blank there; one that is called as a column of the design is led by the
    name of the process.

    Raises:
        InvalidInput: the files are too large together, or one is no CSV table.
    """
    size = sum(blob.size for blob in files.values())
    if size > MOST_BYTES:
        raise InvalidInput(f"{size} bytes in {len(files)} rows; at most {MOST_BYTES} are put into one table")
    leading = ["row", *(column.name for column in design.columns)]
    columns: dict[str, None] = {}
    lines = []
    for number in sorted(files):
        head, *body = _parsed(read(files[number]), number) or [[]]
        names = [f"{process}.{name}" if name in leading else name for name in head]
        columns |= dict.fromkeys(names)
        cells = [number, *map(cell_text, design.rows[number - 1])]
        lines += [(cells, dict(zip(names, line, strict=False))) for line in body]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*leading, *columns])
    writer.writerows([*cells, *(line.get(name) for name in columns)] for cells, line in lines)
    return text.getvalue()


def _parsed(content: bytes, number: int) -> list[list[str]]:
    try:
        return [line for line in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"row {number}: its file is no CSV table: {error}") from error
