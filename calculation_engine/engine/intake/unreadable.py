"""A job that cannot be read as a whole: what is wrong in the parts that can be read is told with the rest, at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from calculation_engine.engine.intake.submission import Submission
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.schemas.job import JobRequest, request_faults
from calculation_engine.schemas.workflow import Process, Workflow

#: Counts as given, and its content is not looked at.
_GIVEN = {"type": "part", "name": "given"}
#: Components that give their processes nothing.
_PLAIN = ("chain", "group")


def unreadable(submission: Submission, document: dict[str, Any], error: ValidationError, owner: str) -> InvalidInput:
    """Return the error of a job that cannot be read, with every fault of its processes that can be told all the same.

    Args:
        submission: that the job was meant for.
        document: the job; files that come with the request count as given.
        error: why it cannot be read.
        owner: whose uploads and jobs it may read.
    """
    faults = request_faults(error)
    told = [fault.path for fault in faults]
    faults += [fault for fault in _own_faults(submission, document, owner) if not _is_told(fault.path, told)]
    return InvalidInput(
        "the job cannot be read", hint="`ce workflow schema` and /api/docs tell its form", faults=faults
    )


def _own_faults(submission: Submission, document: dict[str, Any], owner: str) -> Iterator[Fault]:
    """Yield what is wrong with processes whatever stands around them."""
    holder = document.get("workflow", document)
    holder = holder if isinstance(holder, dict) else {}
    listed, components = holder.get("processes"), holder.get("components", [])
    if "module" in document and "workflow" not in document:
        listed, components = [document], []
    is_whole = isinstance(components, list) and all(isinstance(c, dict) and c.get("type") in _PLAIN for c in components)
    for index, given in enumerate(listed if isinstance(listed, list) else []):
        process = _readable(given) if isinstance(given, dict) else None
        if process is None:
            continue
        request = JobRequest(workflow=Workflow(processes=[process]))
        for fault in submission.faults(request, owner):
            inner = fault.path.removeprefix("workflow.processes[0]").lstrip(".")
            if is_whole or not _may_be_filled(fault, inner, process):
                yield Fault(f"workflow.processes[{index}].{inner}", fault.message, fault.hint)


def _readable(given: dict[str, Any]) -> Process | None:
    """Return a process without what cannot be read of it; None where its module is not told."""
    pipes = given.get("pipes")
    inputs = given.get("inputs", {})
    if isinstance(pipes, dict) and isinstance(inputs, dict):
        inputs = dict.fromkeys(pipes, _GIVEN) | inputs
    kept: dict[str, Any] = {
        key: given[key] for key in ("module", "config", "executor", "resources", "retry") if key in given
    }
    kept |= {"name": "process", "inputs": inputs}
    try:
        return Process.model_validate(kept)
    except ValidationError as error:
        for place in (each["loc"] for each in error.errors()):
            if place[0] == "inputs" and len(place) > 1 and place[-1] != "[key]":
                kept["inputs"] = kept["inputs"] | {place[1]: _GIVEN}
            elif place[0] == "inputs" and len(place) > 1:
                kept["inputs"] = {label: one for label, one in kept["inputs"].items() if label != place[1]}
            else:
                kept.pop(str(place[0]), None)
    try:
        return Process.model_validate(kept)
    except ValidationError:
        return None


def _may_be_filled(fault: Fault, path: str, process: Process) -> bool:
    """Return whether what is absent may come from a bridge or a table of values."""
    if path == "config":
        return "is a required property" in fault.message
    label = path.removeprefix("inputs.")
    return path == "inputs" or (
        label != path and re.fullmatch(r"[\w-]+", label) is not None and label not in process.inputs
    )


def _is_told(path: str, told: list[str]) -> bool:
    """Return whether a path is one of those, or inside one."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[", f"{one}/")) for one in told)
