"""The shape that each array of OG-Core's parameters has.

OG-Core reshapes what it gets in ``Specifications.compute_default_params`` and ends in a bare ``AssertionError``, or an
index out of range much later, where an array does not fit. The table says what that function and its users expect of
version 0.21.2, so that a fault can be told with its path before anything is solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Number of coefficients of each tax function (OG-Core's txfunc.py); mono and mono2D are functions, not numbers.
TAX_COEFFICIENTS = {"DEP": 12, "DEP_totalinc": 6, "GS": 3, "HSV": 2, "linear": 1}

TIME = "time"  #: one row a period, at most T + S; the last one is held for ever
PERIODS = "periods"  #: one value a period, at least T of them
AGES = "ages"  #: one row for all ages, or one an age
COEFFICIENTS = "coefficients"  #: of the tax function
MIDPOINTS = "midpoints"  #: one value an age, or one a year of the 80, which OG-Core interpolates

_BY_TIME = (
    *("alpha_G", "alpha_T", "alpha_I", "alpha_FA", "alpha_bs_G", "alpha_bs_T", "alpha_bs_I", "g_RM", "tau_bq"),
    *("h_wealth", "m_wealth", "p_wealth", "retirement_age", "zeta_D", "zeta_K", "r_gov_scale", "r_gov_shift"),
    *("world_int_rate_annual", "adjustment_factor_for_cit_receipts"),
)
_BY_GROUP = (
    *("labor_income_tax_noncompliance_rate", "capital_income_tax_noncompliance_rate", "income_tax_filer"),
    *("wealth_tax_filer", "replacement_rate_adjust", "tau_payroll", "alpha_db"),
)
_BY_AGE_AND_GROUP = ("e", "eta", "eta_RM", "zeta", "omega_SS", "omega_S_preTP", "imm_rates_preTP", "rho_preTP")

#: Parameter -> its axes; ``M?`` may also be 1, one value for all.
AXES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_BY_TIME, (TIME,)),
    **dict.fromkeys(_BY_GROUP, (TIME, "J?")),
    **dict.fromkeys(_BY_AGE_AND_GROUP, ("S", "J")),
    **dict.fromkeys(("Z", "delta_tau_annual", "cit_rate", "inv_tax_credit"), (TIME, "M?")),
    **dict.fromkeys(("omega", "rho", "imm_rates"), (TIME, "S", "J")),
    **dict.fromkeys(("etr_params", "mtrx_params", "mtry_params"), (TIME, AGES, COEFFICIENTS)),
    **dict.fromkeys(("gamma", "gamma_g", "epsilon"), ("M",)),
    **dict.fromkeys(("alpha_c", "c_min"), ("I",)),
    **dict.fromkeys(("beta_annual", "chi_b"), ("J?",)),
    "tau_c": (TIME, "I?"),
    "io_matrix": ("I", "M"),
    "chi_n": (MIDPOINTS,),
    "g_n": (PERIODS,),
}

#: Shares that add up to 1 along the last axis.
SHARES = ("lambdas", "alpha_c", "io_matrix")


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a nested list, () for a scalar, None where it is ragged."""
    if not isinstance(value, list):
        return ()
    inner = {shape_of(item) for item in value}
    if len(inner) > 1 or None in inner:
        return None
    return (len(value), *(inner.pop() or ())) if inner else (0,)


def shape_fault(name: str, value: Any, sizes: Mapping[str, int], *, given: bool) -> str | None:
    """Return what is wrong with the shape of a parameter, or None.

    Args:
        name: of the parameter.
        value: nested lists, none of them ragged.
        sizes: ``S J T M I`` and ``coefficients`` of the tax function.
        given: whether the user gave it; rows of a default beyond the path are cut by OG-Core.
    """
    axes, shape = AXES[name], shape_of(value) or ()
    if not given and axes[-1].endswith("?") and _uniform(value):
        return None  # OG-Core makes one value of it
    fits = len(shape) == len(axes) and all(
        _fits(axis, size, sizes, given) for axis, size in zip(axes, shape, strict=True)
    )
    if fits:
        return None
    wanted = " x ".join(_words(axis, sizes) for axis in axes)
    got = " x ".join(map(str, shape)) or "a single number"
    if given:
        return f"expected {wanted}, got {got}"
    return f"it is not given, and OG-Core's default is {got}: give {wanted}"


def _fits(axis: str, size: int, sizes: Mapping[str, int], given: bool) -> bool:
    if axis == TIME:
        return size >= 1 and (not given or size <= sizes["T"] + sizes["S"])
    if axis == PERIODS:
        return size >= sizes["T"]
    if axis == AGES:
        return size in {1, sizes["S"]}
    if axis == MIDPOINTS:
        return size in {80, sizes["S"]}
    if axis.endswith("?"):
        return size in {1, sizes[axis[0]]}
    return size == sizes[axis]


def _uniform(value: Any) -> bool:
    """Return whether all values of a parameter are the same."""
    return all(_uniform(item) and item == value[0] for item in value) if isinstance(value, list) else True


def _words(axis: str, sizes: Mapping[str, int]) -> str:
    if axis == TIME:
        return f"(1 to T + S = {sizes['T'] + sizes['S']} periods)"
    if axis == PERIODS:
        return f"(at least T = {sizes['T']} periods)"
    if axis == AGES:
        return f"(1 or S = {sizes['S']})"
    if axis == MIDPOINTS:
        return f"(S = {sizes['S']} or 80)"
    if axis == COEFFICIENTS:
        return f"({sizes[axis]} coefficients of the tax function)"
    size = sizes[axis[0]]
    return f"(1 or {axis[0]} = {size})" if axis.endswith("?") and size != 1 else f"({axis[0]} = {size})"
