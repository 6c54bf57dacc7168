"""The name under which a job keeps the files of one input that rows of a sweep may have."""

from __future__ import annotations

import json
from functools import lru_cache

from calculation_engine.engine.steps.keys import hash_json
from calculation_engine.schemas.workflow import Input

GIVEN = "given"


def given_key(module: str, label: str, given: Input) -> str:
    """Return the name of what is given for an input of a module: equal inputs of many rows are kept once."""
    return _key(module, label, given.model_dump_json())


@lru_cache(maxsize=64)
def _key(module: str, label: str, given: str) -> str:
    return hash_json([module, label, json.loads(given)])
