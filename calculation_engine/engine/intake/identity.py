"""What makes two requests the same job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calculation_engine.engine.intake.checker import Files
from calculation_engine.engine.planning.cases import DESIGN
from calculation_engine.engine.steps.given import GIVEN
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.workflow import Workflow


def identity(request: JobRequest, workflow: Workflow, files: Files, sha256_of: Callable[[str], str]) -> dict[str, Any]:
    """Return what makes two requests the same: all that was asked for, files by their content."""
    document = workflow.model_dump(mode="json")
    for process in document["processes"]:
        process["inputs"] = _named(process["inputs"])
        process["files"] = {path: blob.sha256 for path, blob in files.get(process["name"], {}).items()}
    for component in document["components"]:
        for override in component.get("baseline", {}).values():
            override["inputs"] = _named(override["inputs"])
        if component["type"] == "sweep":
            component["design"] = _by_content(component["design"], sha256_of)
    own = {process.name for process in workflow.processes}
    others = {
        place: {path: blob.sha256 for path, blob in found.items()} for place, found in files.items() if place not in own
    }
    return request.model_dump(mode="json", exclude={"workflow", "reuse"}) | {
        "workflow": document,
        "baselines": {place: found for place, found in others.items() if not _is_of_sweep(place)},
        "given": sorted(sorted(found.items()) for place, found in others.items() if place.startswith(f"{GIVEN}/")),
    }


def _named(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that count as they are named; those that were sent count by their content."""
    return {label: item for label, item in inputs.items() if item is None or item["type"] not in {"upload", "inline"}}


def _by_content(value: Any, sha256_of: Callable[[str], str]) -> Any:
    """Return a design with every upload named by what is in it."""
    if isinstance(value, list):
        return [_by_content(item, sha256_of) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "upload" and "uuid" in value:
        return {"type": "upload", "sha256": sha256_of(value["uuid"])}
    return {key: _by_content(item, sha256_of) for key, item in value.items()}


def _is_of_sweep(place: str) -> bool:
    """Return whether files belong to the rows of a sweep, whose design stands in the workflow with its files."""
    return place.startswith(f"{GIVEN}/") or place.endswith(f"/{DESIGN}")
