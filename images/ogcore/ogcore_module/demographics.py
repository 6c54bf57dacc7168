"""A stationary population made of OG-Core's default mortality and ability, for any number of ages that divides 80.

OG-Core's demographic parameters are arrays over S ages and J groups, and its defaults fit S = 80 and J = 7 alone. Here
they are brought to periods of ``n = 80 / S`` years: survival over a period is the product of its years' survival,
ability the mean over its years and, for one group, over the groups by their shares. Nobody migrates, births replace
deaths, so the age structure is the survival curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ogcore_module.faults import Fault

YEARS = 80
AGES = tuple(ages for ages in range(3, YEARS + 1) if YEARS % ages == 0)
FIELDS = ("ages", "groups")


def stationary_population(wanted: Mapping[str, Any], declared: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return OG-Core's demographic parameters for so many ages and groups of ability.

    Args:
        wanted: ``ages``, a divisor of 80, and ``groups``, 1 or as many as OG-Core's defaults have.
        declared: OG-Core's declarations, with its defaults.

    Raises:
        Fault: a field is unknown, or there is no such number of ages or groups.
    """
    default = {name: np.array(declared[name]["value"][0]["value"]) for name in ("lambdas", "e", "rho")}
    ages, groups = _checked(wanted, len(default["lambdas"]))
    shares = default["lambdas"]
    ability = default["e"]
    if groups == 1:
        ability = (ability * shares).sum(axis=1, keepdims=True) / shares.sum()
        shares = shares.sum(keepdims=True)
    ability = ability.reshape(ages, YEARS // ages, groups).mean(axis=1)
    survival = (1 - default["rho"][0, :, 0]).reshape(ages, YEARS // ages).prod(axis=1)
    mortality = 1 - survival
    mortality[-1] = 1.0
    alive = np.ones(ages)
    alive[1:] = np.cumprod(1 - mortality[:-1])
    structure = (alive / alive.sum())[:, np.newaxis] * shares
    by_group = np.tile(mortality[:, np.newaxis], (1, groups)).tolist()
    nobody = np.zeros((ages, groups)).tolist()
    people = structure.tolist()
    return {
        "S": ages,
        "J": groups,
        "lambdas": shares.tolist(),
        "e": ability.tolist(),
        "constant_demographics": True,
        "g_n": [0.0],
        "g_n_ss": 0.0,
        "g_n_preTP": 0.0,
        "rho": [by_group],
        "rho_preTP": by_group,
        "imm_rates": [nobody],
        "imm_rates_preTP": nobody,
        "omega": [people],
        "omega_SS": people,
        "omega_S_preTP": people,
        **dict.fromkeys(("eta", "eta_RM", "zeta"), people),
    }


def _checked(wanted: Mapping[str, Any], most_groups: int) -> tuple[int, int]:
    unknown = sorted(set(map(str, wanted)) - set(FIELDS))
    if unknown:
        raise Fault(f"config.demographics: no such field: {', '.join(unknown)}; there are {', '.join(FIELDS)}")
    ages, groups = wanted.get("ages", YEARS), wanted.get("groups", 1)
    if ages not in AGES:
        raise Fault(f"config.demographics.ages: expected one of {', '.join(map(str, AGES))}, got {ages!r}")
    if groups not in {1, most_groups}:
        raise Fault(f"config.demographics.groups: expected 1 or {most_groups}, got {groups!r}")
    return ages, groups
