"""Chains one module into another: an output goes to the input of the same label."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.module import Manifest


@dataclass(frozen=True)
class Link:
    """One module of a chain, with what it is given from outside."""

    manifest: Manifest
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(
        default_factory=dict
    )  #: label to a path or a reference, as a job's document has it


def chain_of_two(first: Link, second: Link, label: str | None = None) -> dict[str, Any]:
    """Return the document of a job that runs ``first``, then ``second`` on one of its outputs.

    Args:
        first: the module whose output is handed on.
        second: the module that reads it.
        label: which label to take where several fit.

    Raises:
        InvalidInput: no label, or several, are both an output of the first and a free input of the second.
    """
    shared = common_label(first.manifest, second.manifest, given=second.inputs, chosen=label)
    names = [first.manifest.name, second.manifest.name]
    if names[0] == names[1]:
        names[1] += "_2"
    pipe = {shared: {"process": names[0], "module": first.manifest.name, "label": shared}}
    return {
        "name": f"{first.manifest.name} to {second.manifest.name}",
        "processes": [_process(names[0], first), _process(names[1], second) | {"pipes": pipe}],
        "components": [{"type": "chain", "name": "chain", "sequence": names}],
    }


def common_label(first: Manifest, second: Manifest, given: Collection[str] = (), chosen: str | None = None) -> str:
    """Return the one label that is an output of ``first`` and an input of ``second`` that nothing else fills.

    Raises:
        InvalidInput: there is none, or there are several; both lists are told.
    """
    outputs, inputs = [slot.label for slot in first.outputs], [slot.label for slot in second.inputs]
    shared = [label for label in outputs if label in inputs and label not in given]
    if chosen is not None:
        shared = [label for label in shared if label == chosen]
    if len(shared) == 1:
        return shared[0]
    lists = f"{first.name} writes {_listed(outputs)}; {second.name} reads {_listed(inputs)}"
    if chosen is not None:
        raise InvalidInput(f"the label {chosen!r} is not an output of the one and a free input of the other: {lists}")
    if shared:
        raise InvalidInput(f"{first.name} fits {second.name} by {len(shared)} labels, {_listed(shared)}: {lists}")
    raise InvalidInput(
        f"no output of {first.name} has the label of a free input of {second.name}: {lists}",
        hint="give them a common label in one of the manifests, or write the pipe in a workflow",
    )


def _process(name: str, link: Link) -> dict[str, Any]:
    return {
        "name": name,
        "module": link.manifest.name,
        "config": dict(link.config),
        "inputs": dict(link.inputs),
    }


def _listed(labels: list[str]) -> str:
    return ", ".join(labels) or "nothing"
