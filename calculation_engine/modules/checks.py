"""Whether a step's config, inputs and outputs are what its module declares."""

from __future__ import annotations

import csv
import fnmatch
import io
import math
from collections.abc import Iterable, Mapping, Set
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaFault

from calculation_engine.errors import Fault, join_path
from calculation_engine.modules.catalogue import Module
from calculation_engine.schemas.module import Column, InputSlot, Manifest, Slot

_MOST_FAULTS_A_TABLE = 20


def config_faults(module: Module, config: Mapping[str, Any], path: str) -> list[Fault]:
    """Return what is wrong in a config, against the module's JSON Schema.

    Args:
        module: whose schema it is.
        config: as the user gave it.
        path: where it stands in the request.
    """
    found = Draft202012Validator(module.config_schema).iter_errors(dict(config))
    return [_schema_fault(error, path) for error in sorted(found, key=lambda error: [str(p) for p in error.path])]


def label_faults(manifest: Manifest, given: Iterable[str], path: str) -> list[Fault]:
    """Return what is wrong in which inputs are given: unknown ones, absent ones, and those that do not go together."""
    labels = [slot.label for slot in manifest.inputs]
    known = f"the module {manifest.name} has: {', '.join(labels) or 'none'}"
    given = set(given)
    faults = [Fault(f"{path}.{label}", "there is no such input", known) for label in sorted(given - set(labels))]
    for slot in manifest.inputs:
        if slot.label in given:
            faults += _company_faults(slot, given, path)
        elif slot.required:
            faults.append(Fault(f"{path}.{slot.label}", "required, but absent", slot.description or None))
    for group in manifest.any_of:
        if given.isdisjoint(group):
            about = [
                f"{slot.label}: {slot.description or slot.path}" for slot in manifest.inputs if slot.label in group
            ]
            faults.append(Fault(path, f"give at least one of {', '.join(group)}", "; ".join(about)))
    return faults


def _company_faults(slot: InputSlot, given: Set[str], path: str) -> list[Fault]:
    """Return what an input that is given lacks or cannot stand beside it."""
    where = f"{path}.{slot.label}"
    absent = [label for label in slot.needs if label not in given]
    beside = [label for label in slot.excludes if label in given]
    return [
        *(Fault(where, f"means nothing without {label}", f"give {label} too") for label in absent),
        *(Fault(where, f"cannot be given together with {label}", "leave one of the two out") for label in beside),
    ]


def place(slot: Slot, names: list[str]) -> dict[str, str]:
    """Return where below ``input/`` the files given for an input stand.

    Args:
        slot: the declared input.
        names: paths of the files as they were given, relative to what was given.

    Raises:
        ValueError: they do not fit the declaration; the message says what was expected.
    """
    if slot.kind == "folder":
        return {name: f"{slot.path}/{name}" for name in names}
    if slot.kind == "file":
        if len(names) != 1:
            raise ValueError(f"expected one file, got {len(names)}")
        return {names[0]: slot.path}
    pattern = PurePosixPath(slot.path)
    wrong = [name for name in names if not fnmatch.fnmatch(PurePosixPath(name).name, pattern.name)]
    if wrong:
        raise ValueError(f"expected files named {pattern.name}, got {', '.join(sorted(wrong)[:5])}")
    return {name: str(pattern.parent / PurePosixPath(name).name) for name in names}


def label_of(slots: Iterable[Slot], path: str) -> Slot | None:
    """Return the declared output that a file below ``output/`` belongs to, or None."""
    for slot in slots:
        if slot.kind == "folder" and path.startswith(f"{slot.path}/"):
            return slot
        if path == slot.path or (slot.kind == "glob" and fnmatch.fnmatch(path, slot.path)):
            return slot
    return None


def output_faults(slots: Iterable[Slot], paths: Iterable[str]) -> list[Fault]:
    """Return the required outputs of which no file is there."""
    present = list(paths)
    return [
        Fault(f"output/{slot.path}", f"declared as output {slot.label!r}, but absent")
        for slot in slots
        if slot.required and not any(label_of([slot], path) for path in present)
    ]


def table_faults(columns: list[Column], file: BinaryIO, path: str, *, values: bool) -> list[Fault]:
    """Return what is wrong in a CSV table.

    Args:
        columns: the declared columns.
        file: the table, UTF-8.
        path: what the table is called in the answer.
        values: whether each value's type and range is checked, or the header alone.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text)
    try:
        header = next(reader, [])
        faults = [
            Fault(path, f"column {column.name} is absent", f"it has: {', '.join(header)}")
            for column in columns
            if column.required and column.name not in header
        ]
        if values and not faults:
            faults = _value_faults(columns, header, reader, path)
    except UnicodeDecodeError as error:
        return [Fault(path, f"not UTF-8: {error.reason} at byte {error.start}")]
    except csv.Error as error:
        return [Fault(f"{path}:{reader.line_num}", f"not readable as CSV: {error}")]
    finally:
        text.detach()
    return faults


def _value_faults(columns: list[Column], header: list[str], reader: Any, path: str) -> list[Fault]:
    places = [(column, header.index(column.name)) for column in columns if column.name in header]
    faults: list[Fault] = []
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if row and len(row) != len(header):
            faults.append(Fault(where, f"expected {len(header)} values, got {len(row)}"))
        elif row:
            faults += [fault for column, index in places if (fault := _value_fault(column, row[index], where))]
        if len(faults) >= _MOST_FAULTS_A_TABLE:
            return [*faults, Fault(path, "and perhaps more: only the first faults are listed")]
    return faults


def _value_fault(column: Column, value: str, where: str) -> Fault | None:
    unit = f" {column.unit}" if column.unit else ""
    if column.type in {"string", "boolean"}:
        wrong = column.type == "boolean" and value.lower() not in {"true", "false", "0", "1"}
        return Fault(where, f"{column.name}: expected true or false, got {value!r}") if wrong else None
    try:
        number = int(value) if column.type == "integer" else float(value)
    except ValueError:
        return Fault(
            where,
            f"{column.name}: expected {'a whole number' if column.type == 'integer' else 'a number'}, got {value!r}",
        )
    if not math.isfinite(number):
        return Fault(where, f"{column.name}: expected a finite number, got {value}")
    if column.minimum is not None and number < column.minimum:
        return Fault(where, f"{column.name}: expected at least {column.minimum:g}{unit}, got {value}")
    if column.maximum is not None and number > column.maximum:
        return Fault(where, f"{column.name}: expected at most {column.maximum:g}{unit}, got {value}")
    return None


def _schema_fault(error: SchemaFault, path: str) -> Fault:
    where = join_path(path, error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.schema, Mapping):
        known = sorted(error.schema.get("properties", {}))
        given: Any = error.instance
        extra = sorted(set(given) - set(known))
        return Fault(where, f"there is no such field: {', '.join(extra)}", f"known: {', '.join(known)}")
    hint = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    message = error.message if len(error.message) <= 300 else error.message[:300] + "…"
    return Fault(where, message, hint)
