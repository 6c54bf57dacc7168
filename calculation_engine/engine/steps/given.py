"""The name under which a job keeps the files of one input that rows of a sweep may have."""

from __future__ import annotations

from calculation_engine.engine.steps.keys import hash_json
from calculation_engine.schemas.workflow import Input

GIVEN = "given"


def given_key(module: str, label: str, given: Input) -> str:
    """Return the name of what is given for an input of a module: equal inputs of many rows are kept once."""
    return hash_json([module, label, given.model_dump(mode="json")])
