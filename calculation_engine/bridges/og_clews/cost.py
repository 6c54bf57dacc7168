"""The cost of energy in CLEWS: annual cost by kind, spread over demand.

cost_y = sum over technologies of AnnualFixedOperatingCost + AnnualVariableOperatingCost + annualised investment
(+ payments for emissions, + net imports from other regions of the model), in CLEWS' money per year, undiscounted.
Capacity that was there before the first year costs nothing but its operation, in scenario and baseline alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import CostScope
from calculation_engine.errors import Fault, InvalidInput

_SETS = ["REGION", "TECHNOLOGY", "YEAR"]
#: Kinds of cost, the columns of :attr:`EnergyAccount.cost`.
KINDS = ("fixed", "variable", "investment", "emissions", "trade")


@dataclass(frozen=True)
class EnergyAccount:
    """Cost and demand of energy in one run.

    Args:
        cost: CLEWS' money per year, index YEAR, columns :data:`KINDS`.
        demand: of the fuels in scope, in their units per year, index YEAR.
        investment: CapitalInvestment as spent, CLEWS' money, index YEAR.
    """

    cost: pd.DataFrame
    demand: pd.Series[float]
    investment: pd.Series[float]

    def unit_cost(self, *, with_emissions: bool) -> dict[int, float]:
        """Return u_y = cost_y / demand_y in CLEWS' money per unit of demand, by year with demand."""
        kinds = [kind for kind in KINDS if with_emissions or kind != "emissions"]
        total = self.cost[kinds].sum(axis=1)
        return {int(year): float(total[year] / self.demand[year]) for year in total.index if self.demand[year] > 0}


def capital_recovery_factor(rate: ArrayLike, life: ArrayLike) -> NDArray[np.float64]:
    """Return the constant annual payment, at the end of each year, for one unit of money spent now.

    Args:
        rate: discount rate i [1 per year], >= 0.
        life: number of payments n [years], > 0.

    Returns:
        ``i / (1 - (1 + i)^-n)`` [1 per year]; its limit ``1 / n`` at a rate of zero.

    Source: capital recovery factor, e.g. Short, Packey, Holt 1995, NREL/TP-462-5173, section 2. OSeMOSYS pays at the
    beginning of each year, which is this factor over ``1 + i``.
    """
    rate, life = np.broadcast_arrays(np.asarray(rate, dtype=float), np.asarray(life, dtype=float))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = rate / -np.expm1(-life * np.log1p(rate))
    return np.where(rate == 0, 1.0 / life, factor)


def annualised(investment: pd.DataFrame, factor: pd.Series[float], life: pd.Series[float]) -> pd.DataFrame:
    """Return what the vintages of a technology cost in each year of their lives.

    Args:
        investment: money spent, index (REGION, TECHNOLOGY), one column a year.
        factor: capital recovery factor of each row [1 per year].
        life: operational life of each row [years].

    Returns:
        ``sum over v with v <= y < v + life of investment_v * factor``, in money per year, of the same shape.
    """
    years = investment.columns.to_numpy(dtype=float)
    annual = np.zeros(investment.shape)
    for one_life in np.unique(life.to_numpy(dtype=float)):
        rows = life.to_numpy(dtype=float) == one_life
        alive = (years[:, None] <= years[None, :]) & (years[None, :] < years[:, None] + one_life)
        annual[rows] = investment.to_numpy(dtype=float)[rows] @ alive
    return pd.DataFrame(annual * factor.to_numpy(dtype=float)[:, None], investment.index, investment.columns)


def account_of(tables: Tables, scope: CostScope) -> EnergyAccount:
    """Return cost and demand of a run in the scope that the config names.

    Raises:
        InvalidInput: a table is absent or has faults, or the scope names what the run does not have.
    """
    fixed, variable = (tables.get(f"Annual{kind}OperatingCost", _SETS) for kind in ("Fixed", "Variable"))
    investment = tables.get("CapitalInvestment", _SETS)
    demand = tables.demand()
    known = {
        "technologies": {*fixed["TECHNOLOGY"], *variable["TECHNOLOGY"], *investment["TECHNOLOGY"]},
        "fuels": set(demand.loc[demand["VALUE"] > 0, "FUEL"]),
        "regions": {*fixed["REGION"], *variable["REGION"]},
    }
    _refuse_unknown(scope, known, tables.name)
    years = sorted({int(year) for frame in (fixed, variable, investment, demand) for year in frame["YEAR"]})

    def total(frame: pd.DataFrame | None) -> pd.Series[float]:
        empty = pd.Series(0.0, index=years)
        return empty if frame is None else empty.add(_within(frame, scope).groupby("YEAR")["VALUE"].sum(), fill_value=0)

    penalty = tables.find("AnnualTechnologyEmissionsPenalty", _SETS)
    if penalty is None:
        penalty = tables.find("TechnologyEmissionsPenalty", _SETS)
    costs = {
        "fixed": total(fixed),
        "variable": total(variable),
        "investment": total(_annualised_investment(tables, investment, scope, years)),
        "emissions": total(penalty),
        "trade": _trade(tables, scope, years),
    }
    return EnergyAccount(pd.DataFrame(costs)[list(KINDS)], total(demand), total(investment))


