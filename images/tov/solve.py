"""What the module does: the stars of a table of matter, their curve, and the numbers that people compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from _stars.constants import SOLAR_MASS_KM
from _stars.entry import progress
from _stars.faults import Fault, write_json
from _stars.matter import Matter, make_matter
from _stars.table import read_rows
from tov.config import Config, load_config
from tov.family import Family, find_mass, make_family, solver
from tov.report import CANONICAL_MASS, Found, Wanted, summary, write_curve
from tov.star import Star


def run(input_dir: Path, output_dir: Path) -> str:
    """Read the config and ``eos.csv``; write ``mass_radius.csv`` and ``summary.json``; return a sentence.

    Raises:
        Fault: the input cannot be used; all faults are told.
    """
    config = load_config(input_dir / "config.yaml")
    matter = make_matter(read_rows(input_dir / "eos.csv"))
    solve = solver(matter, config.relative_tolerance)
    family = make_family(_pressures(config, matter), solve, _told(config))
    if family.maximum is None and config.maximum_required:
        raise Fault(_no_maximum(family))
    wanted = [Wanted(mass=mass, star=find_mass(family, mass, solve)) for mass in config.masses]
    wanted += [Wanted(pressure=pressure, star=solve(pressure)) for pressure in config.central_pressures]
    found = Found(config, matter, family, find_mass(family, CANONICAL_MASS, solve), wanted)
    output_dir.mkdir(exist_ok=True)
    write_curve(output_dir / "mass_radius.csv", found)
    report = summary(found)
    write_json(output_dir / "summary.json", report)
    for warning in report["warnings"]:
        print(f"warning: {warning}", flush=True)
    progress(1, "done")
    return _sentence(found)


def _pressures(config: Config, matter: Matter) -> list[float]:
    """Return the central pressures of the family, rising [MeV/fm3].

    Raises:
        Fault: the table ends too low for them, or for a star that is wanted.
    """
    end = matter.at(matter.end).pressure
    low = config.lowest_central_pressure
    if end <= 2 * low:
        raise Fault(
            f"eos.csv: ends at {end:.4g} MeV/fm3, too short a table for central pressures from {low:g} MeV/fm3 on: "
            "extend it, or lower config.lowest_central_pressure_mev_per_fm3"
        )
    above = [pressure for pressure in config.central_pressures if pressure > end]
    if above:
        told = ", ".join(f"{pressure:g}" for pressure in above)
        raise Fault(f"config.central_pressures_mev_per_fm3: {told}: the table ends at {end:.6g} MeV/fm3")
    count = config.stars - 1
    return [*(low * (end / low) ** (number / count) for number in range(count)), end]


def _told(config: Config) -> Callable[[int, Star], None]:
    def told(number: int, star: Star) -> None:
        if number % (config.stars // 10) == 0:
            done = 0.7 * number / config.stars
            progress(done, f"{star.mass / SOLAR_MASS_KM:.4f} solar masses, {star.radius:.4f} km")

    return told


def _no_maximum(family: Family) -> str:
    heaviest = max(family.stars, key=lambda star: star.mass)
    told = f"eos.csv: the heaviest star, {heaviest.mass / SOLAR_MASS_KM:.6g} solar masses, is that of the"
    if heaviest is family.stars[-1]:
        return f"{told} table's end, too short a table for a maximum: extend it, or set config.maximum_required: false"
    return f"{told} lowest central pressure: lower config.lowest_central_pressure_mev_per_fm3"


def _sentence(found: Found) -> str:
    maximum, canonical = found.family.maximum, found.canonical
    if maximum is not None:
        told = f"maximum mass {maximum.mass / SOLAR_MASS_KM:.6g} solar masses at {maximum.radius:.6g} km"
    else:
        heaviest = max(star.mass for star in found.family.stars) / SOLAR_MASS_KM
        told = f"no maximum mass up to the table's end; the heaviest star has {heaviest:.6g} solar masses"
    if canonical is None:
        return f"{told}; no star has {CANONICAL_MASS} solar masses"
    at = f"at {CANONICAL_MASS} solar masses {canonical.radius:.6g} km"
    return f"{told}; {at} and Lambda {canonical.deformability:.6g}"
