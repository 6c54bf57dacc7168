"""What the module does: a table of cold matter, checked, and what was found of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _stars.check import causal_end, first_law, refuse_rows
from _stars.constants import document
from _stars.entry import progress
from _stars.faults import Fault, write_json
from _stars.matter import Matter, make_matter
from _stars.pieces import ConstantSoundSpeed, Piece, Polytrope, Row
from _stars.table import write_rows
from eos.compose import Composed, read_compose
from eos.config import CUT, REFUSE, Config, load_config
from eos.generate import generate

#: More pieces than this are those between the rows of a table, and not told one by one.
_MOST_PIECES = 20
#: A table's first-law residual above this is told as a warning [-].
_NOTABLE = 1e-4


def run(input_dir: Path, output_dir: Path) -> str:
    """Read the config and the table, if one is given; write ``eos.csv`` and ``summary.json``; return a sentence.

    Raises:
        Fault: the input cannot be used; all faults are told.
    """
    folder = input_dir / "compose"
    config = load_config(input_dir / "config.yaml", table=folder.is_dir())
    composed = read_compose(folder) if folder.is_dir() else None
    rows = composed.rows if composed else generate(config)
    names = composed.names if composed else [f"row {number}" for number in range(1, len(rows) + 1)]
    refuse_rows(rows, names, "compose" if composed else config.name)
    progress(0.5, f"{len(rows)} rows of {config.name}")
    matter = make_matter(rows)
    end = causal_end(matter)
    if end is not None and config.acausal != "keep":
        rows = _causal(rows, matter, end, config)
        matter = make_matter(rows)
    output_dir.mkdir(exist_ok=True)
    write_rows(output_dir / "eos.csv", rows, matter)
    summary = _summary(config, rows, matter, composed)
    write_json(output_dir / "summary.json", summary)
    for warning in summary["warnings"]:
        print(f"warning: {warning}", flush=True)
    progress(1, "done")
    return _sentence(config, rows, summary)


def _causal(rows: list[Row], matter: Matter, end: float, config: Config) -> list[Row]:
    """Return the rows below the pseudo-enthalpy from which on sound is too fast, and one there."""
    limit = matter.at(end)
    if config.acausal == REFUSE:
        raise Fault(
            f"{config.name}: sound is faster than light from {limit.density:.4g} per fm3, {limit.pressure:.4g} MeV/fm3 "
            f"on; `acausal: {CUT}` ends the table there"
        )
    kept = [row for row in rows if row.pressure < limit.pressure * (1 - 1e-9)]
    if len(kept) < 2:
        raise Fault(f"{config.name}: sound is faster than light from the table's beginning on; nothing is left of it")
    return [*kept, limit]


def _summary(config: Config, rows: list[Row], matter: Matter, composed: Composed | None) -> dict[str, Any]:
    law, end = first_law(rows), causal_end(matter)
    limit = matter.at(end) if end is not None else None
    warnings = []
    if limit is not None:
        warnings.append(
            f"sound is faster than light from {limit.density:.4g} per fm3 on ({limit.pressure:.4g} MeV/fm3)"
        )
    if law.residual > _NOTABLE:
        warnings.append(
            f"the first law holds to {law.residual:.2g} of the energy density only, at {law.density:.4g} per fm3"
        )
    if composed and not composed.leptons:
        warnings.append(
            "the table says that leptons are not in it: the pressure of electrons is missing, if there are any"
        )
    return {
        "matter": config.name,
        "parameters": _parameters(config),
        "rows": len(rows),
        "units": {"density": "1/fm3, of baryons", "energy_density": "MeV/fm3", "pressure": "MeV/fm3", "gamma": "1"},
        "lowest": rows[0]._asdict(),
        "highest": rows[-1]._asdict(),
        "pieces": [_piece(piece) for piece in matter.pieces] if len(matter.pieces) <= _MOST_PIECES else [],
        "first_law": {"residual": law.residual, "density": law.density},
        "potential_residual": composed.potential_residual if composed else None,
        "causality": {
            "causal": limit is None,
            "acausal_from": limit._asdict() if limit else {"density": None, "energy_density": None, "pressure": None},
        },
        "constants": document(),
        "warnings": warnings,
    }


def _parameters(config: Config) -> dict[str, Any]:
    if config.core is not None:
        return config.core._asdict()
    if config.polytrope is not None:
        kappa = "kappa_geometric" if config.polytrope.geometric else "kappa_cgs"
        return {"gamma": config.polytrope.gamma, kappa: config.polytrope.kappa}
    return {}


def _piece(piece: Piece) -> dict[str, Any]:
    told: dict[str, Any] = {"from": piece.lower._asdict(), "pseudo_enthalpy": piece.start}
    if isinstance(piece, Polytrope):
        told["gamma"] = round(piece.gamma, 12)
    if isinstance(piece, ConstantSoundSpeed):
        told["sound_speed_squared"] = 1 / piece.inverse if piece.inverse else None
    return told


def _sentence(config: Config, rows: list[Row], summary: dict[str, Any]) -> str:
    causal = summary["causality"]["acausal_from"]["density"]
    told = "causal throughout" if causal is None else f"acausal above {causal:.4g} per fm3"
    return (
        f"{config.name}: {len(rows)} rows up to {rows[-1].density:.4g} per fm3 and {rows[-1].pressure:.5g} MeV/fm3, "
        f"{told}, first law to {summary['first_law']['residual']:.1e}"
    )
