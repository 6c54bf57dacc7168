"""How the coupled models end where they cannot agree: each case with the real models, and what the user reads.

    python -m benchmarks.endings [--cases infeasible no_economy ...] [--record]

Prints a row a case: final word, evaluations, the job's state with its reason, its message. The baselines are those of
examples/clews-og-core.yaml; with CE_DATA_DIR set they are kept there and computed once. --record writes what the models
were asked and answered to tests/unit/coupling/courses, where the numerics are held to it without the models.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from calculation_engine.bridges.exchange import read_exchange
from calculation_engine.bridges.variables import read_groups
from calculation_engine.cli.session import embedded_client
from calculation_engine.client.job import Job
from calculation_engine.coupling import Evaluation, Scheme
from calculation_engine.engine.planning.scheme import make_scheme
from calculation_engine.schemas.workflow import Loop
from calculation_engine.settings import load_settings

EXAMPLE = Path(__file__).parents[1] / "examples" / "clews-og-core.yaml"
COURSES = Path(__file__).parents[1] / "tests" / "unit" / "coupling" / "courses"
DEMAND = ("SpecifiedAnnualDemand", "AccumulatedAnnualDemand")
Document = dict[str, Any]


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--record", action="store_true", help="write the course of each case for the tests")
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
                if arguments.record:
                    record(name, job)


def record(name: str, job: Job) -> None:
    """Write the configuration of the coupling, what was asked and answered, and how it ended."""
    scheme = course(job)
    content = {"word": scheme.word, "sentence": scheme.reports[-1].sentence, "scheme": scheme.as_dict()}
    COURSES.mkdir(exist_ok=True)
    (COURSES / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def course(job: Job) -> Scheme:
    """Return the coupling of an ended job, rebuilt from its results."""
    loop = job.view.workflow.find_component("agree")
    assert isinstance(loop, Loop)
    start = read_exchange(job.results.read("agree/start/output/exchange.csv"))
    scheme = make_scheme(loop, start, read_groups(job.results.read("agree/start/output/variables.json").decode()))
    values = job.results["agree/report/output/demand_ratios.csv"]
    for report in job.view.loops[0]["history"]:
        rows = values[values["evaluation"] == report["evaluation"]]
        if report["failure"] is None:
            scheme.replay([Evaluation(tuple(rows["asked"]), tuple(rows["answered"]))])
        else:
            scheme.tell_failure(report["failure"])
    return scheme


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


def loose_economy(document: Document) -> None:
    """OG-Core's own tolerance is a hundred times its default, and the loop's is as it was."""
    document["processes"][1]["config"]["parameters"]["mindist_TPI"] = 1e-3
    document["components"][0]["max_evaluations"] = 30


CASES: dict[str, Callable[[Document], None]] = {
    "reference": lambda document: None,
    "infeasible": infeasible,
    "infeasible_baseline": infeasible_baseline,
    "no_economy": no_economy,
    "no_economy_in_the_baseline": no_economy_in_the_baseline,
    "elasticity_2_constant": elastic("constant", 2),
    "elasticity_2_multisecant": elastic("multisecant", 2),
    "elasticity_5_constant": elastic("constant", 5),
    "elasticity_5_multisecant": elastic("multisecant", 5),
    "too_precise": too_precise,
    "loose_economy": loose_economy,
}

if __name__ == "__main__":
    main()
