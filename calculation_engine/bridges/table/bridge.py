"""The bridge ``table``: the first process reads the exchange table, the last one writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from calculation_engine.bridges.base import EXCHANGE, VARIABLES, Bridge, Node, Ref, Status
from calculation_engine.bridges.exchange import ExchangeTable, Variable, read_exchange, write_exchange
from calculation_engine.bridges.table.config import Config
from calculation_engine.bridges.table.own import read_own, write_own
from calculation_engine.bridges.variables import VariableGroup, write_groups
from calculation_engine.errors import Fault, InvalidInput, NotFound
from calculation_engine.schemas.base import Schema


class TableBridge(Bridge[Config]):
    """Hands a table on; what its values mean is the modules' business."""

    name = "table"
    Config: ClassVar[type[Schema]] = Config

    def start(self, sequence: Sequence[str]) -> Node:
        """Return the pass that takes the first values from the config or the first process's own input."""
        self._check(sequence)
        if self.config.start is not None:
            return Node("start", "pass")
        return Node("start", "pass", {"start": Ref("own_input", sequence[0], label=self.config.into.input)})

    def evaluation(self, sequence: Sequence[str]) -> list[Node]:
        """Return ``ask`` (the table in the first module's columns), all processes, and ``answer``."""
        self._check(sequence)
        inputs: dict[str, dict[str, Ref]] = {name: {} for name in sequence}
        for link in self.config.links:
            inputs[link.target.process][link.target.input] = Ref("output", link.source.process, link.source.output)
        inputs[sequence[0]][self.config.into.input] = Ref("output", "ask", path="table.csv")
        return [
            Node("ask", "pass", {"asked.csv": Ref("exchange")}),
            *(Node(name, "process", inputs[name]) for name in sequence),
            Node(
                "answer",
                "pass",
                {"asked.csv": Ref("exchange"), "answer": Ref("output", sequence[-1], label=self.config.out_of.output)},
            ),
        ]

    def run(self, name: str, input_dir: Path, output_dir: Path) -> Status:
        """Do the work of ``start``, ``ask`` or ``answer``."""
        if name == "start":
            return self._start(input_dir, output_dir)
        if name not in {"ask", "answer"}:
            raise NotFound(f"bridge table has no pass {name!r}; there are: start, ask, answer")
        asked = read_exchange(input_dir / "asked.csv", name="asked.csv")
        if name == "ask":
            write_own(asked, self.config.into.columns, output_dir / "table.csv")
        else:
            answer = read_own(input_dir / "answer", self.config.out_of.columns, asked=asked)
            _write(asked.aligned(answer, name=f"output {self.config.out_of.output}"), output_dir)
        return Status(200, f"{len(asked.variables)} exchange variables")

    def _start(self, input_dir: Path, output_dir: Path) -> Status:
        if self.config.start is None:
            table = read_own(input_dir / "start", self.config.into.columns).by_group()
        else:
            rows = [(Variable(r.variable, r.index, r.unit, r.group), r.value) for r in self.config.start]
            table = ExchangeTable(tuple(v for v, _ in rows), tuple(value for _, value in rows)).by_group()
            table = read_exchange(write_exchange(table), name="bridge.config.start")
        unknown = sorted(set(self.config.groups) - set(table.groups))
        if unknown:
            expected = ", ".join(repr(group) for group in table.groups)
            raise InvalidInput(
                "the config names groups that the exchange table does not have",
                faults=[Fault(f"bridge.config.groups.{name}", f"expected one of {expected}") for name in unknown],
            )
        _write(table, output_dir)
        groups = {name: self.config.groups.get(name, VariableGroup()) for name in table.groups}
        write_groups(groups, output_dir / VARIABLES)
        return Status(200, f"{len(table.variables)} exchange variables in {len(table.groups)} groups")

    def _check(self, sequence: Sequence[str]) -> None:
        """Raise where the config's links do not lead from earlier participants to later ones."""
        faults = []
        place = {name: number for number, name in enumerate(sequence)}
        for number, link in enumerate(self.config.links):
            source, target = link.source.process, link.target.process
            path = f"bridge.config.links[{number}]"
            unknown = [name for name in (source, target) if name not in place]
            faults += [Fault(path, f"{name} is not in the loop's sequence {', '.join(sequence)}") for name in unknown]
            if not unknown and place[source] >= place[target]:
                faults.append(Fault(path, f"{source} does not come before {target} in the loop's sequence"))
        if faults:
            raise InvalidInput("the config of bridge table does not fit the loop", faults=faults)


def _write(table: ExchangeTable, output_dir: Path) -> None:
    (output_dir / EXCHANGE).write_text(write_exchange(table), encoding="utf-8", newline="")


BRIDGE = TableBridge
