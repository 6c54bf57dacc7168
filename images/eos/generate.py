"""Rows of a table from segments of matter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from _stars.constants import BARYON_MASS_MEV, DYN_PER_CM2, GEOMETRIC, GRAM_PER_CM3
from _stars.faults import Fault
from _stars.pieces import Polytrope, Row
from eos.config import Config, SinglePolytrope
from eos.polytropes import Segment, piecewise

#: Rest-mass density of the first row [g/cm3]. Below it the first segment goes on; of a star of 1.4 solar masses that is
#: some centimetres.
LOWEST_DENSITY = 1e3
#: A single polytrope begins at this share of its highest density: its natural scale may be any.
_LOWEST_SHARE = 1e-13
_PER_FM3 = GRAM_PER_CM3 / BARYON_MASS_MEV  #: baryon density [1/fm3] of a rest-mass density of 1 g/cm3


def generate(config: Config) -> list[Row]:
    """Return the rows of what a config asks for; the ends of the segments are among them.

    Raises:
        Fault: the segments do not fit together, or the highest pressure is within the crust.
    """
    if config.polytrope is not None:
        segments = [_single(config.polytrope)]
        lowest = _LOWEST_SHARE * segments[0].density_at(config.highest_pressure)
    else:
        assert config.core is not None
        segments, lowest = piecewise(config.core), LOWEST_DENSITY
    end = segments[-1].density_at(config.highest_pressure)
    if end <= segments[-1].begin:
        needed = segments[-1].pressure_at(segments[-1].begin)
        raise Fault(
            f"config.highest_pressure_mev_per_fm3: expected more than {needed:.6g}, where the innermost piece begins, "
            f"got {config.highest_pressure:g}"
        )
    ends = [*(segment.begin for segment in segments[1:]), end]
    return list(_rows(segments, lowest, ends, config.rows_per_decade))


def _rows(segments: Sequence[Segment], lowest: float, ends: Sequence[float], rows_per_decade: int) -> Iterator[Row]:
    pressure = segments[0].pressure_at(lowest)
    row = Row(lowest * _PER_FM3, lowest * GRAM_PER_CM3 + pressure / (segments[0].gamma - 1), pressure)
    yield row
    begin = lowest
    for segment, end in zip(segments, ends, strict=True):
        piece = Polytrope(0.0, Row(begin * _PER_FM3, row.energy_density, segment.pressure_at(begin)), segment.gamma)
        count = max(1, math.ceil(rows_per_decade * math.log10(end / begin)))
        for number in range(1, count + 1):
            density = end if number == count else begin * (end / begin) ** (number / count)
            found = piece.row(piece.enthalpy(segment.pressure_at(density)))
            row = Row(density * _PER_FM3, found.energy_density, segment.pressure_at(density))
            yield row
        begin = end


def _single(polytrope: SinglePolytrope) -> Segment:
    """Return a segment through the point at a rest-mass density of 1, in whichever unit kappa is for."""
    if polytrope.geometric:
        return Segment(0.0, GEOMETRIC / GRAM_PER_CM3, polytrope.kappa * GEOMETRIC, polytrope.gamma)
    return Segment(0.0, 1.0, polytrope.kappa * DYN_PER_CM2, polytrope.gamma)
