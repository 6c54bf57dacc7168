"""Finds executors: every file of this package that has no underscore is one, and its name is what users write."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calculation_engine import executors
from calculation_engine.errors import Fault, InvalidInput, pydantic_faults
from calculation_engine.executors.base import Executor

_NOT_EXECUTORS = frozenset({"base", "registry"})


def executor_names() -> list[str]:
    """Return the names of all executors, without importing any."""
    names = (module.name for module in pkgutil.iter_modules(executors.__path__))
    return sorted(name for name in names if not name.startswith("_") and name not in _NOT_EXECUTORS)


def executor_class(name: str) -> type[Executor]:
    """Import and return the class of an executor.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in executor_names():
        fault = Fault("executor", f"there is no executor {name!r}", f"expected one of {', '.join(executor_names())}")
        raise InvalidInput(f"unknown executor {name!r}", faults=[fault])
    module = import_module(f"{executors.__name__}.{name}")
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Executor) and value.__module__ == module.__name__:
            return value
    raise TypeError(f"{module.__file__} defines no subclass of Executor")


def make_executor(name: str, options: Mapping[str, Any], data_dir: Path) -> Executor:
    """Return an executor with its options; nothing is connected to.

    Raises:
        InvalidInput: there is none of that name, or its options are not allowed; every one is named.
    """
    kind = executor_class(name)
    try:
        checked = kind.Options.model_validate(dict(options))
    except ValidationError as error:
        faults = pydantic_faults(error.errors(), f"executors.{name}")
        raise InvalidInput(f"executor {name}: its options cannot be used", faults=faults) from error
    return kind(checked, data_dir)
