"""The named fits: log10 of the pressure in dyn/cm2 at a rest-mass density of 10^14.7 g/cm3, and three exponents.

Source: Read, Lackey, Owen & Friedman, PRD 79, 124032 (2009), doi:10.1103/PhysRevD.79.124032, Table III, with its names.
A fit is not the equation of state that it is named after: masses and radii of the two differ by up to 5 % (there).
"""

from __future__ import annotations

from typing import NamedTuple


class Fit(NamedTuple):
    """Parameters of a four-parameter piecewise polytrope."""

    log10_p1: float  #: log10 of the pressure [dyn/cm2] at the first dividing density
    gamma1: float  #: exponent below the first dividing density [-]
    gamma2: float  #: exponent between the two [-]
    gamma3: float  #: exponent above the second [-]


FITS = {
    "PAL6": Fit(34.380, 2.227, 2.189, 2.159),
    "SLy": Fit(34.384, 3.005, 2.988, 2.851),
    "APR1": Fit(33.943, 2.442, 3.256, 2.908),
    "APR2": Fit(34.126, 2.643, 3.014, 2.945),
    "APR3": Fit(34.392, 3.166, 3.573, 3.281),
    "APR4": Fit(34.269, 2.830, 3.445, 3.348),
    "FPS": Fit(34.283, 2.985, 2.863, 2.600),
    "WFF1": Fit(34.031, 2.519, 3.791, 3.660),
    "WFF2": Fit(34.233, 2.888, 3.475, 3.517),
    "WFF3": Fit(34.283, 3.329, 2.952, 2.589),
    "BBB2": Fit(34.331, 3.418, 2.835, 2.832),
    "BPAL12": Fit(34.358, 2.209, 2.201, 2.176),
    "ENG": Fit(34.437, 3.514, 3.130, 3.168),
    "MPA1": Fit(34.495, 3.446, 3.572, 2.887),
    "MS1": Fit(34.858, 3.224, 3.033, 1.325),
    "MS2": Fit(34.605, 2.447, 2.184, 1.855),
    "MS1b": Fit(34.855, 3.456, 3.011, 1.425),
    "PS": Fit(34.671, 2.216, 1.640, 2.365),
    "GS1": Fit(34.504, 2.350, 1.267, 2.421),
    "GS2": Fit(34.642, 2.519, 1.571, 2.314),
    "BGN1H1": Fit(34.623, 3.258, 1.472, 2.464),
    "GNH3": Fit(34.648, 2.664, 2.194, 2.304),
    "H1": Fit(34.564, 2.595, 1.845, 1.897),
    "H2": Fit(34.617, 2.775, 1.855, 1.858),
    "H3": Fit(34.646, 2.787, 1.951, 1.901),
    "H4": Fit(34.669, 2.909, 2.246, 2.144),
    "H5": Fit(34.609, 2.793, 1.974, 1.915),
    "H6": Fit(34.593, 2.637, 2.121, 2.064),
    "H7": Fit(34.559, 2.621, 2.048, 2.006),
    "PCL2": Fit(34.507, 2.554, 1.880, 1.977),
    "ALF1": Fit(34.055, 2.013, 3.389, 2.033),
    "ALF2": Fit(34.616, 4.070, 2.411, 1.890),
    "ALF3": Fit(34.283, 2.883, 2.653, 1.952),
    "ALF4": Fit(34.314, 3.009, 3.438, 1.803),
}
