"""Whether a document could run as a job: every fault at once, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from calculation_engine.engine.submission import Submission
from calculation_engine.errors import Fault, InvalidInput, NotFound, pydantic_faults
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.modules.checks import config_faults, label_faults
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.workflow import Process


def document_faults(submission: Submission, document: dict[str, Any], owner: str) -> list[Fault]:
    """Return all that is wrong with a document, each with its path in the job that is written out.

    Files that come with a request, inputs of type ``part``, count as given; their content is not looked at.

    Raises:
        InvalidInput: the document is no job; what can be said of its modules and configs is said with that.
    """
    try:
        request = JobRequest.model_validate(document)
    except ValidationError as error:
        faults = pydantic_faults(error.errors())
        known = {fault.path for fault in faults}
        found = [
            fault for process, path in _readable(document) for fault in _own_faults(submission.catalogue, process, path)
        ]
        faults += [fault for fault in found if fault.path not in known]
        raise InvalidInput("the job cannot be read", hint="/api/docs shows its form", faults=faults) from error
    return submission.faults(request, owner)


def _readable(document: dict[str, Any]) -> Iterator[tuple[Process, str]]:
    """Yield the processes that can be read although the document as a whole cannot."""
    holder = document.get("workflow", document)
    listed = holder.get("processes") if isinstance(holder, dict) else None
    if "module" in document and "workflow" not in document:
        short = {key: document[key] for key in ("config", "inputs") if key in document}
        listed = [{"name": "process", "module": document["module"], **short}]
    for index, given in enumerate(listed if isinstance(listed, list) else []):
        try:
            yield Process.model_validate(given), f"workflow.processes[{index}]"
        except ValidationError:
            continue


def _own_faults(catalogue: Catalogue, process: Process, path: str) -> list[Fault]:
    """Return what is wrong with a process whatever stands around it."""
    try:
        module = catalogue.get(process.module)
    except (NotFound, InvalidInput) as error:
        return [Fault(f"{path}.module", error.message, error.hint)]
    labels = {slot.label for slot in module.manifest.inputs if slot.required}
    given = {*process.inputs, *process.pipes, *labels}  # an absent one may come from a bridge that cannot be read
    return [
        *config_faults(module, process.config, f"{path}.config"),
        *label_faults(module.manifest, given, f"{path}.inputs"),
    ]
