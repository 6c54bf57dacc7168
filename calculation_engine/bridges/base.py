"""What a bridge is: the nodes of a loop, where each one's inputs come from, and the work of the bridge's own passes.

A bridge is a folder here with a module ``bridge.py`` that names its class as ``BRIDGE``. The engine reads the nodes and
the exchange table, nothing else of it. Importing ``bridge.py`` must be cheap: it happens in the engine.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from calculation_engine.schemas.base import Schema

#: Files that the engine reads from the last node of an evaluation and from the start, below ``output/``.
EXCHANGE = "exchange.csv"
MONITORED = "monitored.csv"
VARIABLES = "variables.json"


@dataclass(frozen=True)
class Ref:
    """Where an input comes from.

    Args:
        kind: ``exchange``: the table that is asked for now. ``own_input``: input ``label`` of process ``node`` as the
            user gave it, absent if it was not given. ``own_config``: the config of process ``node``, as JSON.
            ``output``: what pass or process ``node`` left in this evaluation. ``baseline_output``: what process
            ``node`` left in the frozen baseline. ``latest_output``: what process ``node`` left in the latest earlier
            evaluation in which it succeeded, or else in the frozen baseline.
        node: name of the pass or process.
        label: label of an input or output; none: ``path`` counts.
        path: file or folder below ``output/``; an optional one may be absent.
    """

    kind: Literal["exchange", "own_input", "own_config", "output", "baseline_output", "latest_output"]
    node: str = ""
    label: str = ""
    path: str = ""


@dataclass(frozen=True)
class Node:
    """One step of a loop: a process of the workflow, or a pass of the bridge.

    Args:
        name: of the process, or of the pass; unique in an evaluation.
        kind: which of the two.
        inputs: of a pass: path below ``input/`` -> where it comes from; of a process: label of an input -> where it
            comes from, in place of what the user gave there.
    """

    name: str
    kind: Literal["pass", "process"]
    inputs: dict[str, Ref] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """How a pass ended: 200, or 4xx where its input is at fault; the message is for the user."""

    code: int
    message: str

    def write(self, output: Path) -> None:
        """Write ``status.yaml``; JSON is YAML."""
        text = json.dumps({"code": self.code, "message": self.message}, indent=1, ensure_ascii=False)
        (output / "status.yaml").write_text(text + "\n", encoding="utf-8")


class Bridge[C: Schema](ABC):
    """A bridge with its config.

    Nodes depend on the config and the sequence alone: the engine asks for them again and again, and after a restart.
    """

    name: ClassVar[str]
    Config: ClassVar[type[Schema]]

    def __init__(self, config: C) -> None:
        self.config = config

    @abstractmethod
    def start(self, sequence: Sequence[str]) -> Node:
        """Return the pass that runs once, after the baselines.

        It writes ``exchange.csv``, the values that are asked first, and ``variables.json``, a
        :class:`~calculation_engine.bridges.variables.VariableGroup` a group.

        Raises:
            InvalidInput: config and sequence do not fit.
        """

    @abstractmethod
    def evaluation(self, sequence: Sequence[str]) -> list[Node]:
        """Return one evaluation, in the order in which its nodes run, one after the other.

        The last one writes ``exchange.csv``, the answer g(x) with the rows that were asked, and may write
        ``monitored.csv``: quantities of the same form that are watched and not iterated.

        Raises:
            InvalidInput: config and sequence do not fit.
        """

    def one_way(self, sequence: Sequence[str]) -> list[Node]:
        """Return the evaluation of a loop that runs once, without a way back: by default the same as any other.

        Raises:
            InvalidInput: config and sequence do not fit.
        """
        return self.evaluation(sequence)

    def report(self, sequence: Sequence[str]) -> Node | None:
        """Return the pass that runs once the loop has ended, or None.

        ``output`` means the evaluation that is the result. The engine adds the inputs ``convergence.csv`` (a row an
        evaluation), ``loop.json`` (settings, steps with versions and keys, the final word) and, of each evaluation n,
        ``evaluations/<n>/asked.csv`` and ``evaluations/<n>/<last node>/exchange.csv`` and ``monitored.csv``.
        """
        return None

    @abstractmethod
    def run(self, name: str, input_dir: Path, output_dir: Path) -> Status:
        """Do the work of the pass ``name``: read ``input_dir``, write ``output_dir``.

        Raises:
            InvalidInput: inputs are at fault; every fault with its path.
            NotFound: there is no such pass.
        """
