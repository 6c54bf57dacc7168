"""Writes out the sweeps of a request, checks every row of them, and gives what is stored with the job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from calculation_engine.engine.intake.checker import Checker
from calculation_engine.engine.planning.cases import DESIGN, DESIGN_FILE
from calculation_engine.engine.planning.planner import sweeps_of
from calculation_engine.engine.planning.table import result_columns
from calculation_engine.errors import Fault, InvalidInput, pydantic_faults
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.module import Manifest, Slot
from calculation_engine.schemas.sweep import Sweep, TableDesign
from calculation_engine.schemas.workflow import Input, Process
from calculation_engine.sweeps.design import DesignTable, expand
from calculation_engine.sweeps.rows import RowMaker

_INPUT: TypeAdapter[Input] = TypeAdapter(Input)
_MOST_BYTES = 256 << 20
_FILE = Slot(label="design", path="design.csv", media_type="text/csv")


def check_sweeps(checker: Checker) -> None:
    """Note all that is wrong in the sweeps of a request, and keep their designs among its files."""
    for sweep in sweeps_of(checker.workflow):
        where = f"{checker.place(sweep.name)}.design"
        if checker.inputs.parts_follow and _is_part(sweep):
            continue
        try:
            design = expand(sweep, partial(_text, checker, where), where)
            maker = RowMaker(checker.workflow, sweep, design)
        except InvalidInput as error:
            inner = [fault if fault.path.startswith("workflow") else _below(where, fault) for fault in error.faults]
            checker.tell(inner or [Fault(where, error.message, error.hint)])
            continue
        _check_rows(checker, sweep, maker, where)
        checker.tell(list(_table_faults(checker, sweep)))
        if not checker.faults:
            checker.files[f"{sweep.name}/{DESIGN}"] = {DESIGN_FILE: _stored(checker, maker, design)}


def _is_part(sweep: Sweep) -> bool:
    """Return whether the design stands in a file that comes with the request."""
    return isinstance(sweep.design, TableDesign) and (sweep.design.file or {}).get("type") == "part"


def _table_faults(checker: Checker, sweep: Sweep) -> Iterator[Fault]:
    """Yield which tables of the rows mean no table."""
    for label, table in sweep.tables.items():
        module, where = checker.modules.get(table.process), f"{checker.place(sweep.name)}.tables.{label}.label"
        slots = {slot.label: slot for slot in module.manifest.outputs} if module else {}
        slot, known = slots.get(table.label), f"it has: {', '.join(slots) or 'none'}"
        if module is not None and slot is None:
            yield Fault(where, f"module {module.manifest.name} has no output {table.label!r}", known)
        elif slot is not None and (slot.kind, slot.media_type) != ("file", "text/csv"):
            yield Fault(where, f"output {table.label!r} is a {slot.kind} of {slot.media_type}, not a file of text/csv")


def _check_rows(checker: Checker, sweep: Sweep, maker: RowMaker, where: str) -> None:
    for number in range(1, len(maker.design.rows) + 1):
        told = f"row {number} of the sweep {sweep.name}: {maker.told(number)}"
        try:
            checker.check_row(maker.workflow(number), told)
        except InvalidInput as error:
            checker.tell([_placed(checker, fault, where) for fault in error.faults], told)
        if checker.is_full:
            return


def _placed(checker: Checker, fault: Fault, where: str) -> Fault:
    """Return a fault with the path that it has in the request: below the design, or below what the column sets."""
    name, _, rest = fault.path.partition(".")
    return (
        _below(where, fault) if name == "columns" else Fault(f"{checker.place(name)}.{rest}", fault.message, fault.hint)
    )


def _below(where: str, fault: Fault) -> Fault:
    return Fault(f"{where}.{fault.path}", fault.message, fault.hint)


def _stored(checker: Checker, maker: RowMaker, design: DesignTable) -> Blob:
    scalars = {
        name: [(s.name, s.unit, s.description) for s in module.manifest.scalars]
        for name, module in checker.modules.items()
        if module is not None
    }
    columns = result_columns(design, maker.workflow(1), scalars)
    document = {"design": design.as_dict(), "columns": [asdict(column) for column in columns]}
    return checker.inputs.store.put(json.dumps(document).encode())


def _text(checker: Checker, where: str, given: dict[str, Any]) -> str:
    """Return the text of the file that a design names."""
    where = f"{where}.file"
    try:
        one = _INPUT.validate_python(given)
    except ValidationError as error:
        raise InvalidInput("the design's file", faults=pydantic_faults(error.errors(), where)) from error
    process = Process(name="design", module="design", inputs={_FILE.label: one})
    files, faults = checker.inputs.resolve(process, _READER, checker.owner, where)
    if faults:
        told = [Fault(fault.path.replace(".inputs.design", ""), fault.message, fault.hint) for fault in faults]
        raise InvalidInput("the design's file", faults=told)
    [blob] = files.values()
    if blob.size > _MOST_BYTES:
        raise InvalidInput("the design's file", faults=[Fault(where, f"{blob.size} bytes; at most {_MOST_BYTES}")])
    try:
        with checker.inputs.store.open(blob.sha256) as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: {error.reason} at byte {error.start}"
        raise InvalidInput("the design's file", faults=[Fault(where, message)]) from error


#: Stands for what reads the file of a design, where inputs are resolved.
_READER = Manifest.model_validate(
    {
        "name": "design", "version": "1", "title": "design", "licence": "", "source": "", "command": ["true"],
        "image": {"repository": "", "tag": ""}, "inputs": [_FILE.model_dump()],
    }
)  # fmt: skip
