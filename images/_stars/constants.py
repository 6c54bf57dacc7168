"""Constants and units. Energy densities and pressures are in MeV/fm3 with c = 1, baryon densities in 1/fm3.

Exact SI constants, the atomic mass constant and the constant of gravitation are those of CODATA 2018. The solar mass is
what the IAU's nominal GM (2015, resolution B3) gives with that G, rounded.
"""

from __future__ import annotations

C = 299_792_458.0  #: speed of light [m/s]
G = 6.6743e-11  #: constant of gravitation [m3/(kg s2)]
SOLAR_MASS_KG = 1.98841e30
ATOMIC_MASS_KG = 1.66053906660e-27
_MEV = 1.602176634e-13  # [J]

#: One MeV/fm3 in J/m3, and in 1/km2 where G = c = 1.
_MEV_PER_FM3 = _MEV * 1e45
PER_KM2 = G / C**4 * _MEV_PER_FM3 * 1e6
#: One dyn/cm2 in MeV/fm3.
DYN_PER_CM2 = 0.1 / _MEV_PER_FM3
#: One g/cm3, as an energy density, in MeV/fm3.
GRAM_PER_CM3 = 1e3 * C**2 / _MEV_PER_FM3
#: The rest mass that one baryon of a rest-mass density stands for [MeV].
BARYON_MASS_MEV = ATOMIC_MASS_KG * C**2 / _MEV
#: The solar mass as a length [km], where G = c = 1.
SOLAR_MASS_KM = G * SOLAR_MASS_KG / C**2 / 1e3
#: The unit of energy density and pressure where G = c = solar mass = 1, in MeV/fm3.
GEOMETRIC = 1 / (SOLAR_MASS_KM**2 * PER_KM2)


def document() -> dict[str, object]:
    """Return the constants that results depend on, with their units, for a report."""
    return {
        "gravitational_constant": {"value": G, "unit": "m3/(kg s2)"},
        "solar_mass": {"value": SOLAR_MASS_KG, "unit": "kg"},
        "speed_of_light": {"value": C, "unit": "m/s"},
        "baryon_mass": {"value": BARYON_MASS_MEV, "unit": "MeV"},
    }
