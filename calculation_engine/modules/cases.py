"""Cases of modules: inputs with known answers, and how far an output is from them. Nothing is run here."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import yaml
from pydantic import Field, ValidationError

from calculation_engine.errors import InvalidInput, pydantic_faults
from calculation_engine.schemas.base import InnerPath, Schema
from calculation_engine.schemas.module import Manifest

CASE = "case.yaml"


class Tolerance(Schema):
    """How far a number may be from the expected one: the larger of the two."""

    relative: float = Field(default=0.0, ge=0)
    """Of the expected value [-]."""
    absolute: float = Field(default=1e-9, ge=0)
    """In the value's own unit; keeps an expected zero from being unreachable."""
    reason: str = ""
    """Why it is as wide as it is."""

    def allows(self, expected: float, got: float) -> bool:
        """Return whether ``got`` is near enough; a NaN never is."""
        return abs(got - expected) <= max(self.relative * abs(expected), self.absolute)


class ExpectedValue(Tolerance):
    """One number: in a JSON file by its pointer, or in a CSV table by its row and column."""

    output: InnerPath
    value: float
    pointer: str | None = None
    where: dict[str, str | int] = Field(default={})
    """Column -> value, for tables: the rows that count."""
    column: str = "VALUE"
    reduce: Literal["sum", "min", "max", "mean"] | None = None
    """How several rows become one number; absent: there must be exactly one."""


class ExpectedTable(Tolerance):
    """One column of a whole table; rows are matched on all other columns of the expected file."""

    output: InnerPath
    expected: InnerPath
    """A CSV file in the case's folder."""
    column: str = "VALUE"


class Expectation(Schema):
    """What must come out of a case."""

    code: int = 200
    verdict: str | None = None
    message: str | None = None
    """Regular expression that is found in the message."""
    values: list[ExpectedValue] = Field(default=[])
    tables: list[ExpectedTable] = Field(default=[])


class CaseFile(Schema):
    """The content of ``case.yaml``."""

    title: str
    source: str
    """Where the numbers come from, and their licence."""
    config: dict[str, Any] = Field(default={})
    inputs: dict[str, InnerPath] = Field(default={})
    """Label -> file or folder in the case's folder."""
    expect: Expectation


@dataclass(frozen=True)
class Case:
    """One case in its folder."""

    folder: Path
    content: CaseFile

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name


@dataclass(frozen=True)
class Difference:
    """One expectation that was not met."""

    where: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}"


def load_case(folder: Path) -> Case:
    """Return the case in a folder.

    Raises:
        InvalidInput: ``case.yaml`` is absent or has faults, or an input that it names is absent; each is named.
    """
    path = folder / CASE
    try:
        content = CaseFile.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        raise InvalidInput(f"{path} is no case", faults=pydantic_faults(error.errors())) from error
    named = [*content.inputs.values(), *(table.expected for table in content.expect.tables)]
    absent = [name for name in named if not (folder / name).exists()]
    if absent:
        raise InvalidInput(f"{path} names files that are not there: {', '.join(absent)}")
    return Case(folder, content)


def stage(case: Case, manifest: Manifest, folder: Path) -> None:
    """Fill ``folder`` as a module's working folder: ``input/`` with the config and the inputs, an empty ``output/``.

    Raises:
        InvalidInput: the case names an input that the module does not declare.
    """
    (folder / "output").mkdir(parents=True)
    (folder / "input").mkdir()
    (folder / "input" / "config.yaml").write_text(json.dumps(case.content.config, indent=1))
    for label, name in case.content.inputs.items():
        slot = manifest.find_input(label)
        if slot is None:
            raise InvalidInput(f"case {case.name}: the module {manifest.name} has no input {label!r}")
        source, target = case.folder / name, folder / "input" / slot.path
        if slot.kind == "glob":
            target = target.parent / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)


def compare(case: Case, output: Path) -> list[Difference]:
    """Return everything in an output folder that is not as the case expects."""
    expect = case.content.expect
    try:
        status = yaml.safe_load((output / "status.yaml").read_text())
    except FileNotFoundError:
        return [Difference("status.yaml", "the file", "nothing")]
    differences = _status_differences(expect, status)
    if differences and expect.code == 200:
        return differences
    for value in expect.values:  # noqa: PD011 no table
        differences += _value_differences(value, output)
    for table in expect.tables:
        differences += _table_differences(table, case.folder, output)
    return differences


def _status_differences(expect: Expectation, status: dict[str, Any]) -> list[Difference]:
    message = str(status.get("message", ""))
    verdict = (status.get("verdict") or {}).get("status")
    found = []
    if status.get("code") != expect.code:
        found.append(Difference("status.yaml code", str(expect.code), f"{status.get('code')}: {message}"))
    if expect.verdict is not None and verdict != expect.verdict:
        found.append(Difference("status.yaml verdict", expect.verdict, f"{verdict}: {message}"))
    if expect.message is not None and not re.search(expect.message, message):
        found.append(Difference("status.yaml message", f"a match of {expect.message}", message))
    return found


def _value_differences(value: ExpectedValue, output: Path) -> list[Difference]:
    selection = value.pointer if value.pointer is not None else ", ".join(f"{k}={v}" for k, v in value.where.items())
    where = f"{value.output} {selection}".strip()
    try:
        got = _json_value(value, output) if value.pointer is not None else _table_value(value, output)
    except (OSError, LookupError, ValueError, TypeError) as error:
        return [Difference(where, f"{value.value:.12g}", f"{type(error).__name__}: {error}")]
    return [] if value.allows(value.value, got) else [Difference(where, _text(value.value, value), f"{got:.12g}")]


def _json_value(value: ExpectedValue, output: Path) -> float:
    """Return the number at a JSON pointer (RFC 6901)."""
    found: Any = json.loads((output / value.output).read_text())
    for part in (value.pointer or "").split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = found[int(key)] if isinstance(found, list) else found[key]
    return float(found)


def _table_value(value: ExpectedValue, output: Path) -> float:
    table = pd.read_csv(output / value.output, dtype=dict.fromkeys(value.where, str))
    for column, wanted in value.where.items():
        table = table[table[column] == str(wanted)]
    if value.reduce is None:
        if len(table) != 1:
            raise ValueError(f"expected one row, found {len(table)}")
        return float(table[value.column].iloc[0])
    return float(getattr(table[value.column], value.reduce)())


def _table_differences(table: ExpectedTable, folder: Path, output: Path) -> list[Difference]:
    """Return the rows that differ, those that are absent and those that are too many."""
    expected = pd.read_csv(folder / table.expected)
    keys = [column for column in expected.columns if column != table.column]
    try:
        got = pd.read_csv(output / table.output)
        merged = expected.astype(dict.fromkeys(keys, str)).merge(
            got[[*keys, table.column]].astype(dict.fromkeys(keys, str)), on=keys, how="outer", suffixes=("", " got")
        )
    except (OSError, LookupError, ValueError) as error:
        return [Difference(table.output, f"the table {table.expected}", f"{type(error).__name__}: {error}")]
    found = []
    for row in merged.to_dict("records"):
        wanted, value = float(row[table.column]), float(row[f"{table.column} got"])
        if not table.allows(wanted, value):
            where = f"{table.output} {', '.join(f'{key}={row[key]}' for key in keys)}"
            found.append(Difference(where, _text(wanted, table), "nothing" if math.isnan(value) else f"{value:.12g}"))
    return found


def _text(expected: float, tolerance: Tolerance) -> str:
    if math.isnan(expected):
        return "no such row"
    return f"{expected:.12g} (relative {tolerance.relative:g}, absolute {tolerance.absolute:g})"
