"""What is told of the stars: the curve as a table, and a report of those that people compare."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _stars.constants import SOLAR_MASS_KM, document
from _stars.matter import Matter
from tov.config import Config
from tov.family import Family, solver
from tov.star import Star

CANONICAL_MASS = 1.4  #: [solar masses]
#: The tolerance of the second solution that the first one's error is told by, of the first one's.
_LOOSER = 100.0
#: Thickness of what is below the table's first row that is worth a warning [km].
_THICK = 1e-3
_KEYS = (
    "central_pressure_mev_per_fm3",
    "central_energy_density_mev_per_fm3",
    "central_baryon_density_per_fm3",
    "central_pseudo_enthalpy",
    "central_sound_speed_squared",
    "mass_solar",
    "radius_km",
    "compactness",
    "love_number",
    "tidal_deformability",
)
_UNITS = {
    "pressure, energy_density": "MeV/fm3",
    "baryon_density": "1/fm3",
    "mass": "solar masses",
    "radius": "km",
    "sound_speed_squared": "c2",
    "pseudo_enthalpy, compactness, love_number, tidal_deformability": "1",
}


@dataclass(frozen=True)
class Wanted:
    """A star that was asked for by its mass [solar masses] or its central pressure [MeV/fm3]; None: there is none."""

    star: Star | None
    mass: float | None = None
    pressure: float | None = None


@dataclass(frozen=True)
class Found:
    """All that was solved."""

    config: Config
    matter: Matter
    family: Family
    canonical: Star | None
    wanted: list[Wanted]


def write_curve(path: Path, found: Found) -> None:
    """Write the table of the family's stars."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*_KEYS, "stable"])
        for index, star in enumerate(found.family.stars):
            stable = "true" if found.family.rises(index) else "false"
            writer.writerow([*_record(star, found.matter).values(), stable])


def summary(found: Found) -> dict[str, Any]:
    """Return the report; what no star has is null in it."""
    maximum = found.family.maximum
    causal = _is_causal(maximum, found.matter) if maximum else None
    return {
        "maximum": _record(maximum, found.matter) | {"causal": causal},
        "canonical": _record(found.canonical, found.matter),
        "stars": [
            {"wanted_mass_solar": each.mass, "wanted_central_pressure_mev_per_fm3": each.pressure}
            | _record(each.star, found.matter)
            for each in found.wanted
        ],
        "units": _UNITS,
        "integration_error": _integration_error(found),
        "constants": document(),
        "warnings": _warnings(found),
    }


def _record(star: Star | None, matter: Matter) -> dict[str, Any]:
    if star is None:
        return dict.fromkeys(_KEYS)
    centre = matter.at(star.enthalpy)
    speed = matter.sound_speed_squared(star.enthalpy)
    values = (
        centre.pressure,
        centre.energy_density,
        centre.density,
        star.enthalpy,
        speed if math.isfinite(speed) else None,
        star.mass / SOLAR_MASS_KM,
        star.radius,
        star.compactness,
        star.love_number,
        star.deformability,
    )
    return dict(zip(_KEYS, values, strict=True))


def _is_causal(star: Star, matter: Matter) -> bool:
    return matter.sound_speed_squared(star.enthalpy) <= 1


def _integration_error(found: Found) -> dict[str, float]:
    """Return how much the named stars change, relative, at a tolerance a hundred times as wide."""
    solve = solver(found.matter, _LOOSER * found.config.relative_tolerance)
    named = [found.canonical, found.family.maximum, *(each.star for each in found.wanted)]
    pairs = [(star, solve(found.matter.at(star.enthalpy).pressure)) for star in named if star]
    return {
        name: max((abs(getattr(other, name) / getattr(star, name) - 1) for star, other in pairs), default=0.0)
        for name in ("mass", "radius", "deformability")
    }


def _warnings(found: Found) -> list[str]:
    matter, maximum = found.matter, found.family.maximum
    warnings = []
    if maximum is None:
        warnings.append("the mass has no maximum within the table")
    elif not _is_causal(maximum, matter):
        speed = matter.sound_speed_squared(maximum.enthalpy)
        warnings.append(f"acausal: in the centre of the star of maximum mass the sound speed squared is {speed:.3g} c2")
    warnings += [f"no star has {each.mass:g} solar masses" for each in found.wanted if each.mass and not each.star]
    shown = found.canonical or maximum or found.family.stars[-1]
    if shown.layer > _THICK:
        begin = matter.at(matter.first).pressure
        warnings.append(
            f"the table begins at {begin:.3g} MeV/fm3: of the star of {shown.mass / SOLAR_MASS_KM:.4g} solar masses "
            f"the outermost {1e3 * shown.layer:.4g} m are its lowest piece, continued"
        )
    return warnings
