"""Matter whose pressure is a power of the rest-mass density, in one piece or in several.

Source: Read, Lackey, Owen & Friedman, PRD 79, 124032 (2009): p = K rho^gamma in each piece, the energy density
continuous by the first law; dividing densities 10^14.7 and 10^15.0 g/cm3 of the core; the crust of Table II.
"""

from __future__ import annotations

from dataclasses import dataclass

from _stars.constants import DYN_PER_CM2, GRAM_PER_CM3
from _stars.faults import Fault
from eos.fits import Fit

#: Dividing densities of the core [g/cm3].
CORE_DENSITIES = (10**14.7, 10**15.0)
#: Exponents of the SLy crust in four pieces [-], and the rest-mass densities between them [g/cm3]: Table II.
CRUST_GAMMAS = (1.58425, 1.28733, 0.62223, 1.35692)
CRUST_DENSITIES = (2.44034e7, 3.78358e11, 2.62780e12)
#: K of the outermost crust piece, for p/c2 and rho in g/cm3. The others follow from it by continuity: the constants
#: that Table II gives for them are rounded, and would leave steps of the pressure at the joints. Begun at the innermost
#: piece instead, R(1.4) of SLy is 0.08 m less and Lambda 1.1e-5 more: its rounded exponent acts over 12 decades.
CRUST_K = 6.80110e-9


@dataclass(frozen=True)
class Segment:
    """p = K rho^gamma above a rest-mass density, told by a point on it rather than by K."""

    begin: float  #: lowest rest-mass density [g/cm3]
    at: float  #: rest-mass density of the point [g/cm3]
    pressure: float  #: pressure there [MeV/fm3]
    gamma: float  #: exponent [-]

    def pressure_at(self, density: float) -> float:
        """Return the pressure [MeV/fm3] at a rest-mass density [g/cm3]."""
        return float(self.pressure * (density / self.at) ** self.gamma)

    def density_at(self, pressure: float) -> float:
        """Return the rest-mass density [g/cm3] at a pressure [MeV/fm3]."""
        return float(self.at * (pressure / self.pressure) ** (1 / self.gamma))

    def meets(self, other: Segment) -> float:
        """Return the rest-mass density [g/cm3] at which two segments of different exponents have one pressure."""
        ratio = other.pressure_at(self.at) / self.pressure
        return float(self.at * ratio ** (1 / (self.gamma - other.gamma)))


def piecewise(fit: Fit) -> list[Segment]:
    """Return the segments of a four-parameter piecewise polytrope, crust first.

    Raises:
        Fault: its lowest core piece does not meet the crust's innermost piece below the first dividing density.
    """
    first, second = CORE_DENSITIES
    core = [Segment(0.0, first, 10**fit.log10_p1 * DYN_PER_CM2, fit.gamma1)]
    core.append(Segment(first, first, core[0].pressure, fit.gamma2))
    core.append(Segment(second, second, core[1].pressure_at(second), fit.gamma3))
    crust = _crust()
    joint = crust[-1].meets(core[0]) if fit.gamma1 > crust[-1].gamma else 0.0
    if not CRUST_DENSITIES[-1] < joint < first:
        raise Fault(
            f"config.piecewise_polytrope: with log10_p1 = {fit.log10_p1:g} and gamma1 = {fit.gamma1:g} the core does "
            f"not meet the crust between {CRUST_DENSITIES[-1]:.3g} and {first:.3g} g/cm3; for nuclear matter log10_p1 "
            "is 33.5 to 35, and gamma1 2 to 4.5"
        )
    core[0] = Segment(joint, core[0].at, core[0].pressure, core[0].gamma)
    return [*crust, *core]


def _crust() -> list[Segment]:
    first = CRUST_DENSITIES[0]
    segments = [Segment(0.0, first, CRUST_K * first ** CRUST_GAMMAS[0] * GRAM_PER_CM3, CRUST_GAMMAS[0])]
    for begin, gamma in zip(CRUST_DENSITIES, CRUST_GAMMAS[1:], strict=True):
        segments.append(Segment(begin, begin, segments[-1].pressure_at(begin), gamma))
    return segments
