"""The bridge ``og_clews``: the nodes of an evaluation, from demand ratios through both models to demand ratios."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from calculation_engine.bridges.base import Bridge, Node, Ref, Status
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.files import (
    economy_baseline,
    economy_files,
    economy_parameters,
    energy_baseline,
    energy_files,
)
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.base import Schema

#: Pass -> the module of this folder whose ``run(config, input_dir, output_dir)`` does its work.
PASSES = {
    "start": "pass_start",
    "demand": "pass_demand",
    "costs": "pass_costs",
    "response": "pass_response",
    "report": "pass_report",
}


class OgClewsBridge(Bridge[Config]):
    """Demand ratios -> CLEWS -> unit cost of energy -> OG-Core -> demand ratios, against a frozen baseline of both."""

    name = "og_clews"
    Config: ClassVar[type[Schema]] = Config

    def start(self, sequence: Sequence[str]) -> Node:
        """Return the pass that checks the config against both baselines and names the exchange variables."""
        energy, economy = self._participants(sequence)
        files = {**energy_baseline(energy), **economy_baseline(economy), **economy_parameters(economy)}
        return Node("start", "pass", files)

    def evaluation(self, sequence: Sequence[str]) -> list[Node]:
        """Return ``demand``, CLEWS, ``costs``, OG-Core, ``response``."""
        energy, _ = self._participants(sequence)
        demand = {
            "asked.csv": Ref("exchange"),
            "own_scale.csv": Ref("own_input", energy, label="scale"),
            "energy_baseline/parameters": Ref("baseline_output", energy, path="parameters"),
        }
        into_energy = {"scale": Ref("output", "demand", path="scale.csv")}
        return [Node("demand", "pass", demand), Node(energy, "process", into_energy), *self._from_energy(sequence)]

    def one_way(self, sequence: Sequence[str]) -> list[Node]:
        """Return CLEWS as the user has it, ``costs``, OG-Core, ``response``: what demand would follow."""
        energy, _ = self._participants(sequence)
        if self.config.exchange.start != 1:
            wanted = f"expected 1 in a loop that runs once, got {self.config.exchange.start:g}"
            raise InvalidInput(
                f"bridge.config.exchange.start: {wanted}", hint="CLEWS then runs with the demand that its data have"
            )
        return [Node(energy, "process"), *self._from_energy(sequence)]

    def _from_energy(self, sequence: Sequence[str]) -> list[Node]:
        """Return what follows CLEWS in an evaluation."""
        energy, economy = self._participants(sequence)
        costs = {**energy_files(energy), **economy_baseline(economy), **economy_parameters(economy)}
        response = {
            "asked.csv": Ref("exchange"),
            "cost_ratio.csv": Ref("output", "costs", path="cost_ratio.csv"),
            **economy_files(economy),
        }
        into_economy = {
            "overrides": Ref("output", "costs", path="overrides.json"),
            "baseline": Ref("baseline_output", economy, path="guess.npz"),
            "baseline_prices": Ref("baseline_output", economy, path="industries.csv"),
        }
        if self.config.exchange.warm_start:
            into_economy["previous"] = Ref("latest_output", economy, path="guess.npz")
        return [
            Node("costs", "pass", costs),
            Node(economy, "process", into_economy),
            Node("response", "pass", response),
        ]

    def report(self, sequence: Sequence[str]) -> Node:
        """Return the pass that writes ``report.html`` and its numbers as CSV."""
        energy, economy = self._participants(sequence)
        cost = {f"costs/{name}.csv": Ref("output", "costs", path=f"{name}.csv") for name in ("cost_ratio", "cost")}
        return Node("report", "pass", {**energy_files(energy, shown=True), **economy_files(economy), **cost})

    def run(self, name: str, input_dir: Path, output_dir: Path) -> Status:
        """Do the work of one of :data:`PASSES`."""
        if name not in PASSES:
            raise NotFound(f"bridge og_clews has no pass {name!r}; there are: {', '.join(PASSES)}")
        # pandas is imported by the pass alone: the engine imports this module, too.
        work = import_module(f"calculation_engine.bridges.og_clews.{PASSES[name]}")
        status: Status = work.run(self.config, input_dir, output_dir)
        return status

    def _participants(self, sequence: Sequence[str]) -> tuple[str, str]:
        """Return the names of the CLEWS and the OG-Core process."""
        if len(sequence) != 2:
            wanted = "expected the CLEWS process and the OG-Core process in sequence"
            raise InvalidInput(f"bridge og_clews: {wanted}, got {', '.join(sequence)}")
        reserved = sorted(set(sequence) & set(PASSES))
        if reserved:
            raise InvalidInput(
                f"bridge og_clews: a process may not be called {', '.join(reserved)}",
                hint="the bridge's own steps have these names",
            )
        if not self.config.demand:
            raise InvalidInput(
                "bridge.config.demand: required, but absent: nothing would come back from the economy",
                hint="demand that does not follow the economy has elasticity 0; one_way: true runs a loop once",
            )
        return sequence[0], sequence[1]


BRIDGE = OgClewsBridge
