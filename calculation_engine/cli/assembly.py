"""A job's document put together from a file and options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from calculation_engine.client.document import load_document, named_after_file, parse_yaml
from calculation_engine.errors import InvalidInput


def assemble(
    file: Path | None,
    module: str | None,
    config: Path | None,
    sets: Iterable[str] = (),
    inputs: Iterable[str] = (),
) -> tuple[dict[str, Any], Path]:
    """Return a job's document, and the folder that its relative paths start from.

    Args:
        file: holds a job or workflow.
        module: the one module to run instead.
        config: file that holds the module's config.
        sets: ``key=value`` with dotted keys; in a workflow of several processes ``process.key=value``.
        inputs: ``label=path``, relative to where the command is given; as above ``process.label=path``.

    Raises:
        InvalidInput: neither or both of file and module, or an option that does not say what is needed.
    """
    if (file is None) == (module is None):
        raise InvalidInput("expected a FILE with a workflow, or --module NAME", hint="calculation-engine run --help")
    if file is not None:
        if config is not None:
            raise InvalidInput("--config goes with --module; a FILE holds its own config", hint="--set changes it")
        document, folder = named_after_file(load_document(file), file), file.parent
    else:
        document, folder = {"module": module}, Path()
        if config is not None:
            document["config"] = load_document(config)
    for option in sets:
        keys, value = _pair("--set", option)
        process, rest = _target(document, keys.split("."))
        try:
            parsed = parse_yaml(value)
        except InvalidInput as error:
            raise InvalidInput(f"--set {option}: {error.message}") from error
        _put(process.setdefault("config", {}), rest, parsed, option)
    for option in inputs:
        label, path = _pair("--input", option)
        process, rest = _target(document, label.split("."))
        _put(process.setdefault("inputs", {}), rest, Path(path).expanduser().absolute(), option)
    return document, folder


def tags_of(options: Iterable[str]) -> dict[str, str]:
    """Return tags given as ``key=value``."""
    return dict(_pair("--tag", option) for option in options)


def _pair(name: str, option: str) -> tuple[str, str]:
    key, sign, value = option.partition("=")
    if not sign or not key.strip():
        raise InvalidInput(f"{name}: expected key=value, got {option!r}")
    return key.strip(), value


def _target(document: dict[str, Any], keys: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the process that a dotted key is meant for, and the key in it."""
    if "module" in document:
        return document, keys
    workflow = document.get("workflow", document)
    processes = workflow.get("processes") if isinstance(workflow, Mapping) else None
    named = [process for process in processes or [] if isinstance(process, dict)]
    chosen = next((process for process in named if process.get("name") == keys[0]), None)
    if chosen is not None and len(keys) > 1:
        return chosen, keys[1:]
    if len(named) == 1:
        return named[0], keys
    known = ", ".join(str(process.get("name")) for process in named) or "none"
    raise InvalidInput(
        f"{'.'.join(keys)}: expected it to begin with a process of the workflow", hint=f"it has: {known}"
    )


def _put(tree: Any, keys: list[str], value: object, option: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {}) if isinstance(tree, dict) else None
    if not isinstance(tree, dict):
        raise InvalidInput(f"{option}: it lies below a value that has no parts")
    tree[keys[-1]] = value
