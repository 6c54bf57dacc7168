"""How an attempt went: exit code, status file and declared outputs must agree, or the step failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.errors import Fault, pydantic_faults
from calculation_engine.executors.base import Exit
from calculation_engine.modules.checks import label_of, output_faults, table_faults
from calculation_engine.schemas.module import ModuleStatus
from calculation_engine.states import Reason, SolverStatus, State

STATUS_FILE = "status.yaml"
_MOST_STATUS_BYTES = 1 << 20
_NO_SOLUTION = {SolverStatus.INFEASIBLE, SolverStatus.UNBOUNDED, SolverStatus.INFEASIBLE_OR_UNBOUNDED}


@dataclass(frozen=True)
class Outcome:
    """The state that an attempt's end means."""

    state: State
    reason: Reason | None = None
    message: str = ""
    verdict: dict[str, Any] | None = None


def judge(spec: StepSpec, end: Exit, folder: Path, paths: Iterable[str]) -> Outcome:
    """Return what an attempt's end means.

    Args:
        spec: of the step.
        end: how its program ended.
        folder: its collected ``output/`` tree.
        paths: the files in it, relative.
    """
    if end.reason is Reason.CANCELLED:
        return Outcome(State.CANCELLED, Reason.CANCELLED, "cancelled on request")
    if end.reason is not None:
        return Outcome(State.FAILED, end.reason, end.message)
    status = _read_status(folder / STATUS_FILE)
    if isinstance(status, str):
        return _without_status(end, status)
    verdict = status.verdict
    if status.code >= 400 and end.exit_code != 0:
        return Outcome(State.FAILED, _reason(status), status.message or f"status code {status.code}", verdict)
    if status.code >= 300 or end.exit_code != 0:
        message = f"the status file says {status.code}, but the exit code is {end.exit_code}"
        return Outcome(State.FAILED, Reason.EXIT_CODE if end.exit_code else Reason.MODULE_ERROR, message, verdict)
    faults = [*output_faults(spec.outputs, paths), *_header_faults(spec, folder, paths)]
    if faults:
        return Outcome(State.FAILED, Reason.OUTPUT_MISSING, "; ".join(map(str, faults)), verdict)
    return Outcome(State.SUCCEEDED, None, status.message, verdict)


def _without_status(end: Exit, why: str) -> Outcome:
    if end.exit_code:
        signal = f" (signal {end.exit_code - 128})" if 128 < end.exit_code < 160 else ""
        message = f"ended with exit code {end.exit_code}{signal}; its log says why"
        return Outcome(State.FAILED, Reason.EXIT_CODE, message)
    return Outcome(State.FAILED, Reason.OUTPUT_MISSING, why)


def _read_status(path: Path) -> ModuleStatus | str:
    where = f"output/{STATUS_FILE}"
    if not path.is_file():
        return f"{where}: the module ended without writing it"
    try:
        with path.open("rb") as file:
            return ModuleStatus.model_validate(yaml.safe_load(file.read(_MOST_STATUS_BYTES)))
    except yaml.YAMLError as error:
        return f"{where}: not readable as YAML: {error}"
    except ValidationError as error:
        return f"{where}: {'; '.join(map(str, pydantic_faults(error.errors())))}"


def _reason(status: ModuleStatus) -> Reason:
    if status.code >= 500:
        return Reason.MODULE_ERROR
    said = (status.verdict or {}).get("status")
    return Reason.NO_SOLUTION if status.code == 422 or said in _NO_SOLUTION else Reason.INPUT_INVALID


def _header_faults(spec: StepSpec, folder: Path, paths: Iterable[str]) -> list[Fault]:
    faults: list[Fault] = []
    for path in paths:
        slot = label_of(spec.outputs, path)
        if slot is not None and slot.columns:
            with (folder / path).open("rb") as file:
                faults += table_faults(slot.columns, file, f"output/{path}", values=False)
    return faults
