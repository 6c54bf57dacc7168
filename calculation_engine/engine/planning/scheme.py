"""Makes the coupling of a loop: its exchange variables, tolerances and acceleration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from calculation_engine.bridges.exchange import ExchangeTable
from calculation_engine.bridges.variables import VariableGroup
from calculation_engine.coupling import Group, Options, Scheme
from calculation_engine.engine.planning.priors import Prior
from calculation_engine.schemas.workflow import Loop


def make_scheme(
    loop: Loop, start: ExchangeTable, declared: Mapping[str, VariableGroup], prior: Prior | None = None
) -> Scheme:
    """Return the coupling of a loop before its first evaluation.

    Args:
        loop: with tolerances, acceleration and limits.
        start: the first values, group by group.
        declared: what the bridge says of each group.
        prior: a neighbour's solution, to start from, and its evaluations, to learn from. Scales, and with them the
            tolerances, are those of a start without it.

    Raises:
        InvalidInput: groups, start or options are wrong; every fault is named.
    """
    groups = [_group(loop, start.of_group(name), name, declared.get(name, VariableGroup())) for name in start.groups]
    options = _options(loop)
    cold = Scheme(groups, start.values_tuple, options)
    if prior is None or not prior.fits(start):
        return cold
    variables = cold.variables
    scaled = [
        replace(group, scale=tuple(map(float, variables.scale[part])))
        for group, part in zip(groups, variables.slices, strict=True)
    ]
    first = variables.to_x(variables.to_z(np.array(prior.solution)))  # on its bounds where it lies outside
    return Scheme(scaled, first, options, prior.evaluations)


def _group(loop: Loop, table: ExchangeTable, name: str, declared: VariableGroup) -> Group:
    tolerance = loop.until.groups.get(name, loop.until)
    return Group(
        name=name or table.variables[0].variable,
        labels=table.labels,
        unit=table.unit,
        positive=declared.positive,
        scale=declared.scale,
        lower=declared.lower,
        upper=declared.upper,
        relative=tolerance.relative,
        absolute=tolerance.absolute,
        noise=declared.noise,
    )


def _options(loop: Loop) -> Options:
    acceleration = loop.acceleration
    unlimited = math.inf if acceleration.method == "constant" else Options.max_step
    return Options(
        method=acceleration.method,
        relaxation=acceleration.relaxation,
        max_step=acceleration.max_step or unlimited,
        depth=acceleration.depth,
        max_evaluations=loop.max_evaluations,
        one_way=loop.one_way,
    )
