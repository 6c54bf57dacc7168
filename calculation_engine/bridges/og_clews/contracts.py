"""What may cross between the models. A value that is not of its kind is refused here, with the path of each fault."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from calculation_engine.errors import InvalidInput, pydantic_faults
from calculation_engine.schemas.base import Schema

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _without_gaps(values: dict[int, float]) -> dict[int, float]:
    if not values:
        raise ValueError("expected at least one year, got none")
    years = range(min(values), max(values) + 1)
    gaps = [str(year) for year in years if year not in values]
    if gaps:
        raise ValueError(f"years {years[0]} to {years[-1]} have gaps: {', '.join(gaps)}")
    return dict(sorted(values.items()))


AnnualPositive = Annotated[dict[int, Positive], AfterValidator(_without_gaps)]
AnnualNotNegative = Annotated[dict[int, NotNegative], AfterValidator(_without_gaps)]


class EnergyCost(Schema):
    """Leaves CLEWS: what a unit of demand costs, per year, in scenario and baseline."""

    unit: Literal["money per unit of demand"] = "money per unit of demand"
    scenario: AnnualPositive
    baseline: AnnualPositive

    @model_validator(mode="after")
    def _has_the_same_years(self) -> Self:
        different = sorted(set(self.scenario) ^ set(self.baseline))
        if different:
            years = ", ".join(map(str, different))
            raise ValueError(f"scenario and baseline must have the same years; only one of them has {years}")
        return self

    @property
    def ratio(self) -> dict[int, float]:
        """Scenario over baseline, rho_y [-]."""
        return {year: value / self.baseline[year] for year, value in self.scenario.items()}


class EconomyParameters(Schema):
    """Enters OG-Core: the parameters that a bridge sets, in the ranges of OG-Core 0.21's own declarations."""

    Z: list[list[Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]]] | None = None
    """Total factor productivity, period by industry [-]."""
    tau_c: list[list[Annotated[float, Field(ge=-5, le=5, allow_inf_nan=False)]]] | None = None
    """Consumption tax, period by good [-]."""
    alpha_I: list[Annotated[float, Field(ge=0, le=0.3, allow_inf_nan=False)]] | None = None  # noqa: N815 OG-Core's name
    """Public investment, share of GDP, one a period [-]."""
    alpha_G: list[Annotated[float, Field(ge=0, le=0.3, allow_inf_nan=False)]] | None = None  # noqa: N815 OG-Core's name
    """Government consumption, share of GDP, one a period [-]."""


class EconomyPath(Schema):
    """Leaves OG-Core: the volumes that demand follows, one a period, in scenario and baseline."""

    unit: Literal["volume"] = "volume"
    scenario: list[Positive] = Field(min_length=1)
    baseline: list[Positive] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_the_same_periods(self) -> Self:
        if len(self.scenario) != len(self.baseline):
            counts = f"{len(self.scenario)} and {len(self.baseline)}"
            raise ValueError(f"scenario and baseline must have the same number of periods, got {counts}")
        return self

    @property
    def ratio(self) -> list[float]:
        """Scenario over baseline [-]."""
        return [value / base for value, base in zip(self.scenario, self.baseline, strict=True)]


class DemandRatio(Schema):
    """Enters CLEWS: demand relative to the original demand, per year."""

    unit: Literal["1"]
    values: AnnualPositive


def require[S: Schema](kind: type[S], path: str, **values: object) -> S:
    """Return a contract.

    Raises:
        InvalidInput: values do not keep it; every fault with its path below ``path``.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        faults = pydantic_faults(error.errors(), path)
        raise InvalidInput(f"{path}: values that may not cross between the models", faults=faults) from error
