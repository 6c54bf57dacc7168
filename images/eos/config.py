"""What the user may choose: the matter, and how much of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from _stars.constants import DYN_PER_CM2
from _stars.settings import Settings, load_settings
from eos.fits import FITS, Fit

DEFAULT_FIT = "SLy"
#: Highest pressure of a generated table: maximum masses lie below 3e36 dyn/cm2 for all named fits [MeV/fm3].
HIGHEST_PRESSURE = 1e37 * DYN_PER_CM2
ROWS_PER_DECADE = 50
KEEP, CUT, REFUSE = "keep", "cut", "refuse"
_SOURCES = ("fit", "piecewise_polytrope", "polytrope")
_FIELDS = (*_SOURCES, "rows_per_decade", "highest_pressure_mev_per_fm3", "acausal")
_KAPPAS = ("kappa_geometric", "kappa_cgs")


@dataclass(frozen=True)
class SinglePolytrope:
    """p = kappa rho^gamma, rho the rest-mass density."""

    gamma: float  #: exponent [-]
    kappa: float
    geometric: bool  #: whether kappa is for G = c = solar mass = 1; otherwise for dyn/cm2 and g/cm3


@dataclass(frozen=True)
class Config:
    """One choice of matter. ``config.schema.json`` says the same to people and forms."""

    name: str  #: what the matter is called
    core: Fit | None  #: of a piecewise polytrope
    polytrope: SinglePolytrope | None  #: neither: the table that is given
    rows_per_decade: int  #: of baryon density; 0: the ends of the pieces alone
    highest_pressure: float  #: of a generated table [MeV/fm3]
    acausal: str  #: what is done with matter in which sound is faster than light


def load_config(path: Path, *, table: bool) -> Config:
    """Return the configuration.

    Args:
        path: the config file.
        table: whether a table is given as an input.

    Raises:
        Fault: a field or a value does not exist, or more than one kind of matter is asked for; all faults are told.
    """
    settings = load_settings(path)
    settings.known(_FIELDS)
    given = [name for name in _SOURCES if name in settings.values] + ["the input compose"] * table
    if len(given) > 1:
        settings.faults.append(f"config: expected one kind of matter, got {' and '.join(given)}")
    name, core, polytrope = "the table", None, None
    if "piecewise_polytrope" in settings.values:
        name, core = "a piecewise polytrope", _core(settings.part("piecewise_polytrope"))
    elif "polytrope" in settings.values:
        name, polytrope = "a polytrope", _polytrope(settings.part("polytrope"))
    elif not table:
        name = settings.choice("fit", FITS, DEFAULT_FIT)
        core = FITS[name]
    config = Config(
        name=name,
        core=core,
        polytrope=polytrope,
        rows_per_decade=settings.whole("rows_per_decade", ROWS_PER_DECADE, least=0, most=1000),
        highest_pressure=settings.number("highest_pressure_mev_per_fm3", HIGHEST_PRESSURE, above=1.0, most=1e6),
        acausal=settings.choice("acausal", (KEEP, CUT, REFUSE), KEEP),
    )
    settings.finish()
    return config


def _core(part: Settings) -> Fit:
    part.known(Fit._fields)
    exponents = (part.number(name, above=1.0, most=10.0) for name in Fit._fields[1:])
    return Fit(part.number("log10_p1", above=30.0, most=38.0), *exponents)


def _polytrope(part: Settings) -> SinglePolytrope:
    part.known(("gamma", *_KAPPAS))
    given = [name for name in _KAPPAS if name in part.values]
    if len(given) != 1:
        part.faults.append(
            f"{part.where}: expected one of {' and '.join(_KAPPAS)}, got {' and '.join(given) or 'neither'}"
        )
        return SinglePolytrope(part.number("gamma", above=1.0, most=10.0), 1.0, geometric=True)
    kappa = part.number(given[0], above=0.0)
    return SinglePolytrope(part.number("gamma", above=1.0, most=10.0), kappa, geometric=given[0] == _KAPPAS[0])
