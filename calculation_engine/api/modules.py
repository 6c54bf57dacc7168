"""Modules: which there are, and what each takes and gives."""

from __future__ import annotations

from typing import Any

from calculation_engine.api.routes import PREFIX, Call, Reply
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.module import Manifest


class ModuleSummary(Schema):
    """A module in a list."""

    name: str
    version: str | None
    title: str
    licence: str | None
    default_run: bool
    """Whether it may run with no input at all."""
    capabilities: list[str]
    fault: str | None = None
    """Why its manifest cannot be used; it then cannot run."""
    link: str


class ModuleView(Manifest):
    """A module's manifest, and what belongs to it."""

    config_schema: dict[str, Any]
    """JSON Schema (2020-12) of its config."""
    input_rules: list[str]
    """How its inputs go together, a sentence each."""
    cases: list[str]
    """Names of the cases that it is tested with."""
    content_hash: str
    """sha256 over its files, shared ones included: part of the key of its results."""
    links: dict[str, str]


def list_modules(call: Call) -> Reply:
    """Answer all modules, those whose manifest has faults included."""
    return Reply([_summary(call, name) for name in call.context.catalogue.names()])


def show_module(call: Call) -> Reply:
    """Answer one module, whole."""
    module = call.context.catalogue.get(call.path["name"])
    name = module.manifest.name
    view = ModuleView.model_construct(
        **(dict(module.manifest) | {"config_schema": module.config_schema}),
        input_rules=module.manifest.rules_of_inputs(),
        cases=sorted({folder.name for folder in module.cases}),
        content_hash=module.content_hash,
        links={"self": f"{PREFIX}/module/{name}", "solve": f"{PREFIX}/solve/{name}"},
    )
    return Reply(view)


def _summary(call: Call, name: str) -> ModuleSummary:
    link = f"{PREFIX}/module/{name}"
    try:
        manifest = call.context.catalogue.get(name).manifest
    except (InvalidInput, NotFound) as error:
        return ModuleSummary(
            name=name,
            version=None,
            title="",
            licence=None,
            default_run=False,
            capabilities=[],
            fault=str(error),
            link=link,
        )
    return ModuleSummary(
        name=name,
        version=manifest.version,
        title=manifest.title,
        licence=manifest.licence,
        default_run=manifest.default_run,
        capabilities=manifest.capabilities,
        link=link,
    )
