"""The workflow language: its schema, and whether a document could run."""

from __future__ import annotations

from typing import Any

from calculation_engine.api.jobs import document_of
from calculation_engine.api.problems import as_sent
from calculation_engine.api.routes import Call, Reply
from calculation_engine.engine.intake.checking import document_faults
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.document import document_schema
from calculation_engine.schemas.problem import ProblemFault

SCHEMA_TYPE = "application/schema+json"


class WorkflowCheck(Schema):
    """What is wrong with a document; nothing: it can run."""

    faults: list[ProblemFault]


def show_schema(call: Call) -> Reply:
    """Answer the JSON Schema of workflow files, with the configs and inputs of the modules that are here."""
    catalogue = call.context.catalogue
    modules: dict[str, tuple[dict[str, Any], list[str]]] = {}
    for name in catalogue.names():
        try:
            module = catalogue.get(name)
        except (InvalidInput, NotFound):  # its own page tells what is wrong with it
            continue
        modules[name] = (module.config_schema, [slot.label for slot in module.manifest.inputs])
    return Reply(document_schema(modules), headers={"Content-Type": SCHEMA_TYPE})


def check_workflow(call: Call) -> Reply:
    """Answer every fault of a job, each with its path; nothing is stored. What is no job is refused, with as much."""
    document = document_of(call.body)
    try:
        found = document_faults(call.context.submission, document, call.owner)
    except InvalidInput as error:
        raise as_sent(error, document) from error
    faults = as_sent(InvalidInput("", faults=found), document).faults
    told = [ProblemFault(path=fault.path, message=fault.message, hint=fault.hint) for fault in faults]
    return Reply(WorkflowCheck(faults=told))
