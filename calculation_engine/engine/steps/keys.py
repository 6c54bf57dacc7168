"""Hashes of what determines a result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from calculation_engine.schemas.files import Blob

_VERSION = 1  # of what a key covers: a change here makes all results be computed anew


def canonical_json(value: Any) -> str:
    """Return one text for equal JSON values: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_json(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def step_key(
    *,
    content_hash: str,
    environment_id: str,
    command: Sequence[str],
    config: Mapping[str, Any],
    files: Mapping[str, Blob],
) -> str:
    """Return the key of a step: equal keys give equal results.

    Args:
        content_hash: of the module's code, lock file and shared code.
        environment_id: what of the executor's place determines results.
        command: program and arguments.
        config: the module's configuration.
        files: path below ``input/`` to content.
    """
    return hash_json(
        {
            "version": _VERSION,
            "module": content_hash,
            "environment": environment_id,
            "command": list(command),
            "config": dict(config),
            "files": {path: blob.sha256 for path, blob in files.items()},
        }
    )
