"""What the user may choose: which stars, and how exactly they are solved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from _stars.settings import load_settings

_FIELDS = (
    "central_pressures_mev_per_fm3",
    "lowest_central_pressure_mev_per_fm3",
    "stars",
    "masses_solar",
    "maximum_required",
    "relative_tolerance",
)


@dataclass(frozen=True)
class Config:
    """Which stars are solved. ``config.schema.json`` says the same to people and forms."""

    central_pressures: list[float]  #: of further stars [MeV/fm3]
    lowest_central_pressure: float  #: of the family [MeV/fm3]
    stars: int  #: of the family, evenly in the logarithm of the central pressure
    masses: list[float]  #: of further stars [solar masses]
    maximum_required: bool  #: whether a table that ends before the maximum mass is a fault
    relative_tolerance: float  #: of each step of the integration [-]


def load_config(path: Path) -> Config:
    """Return the configuration.

    Raises:
        Fault: a field or a value does not exist; all faults are told.
    """
    settings = load_settings(path)
    settings.known(_FIELDS)
    config = Config(
        central_pressures=settings.numbers(_FIELDS[0], above=0.0),
        lowest_central_pressure=settings.number(_FIELDS[1], 1.0, above=0.0),
        stars=settings.whole("stars", 100, least=10, most=10_000),
        masses=settings.numbers("masses_solar", above=0.0),
        maximum_required=settings.choice("maximum_required", (True, False), True),
        relative_tolerance=settings.number("relative_tolerance", 1e-10, above=1e-13, most=1e-4),
    )
    settings.finish()
    return config
