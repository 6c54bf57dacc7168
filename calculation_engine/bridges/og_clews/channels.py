"""How the cost of energy enters OG-Core: the parameters that each channel changes, period by period.

OG-Core has no energy input in production: a firm of industry m makes ``Y_m`` from capital and labour alone. So a dearer
unit of energy stands for lower productivity of the industry that makes it, or of those that use it, or for a tax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calculation_engine.bridges.og_clews.calendar import Calendar, to_periods, with_zeros
from calculation_engine.bridges.og_clews.config import Channels, PublicInvestment
from calculation_engine.bridges.og_clews.contracts import EconomyParameters, require
from calculation_engine.bridges.og_clews.cost import EnergyAccount
from calculation_engine.bridges.og_clews.economy import Parameters
from calculation_engine.errors import Fault, InvalidInput

type Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Shapes:
    """Sizes of OG-Core's arrays, and its calendar."""

    calendar: Calendar
    industries: int
    goods: int


def overrides_of(
    channels: Channels,
    energy_industry: int,
    ratio: dict[int, float],
    scenario: EnergyAccount,
    baseline: EnergyAccount,
    parameters: Parameters,
    shapes: Shapes,
) -> dict[str, Any]:
    """Return the parameters that OG-Core gets over the user's own, by name.

    Args:
        channels: which ways are open.
        energy_industry: index of the industry that sells energy.
        ratio: rho_y by year [-].
        scenario, baseline: cost accounts of CLEWS.
        parameters: of OG-Core, as the user gave them.
        shapes: of OG-Core's arrays.

    Raises:
        InvalidInput: an industry or good does not exist, or a value leaves OG-Core's range; every fault with its path.
    """
    refuse_unknown(channels, energy_industry, shapes)
    rho = to_periods(ratio, shapes.calendar, before=1.0)
    changed: dict[str, Any] = {}
    if channels.productivity or channels.cost_push:
        changed["Z"] = productivity(
            parameters.table("Z"),
            rho,
            shapes.industries,
            energy_industry if channels.productivity else None,
            channels.cost_push,
        )
    if channels.consumption_tax is not None:
        extra = np.zeros(1)
        if channels.carbon_price == "consumption_tax":
            extra = to_periods(_emission_share(scenario, baseline), shapes.calendar, before=0.0)
        changed["tau_c"] = consumption_tax(
            parameters.table("tau_c"), rho, extra, shapes.goods, channels.consumption_tax.goods
        )
    if channels.public_investment is not None:
        name = channels.public_investment.into
        addition = public_investment(channels.public_investment, scenario, baseline)
        periods = to_periods(with_zeros(addition, shapes.calendar), shapes.calendar, before=0.0)
        changed[name] = share_of_gdp(parameters.table(name), periods)
    plain = {name: np.asarray(value).tolist() for name, value in changed.items()}
    require(EconomyParameters, "economy.overrides", **plain)
    return plain


def productivity(base: Matrix, rho: Matrix, industries: int, energy: int | None, cost_push: dict[int, float]) -> Matrix:
    """Return OG-Core's Z, shape (periods, industries) [-].

    The energy industry needs rho times the capital and labour for a unit: ``Z[t,e] = Z0[t,e] / rho_t``. An industry
    whose cost consists of energy by the share phi has a unit cost higher by ``phi (rho - 1)``:
    ``Z[t,j] = Z0[t,j] / (1 + phi_j (rho_t - 1))``, to first order in the change of cost, with quantities unchanged.

    Args:
        base: Z0 as given, shape (periods or 1, industries or 1).
        rho: unit cost of energy over baseline, one a period [-].
        industries: M.
        energy: the energy industry, or None where this way is closed.
        cost_push: industry -> phi [-].

    Source: unit cost of a Cobb-Douglas or CES firm is proportional to 1/Z (OG-Core documentation, chapter Firms).
    """
    table = _over_periods(base, len(rho), industries)
    change = _held(rho, len(table))
    if energy is not None:
        table[:, energy] = table[:, energy] / change
    for industry, share in cost_push.items():
        table[:, industry] = table[:, industry] / (1 + share * (change - 1))
    return table


