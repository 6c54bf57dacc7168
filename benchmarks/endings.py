"""How the coupled models end where they cannot agree: each case with the real models, and what the user reads.

    python -m benchmarks.endings [--cases infeasible no_economy ...]

Prints a row a case: final word, evaluations, the job's state with its reason, its message. The baselines are those of
examples/clews-og-core.yaml; with CE_DATA_DIR set they are kept there and computed once.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from calculation_engine.cli.session import embedded_client
from calculation_engine.settings import load_settings

EXAMPLE = Path(__file__).parents[1] / "examples" / "clews-og-core.yaml"
DEMAND = ("SpecifiedAnnualDemand", "AccumulatedAnnualDemand")
Document = dict[str, Any]


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    print("| case | final word | evaluations | job | message |\n|---|---|---:|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings()
        if settings.data_dir == type(settings).model_fields["data_dir"].get_default(call_default_factory=True):
            settings = load_settings({"data_dir": Path(folder)})
        with embedded_client(settings, engine=True) as client:
            for name in arguments.cases:
                document = example()
                CASES[name](document)
                job = client.submit(document, folder=EXAMPLE.parent)
                job.wait()
                loop = job.view.loops[0] if job.view.loops else {"verdict": None, "evaluations": 0}
                state = f"{job.state} {job.view.reason or ''}".strip()
                told = job.view.message.replace("\n", " ").replace("|", "\\|")
                print(f"| {name} | {loop['verdict']} | {loop['evaluations']} | {state} | {told} |", flush=True)


def example() -> Document:
    """Return the reference scenario, as it may be changed."""
    document: Document = copy.deepcopy(yaml.safe_load(EXAMPLE.read_text()))
    return document


def infeasible(document: Document) -> None:
    """The scenario asks for twice the demand, for which the country has no land."""
    document["processes"][0]["config"]["scale"] += [{"parameter": name, "factor": 2} for name in DEMAND]


def infeasible_baseline(document: Document) -> None:
    """The baseline asks for twice the demand."""
    scale = [{"parameter": name, "factor": 2} for name in DEMAND]
    document["components"][0]["baseline"]["energy"]["config"]["scale"] = scale


def no_economy(document: Document) -> None:
    """OG-Core may not iterate long enough in the scenario to find its path."""
    economy = document["processes"][1]["config"]
    document["components"][0]["baseline"]["economy"] = {"config": {"parameters": dict(economy["parameters"])}}
    economy["parameters"] = {**economy["parameters"], "maxiter": 2}


def no_economy_in_the_baseline(document: Document) -> None:
    """OG-Core has no equilibrium: with productivity of a millionth nobody can pay the taxes."""
    document["processes"][1]["config"]["parameters"]["Z"] = [[1e-6, 1e-6, 1e-6]]


def elastic(method: str, elasticity: float) -> Callable[[Document], None]:
    """Demand follows the economy much more than one to one; with ``constant`` the answer is taken over in full."""

    def change(document: Document) -> None:
        loop = document["components"][0]
        loop["bridge"]["config"]["demand"][0]["elasticity"] = elasticity
        loop["acceleration"] = {"method": method, "relaxation": 1.0 if method == "constant" else 0.5}
        loop["max_evaluations"] = 30

    return change


def too_precise(document: Document) -> None:
    """The tolerance is below what OG-Core's own tolerance leaves."""
    document["components"][0]["until"] = {"relative": 1e-7}
    document["components"][0]["max_evaluations"] = 30


CASES: dict[str, Callable[[Document], None]] = {
    "infeasible": infeasible,
    "infeasible_baseline": infeasible_baseline,
    "no_economy": no_economy,
    "no_economy_in_the_baseline": no_economy_in_the_baseline,
    "elasticity_5_constant": elastic("constant", 5),
    "elasticity_5_multisecant": elastic("multisecant", 5),
    "too_precise": too_precise,
}

if __name__ == "__main__":
    main()
