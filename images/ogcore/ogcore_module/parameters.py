"""OG-Core's parameters: what the user gives, checked with the path of each fault, then made into its Specifications."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import ogcore.parameters
import paramtools

from ogcore_module.faults import Fault, refuse
from ogcore_module.shapes import AXES, COEFFICIENTS, SHARES, TAX_COEFFICIENTS, shape_fault, shape_of

_WORDS = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text"}
_SHARE_TOLERANCE = 1e-6


def make_specifications(given: Mapping[str, Any], folder: Path, *, path_wanted: bool) -> Any:
    """Return OG-Core's parameters, all of them checked.

    Args:
        given: the parameters that differ from OG-Core's defaults, as its own JSON has them.
        folder: where OG-Core writes its files.
        path_wanted: whether the time path is solved too.

    Raises:
        Fault: names, types, shapes or values are wrong; all of them are told, each with its path.
    """
    declared = load_declarations()
    refuse(list(_name_faults(given, declared)))
    refuse([fault for name, value in given.items() for fault in _value_faults(name, value, declared)])
    refuse([*_shape_faults(given, declared), *_unsupported(given, path_wanted)])
    specifications = ogcore.parameters.Specifications(
        output_base=str(folder), baseline_dir=str(folder), baseline=True, num_workers=1
    )
    try:
        specifications.update_specifications(json.loads(json.dumps(given)))
    except paramtools.ValidationError as error:
        refuse(list(_validation_faults(error)))
        raise Fault(f"parameters: OG-Core refuses them: {error}") from error
    except (ValueError, AssertionError, IndexError) as error:
        why = str(error) or "the shapes of its arrays do not agree"
        raise Fault(f"parameters: OG-Core refuses them: {why}") from error
    return specifications


@cache
def load_declarations() -> dict[str, dict[str, Any]]:
    """Return OG-Core's declaration of each parameter: type, dimensions, range, default."""
    content: dict[str, dict[str, Any]] = json.loads(Path(ogcore.parameters.Specifications.defaults).read_text())
    del content["schema"]
    return content


def _name_faults(given: Mapping[str, Any], declared: Mapping[str, Any]) -> Iterator[str]:
    for name in given:
        if name in declared:
            continue
        near = difflib.get_close_matches(str(name), declared, n=3, cutoff=0.6)
        lower = [known for known in declared if known.lower() == str(name).lower()]
        hint = f"; did you mean {' or '.join(lower or near)}?" if lower or near else ""
        yield f"parameters.{name}: OG-Core has no such parameter{hint}"


def _value_faults(name: str, value: Any, declared: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the faults of one value: depth of its lists, and type and range of each number in them."""
    declaration = declared[name]
    shape = shape_of(value)
    if shape is None:
        yield f"parameters.{name}: its rows have different lengths"
        return
    dimensions = declaration.get("number_dims") or 0
    if len(shape) != dimensions:
        wanted = "a single value" if not dimensions else f"lists {dimensions} deep"
        yield f"parameters.{name}: expected {wanted}, got {f'lists {len(shape)} deep' if shape else repr(value)}"
        return
    limits = declaration.get("validators", {}).get("range", {})
    for path, leaf in _leaves(value, f"parameters.{name}"):
        fault = _leaf_fault(leaf, declaration["type"], limits)
        if fault:
            yield f"{path}: {fault}"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, list):
        yield path, value
        return
    for index, item in enumerate(value):
        yield from _leaves(item, f"{path}[{index}]")


def _leaf_fault(leaf: Any, kind: str, limits: Mapping[str, Any]) -> str | None:
    is_number = isinstance(leaf, int | float) and not isinstance(leaf, bool)
    right = {
        "float": is_number,
        "int": is_number and float(leaf).is_integer(),
        "bool": isinstance(leaf, bool),
        "str": isinstance(leaf, str),
    }[kind]
    if not right:
        return f"expected {_WORDS[kind]}, got {leaf!r}"
    if not is_number:
        return None
    if not math.isfinite(leaf):
        return f"expected a finite number, got {leaf!r}"
    low, high = (limit if isinstance(limit, int | float) else None for limit in (limits.get("min"), limits.get("max")))
    if low is not None and leaf < low:
        return f"expected at least {low:g}, got {leaf!r}"
    if high is not None and leaf > high:
        return f"expected at most {high:g}, got {leaf!r}"
    return None


def _shape_faults(given: Mapping[str, Any], declared: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield arrays that do not fit the sizes, given ones and defaults alike, and shares that do not add up."""

    def value_of(name: str) -> Any:
        return given[name] if name in given else declared[name]["value"][0]["value"]

    groups = len(value_of("lambdas"))
    if "J" in given and given["J"] != groups:
        yield f"parameters.J: {given['J']} groups, but lambdas has {groups}: give lambdas of {given['J']} shares"
    sizes = {name: int(value_of(name)) for name in "STMI"} | {"J": groups}
    sizes[COEFFICIENTS] = TAX_COEFFICIENTS.get(value_of("tax_func_type"), 0)
    constant = value_of("constant_demographics")
    for name in AXES:
        if constant and name == "g_n":
            continue
        fault = shape_fault(name, value_of(name), sizes, given=name in given)
        if fault:
            yield f"parameters.{name}: {fault}"
    for name in SHARES:
        rows = value_of(name) if isinstance(value_of(name)[0], list) else [value_of(name)]
        for row, values in enumerate(rows):
            if abs(sum(values) - 1) > _SHARE_TOLERANCE:
                where = f"parameters.{name}[{row}]" if rows is value_of(name) else f"parameters.{name}"
                yield f"{where}: shares add up to {sum(values):.9g}, expected 1"


def _unsupported(given: Mapping[str, Any], path_wanted: bool) -> Iterator[str]:
    """Yield what OG-Core declares and this module, or OG-Core's time path, cannot do."""
    if given.get("tax_func_type") in {"mono", "mono2D"}:
        yield "parameters.tax_func_type: mono and mono2D are functions, which JSON cannot hold: use another type"
    if given.get("baseline_spending"):
        yield (
            "parameters.baseline_spending: it holds spending at another run's level, and every run here is an economy"
            " of its own: leave it false"
        )
    if not given.get("budget_balance") and 0 in given.get("alpha_T", [1])[-1:]:
        yield (
            "parameters.alpha_T: the last value is 0, and OG-Core finds output from transfers / alpha_T: make it"
            " positive, or set budget_balance"
        )
    if any(leaf == 0 for _, leaf in _leaves(given.get("Z", []), "")):
        yield "parameters.Z: an industry with productivity 0 produces nothing at any price: make it positive"
    adjusted = [leaf for _, leaf in _leaves(given.get("replacement_rate_adjust", []), "") if leaf != 1]
    if adjusted and path_wanted:
        yield (
            "parameters.replacement_rate_adjust: OG-Core's time path does not close with other values than 1"
            " (its resource constraint fails): leave it 1, or ask for steady_state_only"
        )


def _validation_faults(error: Any) -> Iterator[str]:
    """Yield ParamTools' messages as sentences; it repeats whole arrays in them."""
    messages: dict[str, list[Any]] = json.loads(str(error)).get("errors", {})
    for name, texts in messages.items():
        for text in texts:
            plain = re.sub(r"np\.\w+\(([^()]*)\)", r"\1", str(text)).strip()
            yield f"parameters.{name}: {plain if len(plain) <= 300 else plain[:140] + ' … ' + plain[-140:]}"
