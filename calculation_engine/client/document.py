"""Job documents on disk: YAML or JSON, checked before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from calculation_engine.errors import InvalidInput

_YAML_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def load_document(path: Path) -> dict[str, Any]:
    """Read a mapping from a YAML or JSON file (JSON is YAML).

    Raises:
        InvalidInput: the file is absent, not readable as YAML (with line and column), or holds no mapping.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{path}: expected a mapping such as `module: cbc`, got {type(document).__name__}")
    return document


def named_after_file(document: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a job document that has a name: its own, else its file's."""
    suffix = path.suffix if path.suffix in _YAML_SUFFIXES else ""
    return {"name": path.name.removesuffix(suffix), **document}
