"""A job's document on its way to the server: read, checked with the files of this side, and made ready to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from calculation_engine.client.document import load_document, named_after_file
from calculation_engine.client.inputs import with_uploads, without_files
from calculation_engine.client.transport import Transport
from calculation_engine.errors import CalculationEngineError, Fault, InvalidInput


def document_of(workflow: Mapping[str, Any] | Path | str | None, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return a job's document and the folder that its paths start from: its file's, where it is one."""
    if isinstance(workflow, str | Path):
        path = folder / workflow
        return named_after_file(load_document(path), path), path.parent
    return dict(workflow or {}), folder


def faults_of(document: Mapping[str, Any], base: Path, transport: Transport) -> list[Fault]:
    """Return all that is wrong with a job's document, beginning with the files that are not there."""
    body, absent = without_files(document, base)
    try:
        reply = transport.json("POST", "/workflow/check", **json_body(body), idempotent=True)
        found = [Fault(fault["path"], fault["message"], fault["hint"]) for fault in reply["faults"]]
    except InvalidInput as error:
        found = list(error.faults) or [Fault("", error.message, error.hint)]
    return [*absent, *found]


def sendable(document: Mapping[str, Any], base: Path, transport: Transport) -> dict[str, Any]:
    """Return a job's document with its files uploaded; where one is not there, all other faults are told too.

    Raises:
        InvalidInput: as said; nothing was sent.
    """
    try:
        return with_uploads(document, base, transport)
    except InvalidInput as error:
        if error.faults:
            with suppress(CalculationEngineError):  # no server: what is not there is told all the same
                error.faults = tuple(faults_of(document, base, transport))
        raise


def json_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as the HTTP library takes it."""
    try:
        content = json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the job cannot be written as JSON: {error}") from error
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def on_executor(document: dict[str, Any], executor: str) -> dict[str, Any]:
    """Return a job's document whose processes run there unless they name another place."""
    if "module" in document:
        return {"executor": executor} | document
    holder = document.get("workflow", document)
    if not isinstance(holder, Mapping) or not isinstance(holder.get("processes"), list):
        return document
    processes = [
        {"executor": executor} | dict(process) if isinstance(process, Mapping) else process
        for process in holder["processes"]
    ]
    changed = dict(holder) | {"processes": processes}
    return document | {"workflow": changed} if "workflow" in document else changed
