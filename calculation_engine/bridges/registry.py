"""Finds bridges: every folder here with a module ``bridge``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from pydantic import ValidationError

import calculation_engine.bridges
from calculation_engine.bridges.base import Bridge
from calculation_engine.errors import InvalidInput, NotFound, pydantic_faults


def bridge_names() -> list[str]:
    """Return the names of all bridges."""
    return sorted(found.name for found in pkgutil.iter_modules(calculation_engine.bridges.__path__) if found.ispkg)


def get_bridge_class(name: str) -> type[Bridge[Any]]:
    """Return the class of a bridge.

    Raises:
        NotFound: there is no bridge of that name.
    """
    if name not in bridge_names():
        raise NotFound(f"there is no bridge {name!r}; there are: {', '.join(bridge_names())}")
    found: type[Bridge[Any]] = importlib.import_module(f"calculation_engine.bridges.{name}.bridge").BRIDGE
    return found


def make_bridge(name: str, config: dict[str, Any]) -> Bridge[Any]:
    """Return a bridge with its config.

    Raises:
        NotFound: there is no bridge of that name.
        InvalidInput: the config has faults; every one with its path.
    """
    kind = get_bridge_class(name)
    try:
        return kind(kind.Config.model_validate(config))
    except ValidationError as error:
        faults = pydantic_faults(error.errors(), "bridge.config")
        raise InvalidInput(f"the config of bridge {name} has faults", faults=faults) from error