def _annualised_investment(
    tables: Tables, investment: pd.DataFrame, scope: CostScope, years: list[int]
) -> pd.DataFrame:
    """Return annualised investment, long; MUIO's own table where the operational lives are not told.

    ``CapitalInvestment`` contains a technology's own rate (``DiscountRateIdv``) as the present value, at the region's
    rate, of its payments. So it becomes payments again at the region's rate, whichever formulation wrote it.
    """
    lives = tables.find("OperationalLife", ["REGION", "TECHNOLOGY"], parameter=True)
    if lives is None:
        ready = tables.find("AnnualizedInvestmentCost", _SETS)
        if ready is None:
            raise InvalidInput(
                f"{tables.name}: no parameters/OperationalLife.csv and no results/AnnualizedInvestmentCost.csv",
                hint="annual cost of investment needs one of them",
            )
        return ready
    wide = _within(investment, scope).pivot_table(
        index=["REGION", "TECHNOLOGY"], columns="YEAR", values="VALUE", fill_value=0.0
    )
    wide = wide[(wide != 0).any(axis=1)]
    wide = wide.reindex(columns=years, fill_value=0.0)  # tables may leave out zeros, and with them whole years
    life = lives.set_index(["REGION", "TECHNOLOGY"])["VALUE"].reindex(wide.index)
    wrong = life[~(life > 0)]
    if len(wrong):
        path = f"{tables.name}/parameters/OperationalLife.csv"
        raise InvalidInput(
            "technologies with investment need a life",
            faults=[
                Fault(f"{path} {'/'.join(map(str, key))}", f"expected years > 0, got {wrong[key]}")
                for key in wrong.index
            ],
        )
    rate = _rates(tables, scope, wide.index.get_level_values("REGION"))
    factor = pd.Series(capital_recovery_factor(rate, life.to_numpy()), wide.index)
    return (
        annualised(wide, factor, life).reset_index().melt(["REGION", "TECHNOLOGY"], var_name="YEAR", value_name="VALUE")
    )


def _rates(tables: Tables, scope: CostScope, regions: pd.Index[str]) -> NDArray[np.float64]:
    if scope.discount_rate is not None:
        return np.full(len(regions), scope.discount_rate)
    given = tables.get("DiscountRate", ["REGION"], parameter=True).set_index("REGION")["VALUE"]
    absent = sorted(set(regions) - set(given.index))
    if absent:
        raise InvalidInput(
            f"{tables.name}/parameters/DiscountRate.csv: no rate of {', '.join(absent)}",
            hint="or give one for all as bridge.config.cost_scope.discount_rate",
        )
    return given.reindex(regions).to_numpy(dtype=float)


def _trade(tables: Tables, scope: CostScope, years: list[int]) -> pd.Series[float]:
    """Return the value of net imports from regions outside the scope; between regions of the scope nothing is paid.

    Imports from outside the model are technologies, whose cost stands in the variable cost. OSeMOSYS has the flow from
    r to rr in ``Trade[r,rr]``; formulations that also state ``Trade[rr,r] = -Trade[r,rr]`` have each flow twice.
    """
    none = pd.Series(0.0, index=years)
    if scope.regions == "all":
        return none
    flows = tables.find("Trade", ["REGION", "_REGION", "FUEL", "YEAR"])
    if flows is None:
        return none
    home = set(scope.regions)
    flows = flows[flows["VALUE"] > 0]
    border = flows[flows["REGION"].isin(home) != flows["_REGION"].isin(home)]
    unpriced = sorted(set(border["FUEL"]) - set(scope.trade_prices))
    if unpriced:
        raise InvalidInput(
            "fuels cross the border of the regions in scope without a price",
            faults=[
                Fault(f"bridge.config.cost_scope.trade_prices.{fuel}", "required, but absent") for fuel in unpriced
            ],
        )
    sign = np.where(border["_REGION"].isin(home), 1.0, -1.0)
    value = border["VALUE"] * sign * border["FUEL"].map(scope.trade_prices)
    return none.add(value.groupby(border["YEAR"]).sum(), fill_value=0.0)


def _within(frame: pd.DataFrame, scope: CostScope) -> pd.DataFrame:
    for column, names in (("TECHNOLOGY", scope.technologies), ("FUEL", scope.fuels), ("REGION", scope.regions)):
        if names != "all" and column in frame.columns:
            frame = frame[frame[column].isin(names)]
    return frame


def _refuse_unknown(scope: CostScope, known: dict[str, set[str]], name: str) -> None:
    faults = []
    for part, names in known.items():
        asked = getattr(scope, part)
        unknown = [] if asked == "all" else [item for item in asked if item not in names]
        missing = "no demand above zero for" if part == "fuels" else "nothing of the name"
        faults += [
            Fault(f"bridge.config.cost_scope.{part}", f"{name} has {missing} {item}; it has {', '.join(sorted(names))}")
            for item in unknown
        ]
    if faults:
        raise InvalidInput("the scope of the cost of energy names what the model does not have", faults=faults)


def notes_of(tables: Tables, scope: CostScope) -> list[str]:
    """Return what a modeller must know of the cost of energy of a run in this scope."""
    notes = []
    if scope.fuels == "all":
        notes.append(
            "the unit cost is a total-cost index: the demand of all fuels is added up, whatever their units; name"
            " cost_scope.fuels and cost_scope.technologies for the cost of a commodity"
        )
    storage = tables.find("CapitalInvestmentStorage", ["YEAR"])
    if storage is not None and storage["VALUE"].sum() > 0:
        notes.append("investment in storage is not in the cost of energy")
    return notes
