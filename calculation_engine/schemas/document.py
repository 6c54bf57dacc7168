"""The workflow language as people write it into files: its JSON Schema, by which editors check and complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.workflow import Workflow

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Workflow of a calculation engine"
_REFERENCE = "#/$defs/{model}"
_SHORT = ("config", "inputs", "executor", "resources", "retry")
#: What stands for an input in a file, besides the references that the API takes.
_LOCAL = [
    {"type": "string", "description": "Path of a file or folder beside this file; or a text of several lines."},
    {
        "type": "object",
        "description": "A file or folder beside this file.",
        "properties": {"type": {"const": "file"}, "path": {"type": "string"}},
        "required": ["type", "path"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "description": "Texts by file name: together a folder.",
        "additionalProperties": {"type": "string"},
        "propertyNames": {"not": {"const": "type"}},
        "minProperties": 1,
    },
]


_LOCAL_TABLE = {"type": "string", "description": "Path of a CSV file beside this file."}


def document_schema(modules: Mapping[str, tuple[Mapping[str, Any], list[str]]] | None = None) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file that ``run`` takes: a job, its workflow, or one module in short.

    Args:
        modules: name to the JSON Schema of its config and the labels of its inputs, which are then checked as well;
            none: any module and config is right.
    """
    whole = JobRequest.model_json_schema(ref_template=_REFERENCE)
    definitions: dict[str, Any] = whole["$defs"]
    process, workflow = definitions["Process"], definitions["Workflow"]
    for name in ("Process", "Override"):
        _take_local_files(definitions[name]["properties"]["inputs"])
    definitions["TableDesign"]["properties"]["file"]["anyOf"].insert(0, _LOCAL_TABLE)
    fields = {name: field for name, field in whole["properties"].items() if name != "workflow"}
    fields |= {"module": process["properties"]["module"]} | {name: process["properties"][name] for name in _SHORT}
    fields |= {name: workflow["properties"][name] for name in Workflow.model_fields if name != "reuse"}
    fields |= {"workflow": {"$ref": "#/$defs/Workflow"}}
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "title": TITLE,
        "description": "A workflow of processes and components; or one module, in short.",
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
        "oneOf": [{"required": [key]} for key in ("processes", "module", "workflow")],
        "dependentSchemas": {name: {"required": ["module"]} for name in _SHORT},
        "$defs": definitions,
    }
    for name, (config, labels) in (modules or {}).items():
        definitions |= _definitions_of(name, config)
        rule = _rule_of(name, labels)
        process.setdefault("allOf", []).append(rule)
        schema.setdefault("allOf", []).append(rule)
    if modules:
        process["properties"]["module"] = fields["module"] = {"enum": sorted(modules)}
    return schema


def _take_local_files(inputs: dict[str, Any]) -> None:
    for pattern, given in inputs["patternProperties"].items():
        references = given.get("oneOf") or given["anyOf"]
        inputs["patternProperties"][pattern] = {"anyOf": [*references, *_LOCAL]}
    inputs["additionalProperties"] = False


def _rule_of(name: str, labels: list[str]) -> dict[str, Any]:
    """Return what a process must be when it runs the module."""
    inputs = {"propertyNames": {"enum": labels}} if labels else {"maxProperties": 0}
    return {
        "if": {"properties": {"module": {"const": name}}, "required": ["module"]},
        "then": {
            "properties": {"config": {"$ref": f"#/$defs/config.{name}"}, "inputs": inputs},
        },
    }


def _definitions_of(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config's schema and its own definitions, under names that no other module has."""
    rest = {key: value for key, value in config.items() if key not in {"$defs", "$schema", "$id"}}
    own = {f"config.{name}.{key}": _renamed(value, name) for key, value in config.get("$defs", {}).items()}
    return {f"config.{name}": _renamed(rest, name)} | own


def _renamed(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_renamed(item, name) for item in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    changed = {key: _renamed(item, name) for key, item in value.items()}
    if isinstance(reference, str):
        inner = reference.removeprefix("#/$defs/")
        changed["$ref"] = f"#/$defs/config.{name}" + (f".{inner}" if inner != "#" else "")
    return changed
