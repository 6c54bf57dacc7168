"""The table that hands matter from one module to the next: ``eos.csv``, one row a density, numbers with all digits."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from _stars.check import refuse_rows
from _stars.faults import Fault, refuse
from _stars.matter import Matter
from _stars.pieces import Row

DENSITY, ENERGY_DENSITY, PRESSURE = "baryon_density_per_fm3", "energy_density_mev_per_fm3", "pressure_mev_per_fm3"
NEEDED = (DENSITY, ENERGY_DENSITY, PRESSURE)
COLUMNS = (*NEEDED, "pseudo_enthalpy", "sound_speed_squared")


def read_rows(path: Path) -> list[Row]:
    """Return a table's rows, checked.

    Args:
        path: a CSV file with at least the columns NEEDED, rows from the lowest density to the highest.

    Raises:
        Fault: it is not such a table; each fault is named with its line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            absent = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if absent:
                has = ", ".join(reader.fieldnames or ()) or "nothing"
                raise Fault(f"{path.name}: no column {', '.join(absent)}; it has {has}")
            lines = [(reader.line_num, record) for record in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Fault(f"{path.name}: not readable as CSV: {error}") from error
    refuse([fault for line, record in lines for fault in _number_faults(record, f"{path.name}, line {line}")])
    rows = [Row(*(float(record[name]) for name in NEEDED)) for _, record in lines]
    refuse_rows(rows, [f"line {line}" for line, _ in lines], path.name)
    return rows


def _number_faults(record: dict[str, str], where: str) -> Iterator[str]:
    for name in NEEDED:
        try:
            float(record[name])
        except (TypeError, ValueError):
            yield f"{where}, {name}: expected a number, got {record[name]!r}"


def write_rows(path: Path, rows: Sequence[Row], matter: Matter) -> None:
    """Write a table with what follows from it: pseudo-enthalpy and sound speed squared, at a joint that above it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([*row, *derived] for row, derived in zip(rows, _derived(rows, matter), strict=True))


def _derived(rows: Sequence[Row], matter: Matter) -> Iterator[tuple[float, float | None]]:
    """Yield each row's pseudo-enthalpy and sound speed squared; none where the speed has no bound."""
    for row in rows:
        enthalpy = matter.enthalpy(row.pressure)
        above = math.nextafter(enthalpy, math.inf)
        speed = matter.sound_speed_squared(above if enthalpy in matter.starts else enthalpy)
        yield enthalpy, speed if math.isfinite(speed) else None
