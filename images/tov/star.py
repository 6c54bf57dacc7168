"""One star: the structure equations with the tidal perturbation, integrated in the pseudo-enthalpy.

Lengths are in km and G = c = 1. With h the pseudo-enthalpy, which falls from the centre to 0 at the surface, the
variables are u = r2, v = m / r3 and y = r H'/H of the quadrupole perturbation H, all regular at the centre:

    du/dh = -2 (1 - 2uv) / (v + 4 pi p)
    dv/dh = -(4 pi e - 3v) (1 - 2uv) / (u (v + 4 pi p))
    dy/dh = (y2 + y F + r2 Q) (1 - 2uv) / (u (v + 4 pi p))

Source: structure in h: Lindblom, ApJ 398, 569 (1992). F and Q: Hinderer, ApJ 677, 1216 (2008) with the erratum ApJ 697,
964 (2009), in the form of Postnikov, Prakash & Lattimer, PRD 82, 024016 (2010). Steps of the density: Damour & Nagar,
PRD 80, 084035 (2009); with the pressure at the step, Takatsy & Kovacs, PRD 102, 028501 (2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.integrate import solve_ivp

from _stars.constants import PER_KM2
from _stars.matter import Matter
from _stars.pieces import Piece, Polytrope, State
from tov.love import deformability, love_number

FOUR_PI = 4 * math.pi
#: The series at the centre reaches this share of what the density changes in [-]; its error there is the cube of that.
_CENTRE = 1e-4
#: The surface is reached at this share of the central pseudo-enthalpy: what lies above it is too little for rounding.
_SURFACE = 1e-14
_ABSOLUTE = 1e-3  #: absolute tolerance, of the relative one

Values = tuple[float, float, float]


@dataclass(frozen=True)
class Star:
    """A star in equilibrium."""

    enthalpy: float  #: pseudo-enthalpy at the centre [-]
    mass: float  #: gravitational mass, as a length [km]
    radius: float  #: circumferential [km]
    y: float  #: r H'/H just outside the surface [-]
    layer: float  #: thickness of what lies below the table's first row [km]

    @property
    def compactness(self) -> float:
        """G M / (R c2) [-]."""
        return self.mass / self.radius

    @property
    def love_number(self) -> float:
        """Tidal Love number k2 [-]."""
        return love_number(self.compactness, self.y)

    @property
    def deformability(self) -> float:
        """Dimensionless tidal deformability Lambda = 2/3 k2 / compactness^5 [-]."""
        return deformability(self.compactness, self.y)


class NoStar(Exception):
    """The integration came to no end."""


def solve_star(matter: Matter, enthalpy: float, relative: float) -> Star:
    """Return the star with a central pseudo-enthalpy.

    Args:
        matter: what it is made of, in MeV/fm3.
        enthalpy: at the centre [-], above 0 and at most the matter's end.
        relative: tolerance of each step of the integration [-].

    Raises:
        NoStar: the integration failed.
    """
    index = matter.index_at(enthalpy)
    at, values = _centre(matter.pieces[index], enthalpy, _lower_end(matter, index))
    reached: float | None = None
    for number in range(index, -1, -1):
        piece, end = matter.pieces[number], _lower_end(matter, number)
        if number == 0 and isinstance(piece, Polytrope):
            if matter.first < at:
                values = _through(piece, at, matter.first, values, relative)
                at, reached = matter.first, math.sqrt(values[0])
            values = _through_surface(piece, at, values, relative)
        else:
            values = _through(piece, at, end, values, relative)
        at = end
        outside = matter.pieces[number - 1].state(end) if number else State(0.0, 0.0, 0.0)
        values = _across(values, piece, outside, end)
    u, v, y = values
    radius = math.sqrt(u)
    return Star(enthalpy, v * u * radius, radius, y, radius - reached if reached else 0.0)


def _lower_end(matter: Matter, index: int) -> float:
    return matter.pieces[index].start if index else 0.0


def _centre(piece: Piece, enthalpy: float, end: float) -> tuple[float, Values]:
    """Return where the integration begins, and the series around the centre there."""
    pressure, energy_density, slope = _scaled(piece, enthalpy)
    scale = min(1.0, energy_density / slope) if slope else 1.0
    step = min(_CENTRE * scale, 0.5 * (enthalpy - end))
    v0 = FOUR_PI * energy_density / 3
    fall = v0 + FOUR_PI * pressure
    u1 = 2 / fall
    v1 = -FOUR_PI / 5 * slope
    u2 = -2 * u1 * v0 / fall - (v1 - FOUR_PI * (energy_density + pressure)) / fall**2
    y1 = -FOUR_PI / 7 * (energy_density / 3 + 11 * pressure + slope)
    u = u1 * step + u2 * step * step
    return enthalpy - step, (u, v0 + v1 * step, 2 + y1 * u)


def _scaled(piece: Piece, enthalpy: float) -> State:
    """Return the matter in 1/km2."""
    pressure, energy_density, slope = piece.state(enthalpy)
    return State(pressure * PER_KM2, energy_density * PER_KM2, slope * PER_KM2)


def _derivatives(piece: Piece, enthalpy: float, u: float, v: float, y: float) -> Values:
    """Return the derivatives of u, v and y by the pseudo-enthalpy."""
    pressure, energy_density, slope = _scaled(piece, enthalpy)
    inside = 1 - 2 * u * v
    pull = v + FOUR_PI * pressure
    f = (1 - FOUR_PI * u * (energy_density - pressure)) / inside
    q = (FOUR_PI * u * (5 * energy_density + 9 * pressure + slope) - 6) / inside - (2 * u * pull / inside) ** 2
    rate = inside / (u * pull)
    return -2 * inside / pull, -(FOUR_PI * energy_density - 3 * v) * rate, (y * y + y * f + q) * rate


def _through(piece: Piece, start: float, end: float, values: Values, relative: float) -> Values:
    """Integrate within a piece."""

    def derivatives(at: float, now: list[float]) -> Values:
        return _derivatives(piece, at, *now)

    return _integrate(derivatives, start, end, values, relative)


def _through_surface(piece: Polytrope, start: float, values: Values, relative: float) -> Values:
    """Integrate to the surface, where e goes as h^(1/(gamma - 1)): smooth in s, h = s^q, with q = max(1, gamma - 1)."""
    q = max(1.0, piece.gamma - 1)

    def derivatives(at: float, now: list[float]) -> Values:
        u, v, y = _derivatives(piece, at**q, *now)
        factor = q * at ** (q - 1)
        return u * factor, v * factor, y * factor

    outermost = start ** (1 / q)
    return _integrate(derivatives, outermost, outermost * _SURFACE ** (1 / q), values, relative)


def _integrate(
    derivatives: Callable[[float, list[float]], Values], start: float, end: float, values: Values, relative: float
) -> Values:
    if start <= end:
        return values
    scales = (values[0] + 1.0, values[1], 1.0)
    done = solve_ivp(
        lambda at, now: derivatives(at, now.tolist()),
        (start, end),
        values,
        method="DOP853",
        rtol=relative,
        atol=[relative * _ABSOLUTE * scale for scale in scales],
        t_eval=(end,),
    )
    if not done.success:
        raise NoStar(done.message)
    u, v, y = done.y[:, -1].tolist()
    return u, v, y


def _across(values: Values, piece: Piece, outside: State, enthalpy: float) -> Values:
    """Return the values outside a joint or the surface: where the energy density steps, y does."""
    u, v, y = values
    pressure, energy_density, _ = _scaled(piece, enthalpy)
    step = energy_density - outside.energy_density * PER_KM2
    return u, v, y - FOUR_PI * step / (v + FOUR_PI * pressure)
