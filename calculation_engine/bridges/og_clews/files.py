"""Which files the passes read, where they stand below ``input/``, and where they come from."""

from __future__ import annotations

from calculation_engine.bridges.base import Ref

#: Tables of a CLEWS run that the exchange needs; those that a run does not leave are simply not there.
RESULTS = (
    "AnnualFixedOperatingCost",
    "AnnualVariableOperatingCost",
    "CapitalInvestment",
    "CapitalInvestmentStorage",
    "AnnualizedInvestmentCost",
    "AnnualTechnologyEmissionsPenalty",
    "TechnologyEmissionsPenalty",
    "Trade",
    "Demand",
)
#: Tables of a CLEWS run that the report shows besides.
SHOWN = ("AnnualEmissions", "TotalCapacityAnnual", "TotalDiscountedCost")
#: Tables of an OG-Core run.
ECONOMY = ("path", "industries", "goods")


def energy_files(process: str, *, shown: bool = False) -> dict[str, Ref]:
    """Return the tables of CLEWS in this evaluation (``energy/``) and in the baseline (``energy_baseline/``)."""
    names = [*RESULTS, *(SHOWN if shown else ())]
    files = {f"energy/results/{name}.csv": Ref("output", process, path=f"results/{name}.csv") for name in names}
    return {
        **files,
        "energy/parameters": Ref("output", process, path="parameters"),
        **energy_baseline(process, shown=shown),
    }


def energy_baseline(process: str, *, shown: bool = False) -> dict[str, Ref]:
    """Return the tables of CLEWS in the baseline."""
    names = [*RESULTS, *(SHOWN if shown else ())]
    place = "energy_baseline"
    files = {
        f"{place}/results/{name}.csv": Ref("baseline_output", process, path=f"results/{name}.csv") for name in names
    }
    return {**files, f"{place}/parameters": Ref("baseline_output", process, path="parameters")}


def economy_files(process: str) -> dict[str, Ref]:
    """Return the tables of OG-Core in this evaluation (``economy/``) and in the baseline (``economy_baseline/``)."""
    files = {f"economy/{name}.csv": Ref("output", process, path=f"{name}.csv") for name in ECONOMY}
    return {**files, **economy_baseline(process)}


def economy_baseline(process: str) -> dict[str, Ref]:
    """Return the tables of OG-Core in the baseline."""
    return {f"economy_baseline/{name}.csv": Ref("baseline_output", process, path=f"{name}.csv") for name in ECONOMY}


def economy_parameters(process: str) -> dict[str, Ref]:
    """Return OG-Core's parameters as the user gave them, below ``economy_given/``."""
    return {
        "economy_given/config.json": Ref("own_config", process),
        "economy_given/parameters.json": Ref("own_input", process, label="parameters"),
        "economy_given/overrides.json": Ref("own_input", process, label="overrides"),
    }