def consumption_tax(base: Matrix, rho: Matrix, extra: Matrix, goods: int, shares: dict[int, float]) -> Matrix:
    """Return OG-Core's tau_c, shape (periods, goods) [-].

    The price that households pay for good i, ``(1 + tau_c) p_i``, rises with the share s_i of energy in it:
    ``tau = (1 + tau0) (1 + s_i (rho - 1 + extra)) - 1``.

    Args:
        base: tau0 as given, shape (periods or 1, goods or 1).
        rho: unit cost of energy over baseline, one a period [-].
        extra: payments for emissions over the cost of energy, scenario less baseline [-]; (1,) zeros for none.
        goods: I.
        shares: good -> s_i [-].
    """
    table = _over_periods(base, max(len(rho), len(extra)), goods)
    change = _held(rho, len(table)) - 1 + _held(extra, len(table))
    for good, share in shares.items():
        table[:, good] = (1 + table[:, good]) * (1 + share * change) - 1
    return table


def public_investment(settings: PublicInvestment, scenario: EnergyAccount, baseline: EnergyAccount) -> dict[int, float]:
    """Return what additional public investment is of GDP, by year [-].

    ``public_share * (I_scenario - I_baseline) * money_per_unit / GDP`` with CapitalInvestment I as spent in the year.
    """
    years = [int(year) for year in scenario.investment.index]
    known = sorted(settings.gdp)
    gdp = np.exp(np.interp(years, known, np.log([settings.gdp[year] for year in known])))
    more = (scenario.investment - baseline.investment).to_numpy(dtype=float)
    shares = settings.public_share * more * settings.money_per_unit / gdp
    return dict(zip(years, map(float, shares), strict=True))


def share_of_gdp(base: Matrix, addition: Matrix) -> Matrix:
    """Return alpha_I or alpha_G with an addition that ends with the horizon of CLEWS, one a period [-].

    Args:
        base: as given, shape (periods or 1,).
        addition: share of GDP in each period up to one after the last of CLEWS, where it is 0 [-].
    """
    shares = _held(base, max(len(base), len(addition))).copy()
    shares[: len(addition)] += addition
    return shares


def _emission_share(scenario: EnergyAccount, baseline: EnergyAccount) -> dict[int, float]:
    """Return payments for emissions over the other cost, scenario less baseline, by year [-]."""

    def share(account: EnergyAccount) -> Any:
        return account.cost["emissions"] / account.cost.drop(columns="emissions").sum(axis=1)

    difference = share(scenario) - share(baseline)
    return {int(year): float(value) for year, value in difference.items()}


def _over_periods(base: Matrix, periods: int, columns: int) -> Matrix:
    """Return a parameter with at least so many periods and all columns; OG-Core holds the last row."""
    rows = np.broadcast_to(base, (len(base), columns)) if base.ndim == 2 else np.repeat(base[:, None], columns, axis=1)
    last = np.repeat(rows[-1:], max(0, periods - len(rows)), axis=0)
    return np.concatenate([rows, last])


def _held(values: Matrix, periods: int) -> Matrix:
    return np.concatenate([values, np.repeat(values[-1:], max(0, periods - len(values)))])[:periods]


def refuse_unknown(channels: Channels, energy_industry: int, shapes: Shapes) -> None:
    """Raise where the config names industries or goods that the economy does not have.

    Raises:
        InvalidInput: every such place of the config.
    """
    checks: list[tuple[str, int, int, str]] = [("energy_industry", energy_industry, shapes.industries, "industries")]
    checks += [(f"channels.cost_push.{i}", i, shapes.industries, "industries") for i in channels.cost_push]
    goods = channels.consumption_tax.goods if channels.consumption_tax else ()
    checks += [(f"channels.consumption_tax.goods.{i}", i, shapes.goods, "goods") for i in goods]
    faults = [
        Fault(f"bridge.config.{path}", f"the economy has {size} {kind}, counted from 0, got {index}")
        for path, index, size, kind in checks
        if index >= size
    ]
    if faults:
        raise InvalidInput("the bridge names what the economy does not have", faults=faults)
