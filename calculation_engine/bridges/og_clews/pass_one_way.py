"""The pass ``one_way``: from CLEWS results that are there already to OG-Core's parameters, once, without a way back."""

from __future__ import annotations

from pathlib import Path

from calculation_engine.bridges.base import Status
from calculation_engine.bridges.og_clews.calendar import Calendar
from calculation_engine.bridges.og_clews.channels import Shapes
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.economy import Parameters
from calculation_engine.bridges.og_clews.pass_costs import forward


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``overrides.json``, ``cost_ratio.csv`` and ``cost.csv``.

    Reads ``scenario/`` and ``baseline/``, folders of result CSVs as this project's modules, published formulations or
    MUIO leave them, and ``economy/parameters.json``, OG-Core's parameters.

    Raises:
        InvalidInput: results, config and parameters do not fit, or a value may not cross; every fault with its path.
    """
    parameters = Parameters(input_dir / "economy")
    sizes = parameters.sizes()
    length = (sizes["ending_age"] - sizes["starting_age"]) / sizes["S"]
    return forward(
        config,
        Tables(input_dir / "scenario", "scenario"),
        Tables(input_dir / "baseline", "baseline"),
        parameters,
        Shapes(Calendar(sizes["start_year"], length, sizes["T"]), sizes["M"], sizes["I"]),
        output_dir,
    )
