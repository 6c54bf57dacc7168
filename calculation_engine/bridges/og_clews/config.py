"""The config of the bridge ``og_clews``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calculation_engine.schemas.base import Schema

Index = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1900, le=2300)]
Names = Literal["all"] | Annotated[list[str], Field(min_length=1)]


class CostScope(Schema):
    """What counts as the cost of energy, and over which demand it is spread."""

    technologies: Names = "all"
    """Technologies whose cost counts."""
    fuels: Names = "all"
    """Fuels whose demand the cost is spread over; all of them make the unit cost a total-cost index in mixed units."""
    regions: Names = "all"
    """Regions of CLEWS that are the economy; all of them, and trade between them costs nothing."""
    trade_prices: dict[str, Positive] = Field(default={})
    """Fuel -> price of what the regions get from other regions of the model, in CLEWS' money per unit."""
    discount_rate: float | None = Field(default=None, ge=0, lt=1)
    """Rate at which investment becomes annual cost [1 per year]; none: each region's own."""


class ConsumptionTax(Schema):
    """The rise of the unit cost as a tax on goods: households pay it, the government has it."""

    goods: dict[Index, float] = Field(min_length=1)
    """Good -> share of its price that follows the cost of energy [-]."""

    @model_validator(mode="after")
    def _are_shares(self) -> Self:
        wrong = [f"good {good}: {share}" for good, share in self.goods.items() if not 0 <= share <= 1]
        if wrong:
            raise ValueError(f"expected shares from 0 to 1, got {', '.join(wrong)}")
        return self


class PublicInvestment(Schema):
    """The public share of additional investment in energy as government spending."""

    into: Literal["alpha_I", "alpha_G"]
    """OG-Core's share of public investment, or of government consumption, in GDP."""
    public_share: float = Field(ge=0, le=1)
    """Share of the additional investment that the government pays [-]."""
    money_per_unit: Positive
    """How much of GDP's money one unit of CLEWS' money is, such as 1e6 for million and the same currency."""
    gdp: dict[Year, Positive] = Field(min_length=1)
    """Year -> GDP in money; between these years it grows at a constant rate, outside it is held."""


class Channels(Schema):
    """Ways by which the cost of energy enters OG-Core; each is off unless it stands here."""

    productivity: bool = True
    """Productivity of the energy industry falls as the unit cost rises: Z[t,e] / rho_t."""
    cost_push: dict[Index, float] = Field(default={})
    """Other industry -> share of energy in its cost, phi [-]: Z[t,j] / (1 + phi (rho_t - 1))."""
    consumption_tax: ConsumptionTax | None = None
    public_investment: PublicInvestment | None = None
    carbon_price: Literal["none", "cost", "consumption_tax"] = "none"
    """Where payments for emissions enter: nowhere, in the cost of energy (the economy loses them), or in the tax on the
    goods of `consumption_tax` (the government has them). One place, so that they count once."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        wrong = [f"industry {index}: {share}" for index, share in self.cost_push.items() if not 0 <= share <= 1]
        if wrong:
            raise ValueError(f"cost_push: expected shares from 0 to 1, got {', '.join(wrong)}")
        if self.carbon_price == "consumption_tax" and self.consumption_tax is None:
            raise ValueError("carbon_price: consumption_tax needs the goods of `consumption_tax`")
        return self


class Response(Schema):
    """How the demand for fuels, or the share of it that one sector has, follows the economy."""

    fuels: Names = "all"
    sector: str = ""
    """Who uses this share, such as industrial or residential; for people."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Part of the fuels' baseline demand that this sector has [-]; the shares of a fuel add up to 1."""
    driver: Literal["industry_output", "consumption", "gdp"]
    """What it follows: output of an industry, consumption of a good, or GDP at base prices; all of them volumes."""
    industry: Index | None = None
    """Industry of `industry_output`, counted from 0."""
    good: Index | None = None
    """Good of `consumption`, counted from 0."""
    elasticity: float = Field(ge=-5, le=5)
    """Change of demand for a change of the driver, both relative [-]."""

    @model_validator(mode="after")
    def _has_its_index(self) -> Self:
        wanted = {"industry_output": "industry", "consumption": "good"}.get(self.driver)
        for name in ("industry", "good"):
            given = getattr(self, name) is not None
            if given != (name == wanted):
                verb = "is not used" if given else "is needed"
                raise ValueError(f"`{name}` {verb} with driver {self.driver}")
        return self


class Exchange(Schema):
    """What is iterated: ratios of demand to the original demand."""

    by: Literal["year", "fuel_and_year"] = "year"
    """One ratio a year for all fuels, or one for each fuel and year."""
    first_year: Year | None = None
    """First year that is exchanged; none: the economy's start. Earlier years keep their demand."""
    start: Positive = 1.0
    """Ratio that is asked first [-]."""
    lower: Positive = 0.05
    """Smallest ratio that is asked [-]."""
    upper: Positive = 20.0
    """Largest ratio that is asked [-]."""
    warm_start: bool = True
    """Whether OG-Core begins each evaluation at its solution of the one before: fewer iterations, answers that depend
    on the course by `noise`. Without it each begins where OG-Core does, and equal ratios have equal answers."""
    noise: float | None = Field(default=None, ge=0, lt=0.1)
    """Error that the models' solvers leave in the answered ratios [-]; tolerances are at least five times it. None:
    three tenths of OG-Core's own tolerance `mindist_TPI`, which is what 1e-5 leaves at the reference scenario."""


class Config(Schema):
    """How CLEWS and OG-Core exchange; the loop's sequence names the CLEWS process first, then the OG-Core process."""

    energy_industry: Index = 0
    """OG-Core's industry that sells energy, counted from 0."""
    cost_scope: CostScope = CostScope()
    channels: Channels = Channels()
    demand: list[Response] = Field(default=[])
    """How demand follows the economy; a fuel that is in none keeps its demand. A loop needs one row at least."""
    exchange: Exchange = Exchange()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.exchange.by == "year" and any(row.fuels != "all" for row in self.demand):
            raise ValueError("`exchange.by: year` has one ratio for all fuels: leave out `fuels`, or use fuel_and_year")
        if any(row.fuels == "all" for row in self.demand) and any(row.fuels != "all" for row in self.demand):
            raise ValueError("`demand`: either every row is for all fuels, or every row names its fuels")
        if self.energy_industry in self.channels.cost_push:
            raise ValueError("channels.cost_push: the energy industry has `productivity`; its cost would count twice")
        faults = [f"{name}: {total:.6g}" for name, total in self._shares().items() if abs(total - 1) > 1e-9]
        if faults:
            raise ValueError(f"`demand`: the shares of a fuel must add up to 1, got {', '.join(faults)}")
        return self

    def _shares(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for row in self.demand:
            for fuel in ["all fuels"] if row.fuels == "all" else dict.fromkeys(row.fuels):
                totals[fuel] = totals.get(fuel, 0.0) + row.share
        return totals
