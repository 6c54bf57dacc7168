"""Which files a run was given, and which kind of model they make together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from _lp.config import Config
from _lp.faults import Fault

#: Label of an input and its place below ``input/``; the manifests say the same.
PATHS = {
    "model": "model.txt",
    "data": "data.txt",
    "csv": "csv",
    "csv_config": "otoole.yaml",
    "scale": "scale.csv",
    "lp": "model.lp",
    "mps": "model.mps",
}
OSEMOSYS = Path(__file__).with_name("osemosys.mod")
OSEMOSYS_DEFAULTS = Path(__file__).with_name("osemosys_defaults.txt")


@dataclass(frozen=True)
class Inputs:
    """The model of a run: MathProg with its data, or a finished problem in an LP or MPS file."""

    model: Path | None = None  #: MathProg model
    own: bool = False  #: whether the model is the project's own OSeMOSYS
    data: Path | None = None  #: MathProg data
    csv: Path | None = None  #: folder in otoole's layout
    csv_config: Path | None = None  #: otoole's configuration of that folder
    scale: Path | None = None  #: factors on the data
    problem: Path | None = None  #: LP or MPS file


def find_inputs(folder: Path, config: Config) -> Inputs:
    """Return the model that the files in ``folder`` make.

    Raises:
        Fault: files are absent, or contradict each other.
    """
    given = {label: folder / path for label, path in PATHS.items() if (folder / path).exists()}
    if len({"lp", "mps", "model"} & set(given)) > 1:
        names = " and ".join(sorted({"lp", "mps", "model"} & set(given)))
        raise Fault(f"inputs {names} are given together, and each is a whole model: leave all but one out")
    if "lp" in given or "mps" in given:
        return _finished_problem(given, config)
    if "data" in given and "csv" in given:
        raise Fault("inputs data and csv are given together, and both are the model's data: leave one out")
    if "csv_config" in given and "csv" not in given:
        raise Fault("input csv_config is given without csv, the folder of tables that it describes: add csv")
    return _mathprog(given, config)


def _finished_problem(given: dict[str, Path], config: Config) -> Inputs:
    (label,) = {"lp", "mps"} & set(given)
    others = sorted(set(given) - {label})
    if others:
        raise Fault(f"input {label} is a finished problem and takes no {', '.join(others)}: leave them out")
    if config.scale is not None:
        raise Fault(f"config.scale is given, but input {label} is a finished problem: leave one of the two out")
    if config.model == "osemosys":
        raise Fault(f"config.model is osemosys, but input {label} is a model already: leave one of the two out")
    return Inputs(problem=given[label])


def _mathprog(given: dict[str, Path], config: Config) -> Inputs:
    own = config.model == "osemosys" or (config.model is None and "model" not in given)
    if own and "model" in given:
        raise Fault("config.model is osemosys, but input model is given too: leave it out, or set model: file")
    if own and not {"data", "csv"} & set(given):
        raise Fault(
            "there is no input: give data (a MathProg data file) or csv (otoole's folder of tables) for OSeMOSYS, "
            "model (a MathProg model of your own), lp or mps"
        )
    if not own and "model" not in given:
        raise Fault("config.model is file, but there is no input model, lp or mps: give one")
    return Inputs(
        model=OSEMOSYS if own else given["model"],
        own=own,
        data=given.get("data"),
        csv=given.get("csv"),
        csv_config=given.get("csv_config"),
        scale=given.get("scale"),
    )
