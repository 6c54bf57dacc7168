"""Tables in CompOSE's format: cold matter in equilibrium, one row a baryon density.

Of a folder, ``*.nb`` has the grid of baryon densities [1/fm3] after its first and last index, ``*.thermo`` the masses
of neutron and proton [MeV] and whether leptons are in it, then for each point its three indices and, n the density,
Q1 = p/n [MeV], Q2 the entropy per baryon, Q3 = mu_b/m_n - 1, Q4 and Q5 further potentials, Q6 the free energy and
Q7 = e/(n m_n) - 1 [-]. ``*.t`` and ``*.yq``, where given, must have one point.

Source: CompOSE reference manual, Typel et al., Eur. Phys. J. A 58, 221 (2022), arXiv:2203.03209, section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from _stars.faults import Fault, refuse
from _stars.pieces import Row

_COLUMNS = 10  #: three indices and Q1 to Q7; what follows is the table's own


@dataclass(frozen=True)
class Composed:
    """A table that was read."""

    rows: list[Row]
    names: list[str]  #: of the rows, for messages
    leptons: bool  #: whether electrons are in it, as in the matter of stars
    potential_residual: float  #: largest relative difference of mu_b n and e + p [-], which are equal in equilibrium


def read_compose(folder: Path) -> Composed:
    """Return the rows of a table.

    Raises:
        Fault: a file is absent or not as the format says, or the table is not of cold matter in equilibrium.
    """
    for ending, quantity in (("t", "temperatures"), ("yq", "charge fractions")):
        grid = _find(folder, ending, required=False)
        if grid is not None and (count := len(_read_grid(grid)[1])) != 1:
            raise Fault(f"{grid.name}: {count} {quantity}: expected one, a table of cold matter in equilibrium")
    densities = _find(folder, "nb")
    thermo = _find(folder, "thermo")
    assert densities is not None
    assert thermo is not None
    first, grid_densities = _read_grid(densities)
    return _read_thermo(thermo, {first + i: n for i, n in enumerate(grid_densities)}, densities.name)


def _find(folder: Path, ending: str, *, required: bool = True) -> Path | None:
    found = sorted(path for path in folder.rglob(f"*.{ending}") if path.is_file())
    if len(found) == 1 or (not found and not required):
        return found[0] if found else None
    names = ", ".join(sorted(path.name for path in folder.rglob("*") if path.is_file())) or "nothing"
    raise Fault(f"compose: expected one file *.{ending}, found {len(found)}; the folder has {names}")


def _read_grid(path: Path) -> tuple[int, list[float]]:
    """Return the first index of a grid file and its points."""
    values = [value for _, line in _lines(path) for value in line]
    if len(values) < 3 or values[0] != int(values[0]) or len(values) != 3 + values[1] - values[0]:
        raise Fault(
            f"{path.name}: expected the first index, the last, and then as many numbers; got {len(values)} numbers"
        )
    return int(values[0]), values[2:]


def _read_thermo(path: Path, densities: dict[int, float], grid: str) -> Composed:
    (_, head), *lines = _lines(path)
    if len(head) < 3 or not 900 < head[0] < 1000:
        raise Fault(f"{path.name}, line 1: expected the masses of neutron and proton in MeV, and 1 or 0 for leptons")
    mass = head[0]
    faults: list[str] = []
    found: dict[float, tuple[Row, str, float]] = {}
    for number, values in lines:
        where = f"{path.name}, line {number}"
        if len(values) < _COLUMNS:
            faults.append(f"{where}: expected three indices and Q1 to Q7, got {len(values)} numbers")
        elif (index := values[1]) not in densities:
            faults.append(f"{where}: {grid} has no density of index {index:g}")
        elif index in found:
            faults.append(f"{where}: the density of index {index:g} again; expected one row a density")
        else:
            density = densities[int(index)]
            row = Row(density, density * mass * (1 + values[9]), density * values[3])
            found[index] = row, f"line {number}", density * mass * (1 + values[5])
    refuse(faults)
    ordered = [found[index] for index in sorted(found)]
    residual = max((abs(gibbs / (r.energy_density + r.pressure) - 1) for r, _, gibbs in ordered), default=0.0)
    return Composed([row for row, _, _ in ordered], [name for _, name, _ in ordered], head[2] == 1, residual)


def _lines(path: Path) -> list[tuple[int, list[float]]]:
    """Return the numbers of each line that has any, with the line's number; a Fortran exponent (1.0D-5) is one."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise Fault(f"{path.name}: not a text of numbers: {error}") from error
    numbers, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            values = [float(word.upper().replace("D", "E")) for word in line.split("#")[0].split()]
        except ValueError as error:
            faults.append(f"{path.name}, line {number}: {error}")
            continue
        if not all(map(math.isfinite, values)):
            faults.append(f"{path.name}, line {number}: expected finite numbers")
        if values:
            numbers.append((number, values))
    refuse(faults)
    if not numbers:
        raise Fault(f"{path.name}: empty")
    return numbers
