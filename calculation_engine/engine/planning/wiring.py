"""Where the inputs of a loop's steps come from: the user's files, other steps' outputs, the exchange table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from uuid_utils import uuid7

from calculation_engine.bridges.base import EXCHANGE, MONITORED, VARIABLES, Node, Ref
from calculation_engine.bridges.exchange import ExchangeTable, read_exchange, write_exchange
from calculation_engine.bridges.variables import VariableGroup, read_groups
from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewStep, OutputFile, StepRow
from calculation_engine.engine.planning.loops import BASELINE, overridden
from calculation_engine.engine.steps.new import new_step, reuse_of
from calculation_engine.engine.steps.programs import BRIDGE_PREFIX, bridge_module
from calculation_engine.errors import InvalidInput
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.modules.checks import label_of, place
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.module import Slot
from calculation_engine.schemas.workflow import Loop, Process, Workflow
from calculation_engine.settings import Settings
from calculation_engine.states import State
from calculation_engine.store import Store

#: Passes of a bridge run in the engine's own environment, which no other place has.
_BRIDGE_EXECUTOR = "local"

Files = dict[str, Blob]


@dataclass
class Wiring:
    """Resolves references for the loops of one job."""

    database: Database
    store: Store
    catalogue: Catalogue
    settings: Settings
    workflow: Workflow
    job_id: str
    steps: Mapping[str, StepRow]
    own_files: Mapping[str, Files]
    """Files of each participant as the user gave them, by name of the process or path of its baseline."""
    _outputs: dict[str, list[OutputFile]] = field(default_factory=dict)

    def put(self, text: str) -> Blob:
        """Store a text."""
        return self.store.put(text.encode())

    def start(self, path: str) -> tuple[ExchangeTable, dict[str, VariableGroup]]:
        """Return the first exchange table and what the bridge declares of its groups."""
        declared = read_groups(self._text(path, VARIABLES)) if self._has(path, VARIABLES) else {}
        self._first = read_exchange(self._text(path, EXCHANGE)).by_group()
        return self._first, declared

    def table(self, values: Any) -> ExchangeTable:
        """Return the exchange table with these values."""
        return self._first.with_values(values)

    def asked(self, steps: Mapping[str, StepRow], nodes: list[Node], place_: str) -> ExchangeTable | None:
        """Return the table that an evaluation was begun with, or None before it has begun."""
        for node in nodes:
            step = steps.get(f"{place_}/{node.name}")
            for target, ref in node.inputs.items() if step else ():
                if ref.kind == "exchange" and step is not None:
                    path = self._target(node, target)
                    return self._first.aligned(read_exchange(self._read(step.files[path])))
        return None

    def answer(self, step: StepRow) -> tuple[float, ...]:
        """Return g(x), in the order of the first table.

        Raises:
            InvalidInput: the step's table is unreadable, or has other variables.
        """
        return self._first.aligned(read_exchange(self._text(step.path, self._exchange_path(step)))).values_tuple

    def baseline_step(self, loop: Loop, name: str, path: str) -> NewStep:
        """Return the step of a participant's frozen baseline."""
        process = overridden(self._process(name), loop.baseline.get(name))
        files = self.own_files.get(path, self.own_files.get(name, {}))
        return new_step(process, files, self.settings, path)

    def node_step(self, loop: Loop, node: Node, path: str, *, evaluation: str, asked: ExchangeTable | None) -> NewStep:
        """Return the step of a pass or of a participant.

        Args:
            loop: that it belongs to.
            node: what it is, and where its inputs come from.
            path: of the step.
            evaluation: path of the evaluation that its references of kind ``output`` mean.
            asked: the exchange table of this evaluation.
        """
        files: Files = {}
        if node.kind == "process":
            process = self._process(node.name)
            files = dict(self.own_files.get(process.name, {}))
            slots = self.catalogue.get(process.module).manifest.inputs
            for label, ref in node.inputs.items():
                slot = next((slot for slot in slots if slot.label == label), None)
                if slot is None:
                    raise InvalidInput(f"module {process.module} has no input {label!r}, which the bridge gives it")
                given = self._resolve(loop, ref, evaluation, asked)
                files = {path: blob for path, blob in files.items() if label_of([slot], path) is None}
                files |= {target: given[name] for name, target in place(slot, list(given)).items()}
            return new_step(process, files, self.settings, path)
        for target, ref in node.inputs.items():
            for name, blob in self._resolve(loop, ref, evaluation, asked).items():
                files[target if self._is_file(ref, name) else f"{target}/{name}"] = blob
        return NewStep(
            id=str(uuid7()),
            path=path,
            process=node.name,
            module=bridge_module(loop.bridge.name),
            executor=_BRIDGE_EXECUTOR,
            config=loop.bridge.config,
            files=files,
            resources={},
            reuse=reuse_of(self.workflow.reuse),
        )

    def history(self, place_: str, number: int, asked: tuple[float, ...], last: Node) -> Files:
        """Return what an evaluation asked, answered and told.

        As ``evaluations/<n>/asked.csv``, ``evaluations/<n>/<last node>/exchange.csv`` and ``.../monitored.csv``.

        Args:
            place_: path of the evaluation.
            number: of the evaluation.
            asked: values, in the order of the first table.
            last: the node whose outputs are the answer.
        """
        folder = f"evaluations/{number}"
        files = {f"{folder}/asked.csv": self.put(write_exchange(self.table(asked)))}
        step = self.steps.get(f"{place_}/{last.name}")
        for file in self._outputs_of(step) if step else ():
            if file.path in {EXCHANGE, MONITORED}:
                files[f"{folder}/{last.name}/{file.path}"] = Blob(sha256=file.sha256, size=file.size)
        return files

    def _process(self, name: str) -> Process:
        process = self.workflow.find_process(name)
        assert process is not None, "checked when the workflow was taken in"
        return process

    def _resolve(self, loop: Loop, ref: Ref, evaluation: str, asked: ExchangeTable | None) -> Files:
        """Return the files that a reference means, by their path inside it; a single file has one name."""
        if ref.kind == "exchange":
            assert asked is not None
            return {EXCHANGE: self.put(write_exchange(asked))}
        if ref.kind == "own_config":
            return {"config.json": self.put(json.dumps(self._process(ref.node).config, sort_keys=True))}
        if ref.kind == "own_input":
            return self._own_input(ref)
        step = self._source(loop, ref, evaluation)
        return self._of_step(step, ref) if step is not None else {}

    def _source(self, loop: Loop, ref: Ref, evaluation: str) -> StepRow | None:
        """Return the step whose output a reference means; None where there is none."""
        if ref.kind == "output":
            return self.steps.get(f"{evaluation}/{ref.node}")
        if ref.kind == "latest_output":
            # All earlier evaluations have ended when a step of this one is made: replanning finds the same step.
            for number in range(int(evaluation.rsplit("/", 1)[-1]) - 1, 0, -1):
                step = self.steps.get(f"{loop.name}/{number}/{ref.node}")
                if step is not None and step.state is State.SUCCEEDED:
                    return step
        return self.steps.get(f"{loop.name}/{BASELINE}/{ref.node}")

    def _own_input(self, ref: Ref) -> Files:
        slot = self.catalogue.get(self._process(ref.node).module).manifest.find_input(ref.label)
        files = self.own_files.get(ref.node, {})
        return _inside(slot, {path: blob for path, blob in files.items() if slot and label_of([slot], path)})

    def _of_step(self, step: StepRow, ref: Ref) -> Files:
        files = self._outputs_of(step)
        if ref.path:
            chosen = {file.path: Blob(sha256=file.sha256, size=file.size) for file in files}
            if ref.path in chosen:
                return {ref.path.rsplit("/", 1)[-1]: chosen[ref.path]}
            prefix = ref.path.rstrip("/") + "/"
            return {path.removeprefix(prefix): blob for path, blob in chosen.items() if path.startswith(prefix)}
        labelled = {f.path: Blob(sha256=f.sha256, size=f.size) for f in files if f.label == ref.label}
        return _inside(self._declared(step, ref.label), labelled)

    def _declared(self, step: StepRow, label: str) -> Slot | None:
        if step.module.startswith(BRIDGE_PREFIX):
            return None
        return self.catalogue.get(step.module).manifest.find_output(label)

    def _is_file(self, ref: Ref, name: str) -> bool:
        """Return whether a reference means one file: it then stands at the very path that the pass names."""
        if ref.kind in {"exchange", "own_config"}:
            return True
        if ref.kind == "own_input":
            slot = self.catalogue.get(self._process(ref.node).module).manifest.find_input(ref.label)
            return slot is not None and slot.kind == "file"
        return bool(ref.path) and name == ref.path.rsplit("/", 1)[-1]

    def _target(self, node: Node, target: str) -> str:
        """Return where below ``input/`` an input of a node stands that is one file."""
        if node.kind == "pass":
            return target
        slots = self.catalogue.get(self._process(node.name).module).manifest.inputs
        return next(slot.path for slot in slots if slot.label == target)

    def _outputs_of(self, step: StepRow) -> list[OutputFile]:
        if step.id not in self._outputs:
            self._outputs[step.id] = self.database.steps.outputs_of(step.id)
        return self._outputs[step.id]

    def _has(self, path: str, name: str) -> bool:
        return any(file.path == name for file in self._outputs_of(self.steps[path]))

    def _text(self, path: str, name: str) -> str:
        for file in self._outputs_of(self.steps[path]):
            if file.path == name:
                return self._read(Blob(sha256=file.sha256, size=file.size))
        raise InvalidInput(f"{path}: it has left no {name}")

    def _read(self, blob: Blob) -> str:
        with self.store.open(blob.sha256) as file:
            return file.read().decode()

    def _exchange_path(self, step: StepRow) -> str:
        """Return the one exchange table among a step's outputs."""
        paths = [file.path for file in self._outputs_of(step) if file.path == EXCHANGE or file.label == "exchange"]
        if not paths:
            raise InvalidInput(f"{step.path}: it has left no {EXCHANGE}, and no output with the label exchange")
        return paths[0]


def _inside(slot: Slot | None, files: Files) -> Files:
    """Return files by their path inside the declared input or output that they belong to."""
    if slot is not None and slot.kind == "folder":
        return {path.removeprefix(slot.path + "/"): blob for path, blob in files.items()}
    return {path.rsplit("/", 1)[-1]: blob for path, blob in files.items()}
