"""Checks a workflow before anything of it is stored: modules, configs, inputs, bridges, and every row of its sweeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from calculation_engine.engine.planning.loops import baselines, bridged_inputs
from calculation_engine.engine.steps.asks import Asks
from calculation_engine.engine.steps.given import GIVEN, given_key
from calculation_engine.engine.steps.inputs import Inputs
from calculation_engine.engine.steps.keys import canonical_json
from calculation_engine.errors import Fault, InvalidInput, NotFound
from calculation_engine.modules.catalogue import Catalogue, Module
from calculation_engine.modules.checks import config_faults, label_faults
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.nesting import sweep_of
from calculation_engine.schemas.workflow import Process, Workflow

#: Path below ``input/`` to content, for each process.
Files = dict[str, dict[str, Blob]]
#: Faults of rows that are told; the others are as a rule the same.
_MOST_FAULTS = 50


@dataclass
class Checker:
    """Checks the parts of one request; what many rows of a sweep have in common is checked once."""

    inputs: Inputs
    catalogue: Catalogue
    asks: Asks
    executors: Collection[str]
    owner: str
    workflow: Workflow
    faults: list[Fault] = field(default_factory=list)
    files: Files = field(default_factory=dict)
    modules: dict[str, Module | None] = field(default_factory=dict)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _known: dict[str, list[Fault]] = field(default_factory=dict)
    _given: dict[str, list[Fault]] = field(default_factory=dict)
    _bridged: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def check(self) -> None:
        """Check all that runs once; what runs in rows is checked by :meth:`check_row`."""
        bridged, found = bridged_inputs(self.workflow)
        self.tell(found)
        for process in self.workflow.processes:
            self._check_module(process)
            if sweep_of(self.workflow, process.name) is None:
                self._check_process(process, self.place(process.name), bridged.get(process.name, set()), process.name)
        for place, process, path in baselines(self.workflow):
            if sweep_of(self.workflow, process.name) is None:
                self._check_process(process, path, set(), place, pipes=True)
        self._check_pipes()

    def check_row(self, workflow: Workflow, told: str) -> None:
        """Check what a row of a sweep runs; ``told`` says for people which row it is."""
        key = f"loops {canonical_json([c.model_dump(mode='json') for c in workflow.components])}"
        if key not in self._known:
            self._bridged[key], self._known[key] = bridged_inputs(workflow)
        self.tell(self._known[key], told)
        bridged = self._bridged[key]
        for process in workflow.processes:
            self._check_process(process, self.place(process.name), bridged.get(process.name, set()), told=told)
        for _, process, path in baselines(workflow):
            self._check_process(process, path, set(), told=told, pipes=True)

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that more would not help."""
        return len(self.faults) >= _MOST_FAULTS

    def tell(self, faults: list[Fault], told: str = "") -> None:
        """Note faults; what is wrong in many rows alike is told for the first."""
        for fault in faults:
            if (fault.path, fault.message) not in self._told:
                self._told.add((fault.path, fault.message))
                self.faults.append(replace(fault, message=f"{fault.message} ({told})") if told else fault)

    def place(self, name: str) -> str:
        """Return where a process or component stands in the request."""
        for kind, nodes in (("processes", self.workflow.processes), ("components", self.workflow.components)):
            for index, node in enumerate(nodes):
                if node.name == name:
                    return f"workflow.{kind}[{index}]"
        return "workflow"

    def _check_module(self, process: Process) -> None:
        path = self.place(process.name)
        if process.executor is not None and process.executor not in self.executors:
            known = f"there are: {', '.join(sorted(self.executors))}"
            self.tell([Fault(f"{path}.executor", f"no job runs on an executor {process.executor!r} here", known)])
        try:
            self.modules[process.name] = self.catalogue.get(process.module)
        except (NotFound, InvalidInput) as error:
            self.modules[process.name] = None
            self.tell([Fault(f"{path}.module", error.message, error.hint)])

    def _check_process(
        self, process: Process, path: str, bridged: set[str], place: str | None = None, *, told: str = "",
        pipes: bool = False,
    ) -> None:  # fmt: skip
        """Check config and inputs; keep the files under ``place``, or of a row one by one under what was given."""
        module = self.modules.get(process.name)
        if module is None:
            return
        self.tell(self.asks.faults(process, self.place(process.name)), told)
        self.tell(self._config_faults(module, process.config, path), told)
        given = [*process.inputs, *process.pipes, *(() if pipes else bridged)]
        self.tell(label_faults(module.manifest, given, f"{path}.inputs"), told)
        if place is not None:
            self.files[place], faults = self.inputs.resolve(process, module.manifest, self.owner, path)
            self.tell(faults)
            return
        for label, one in process.inputs.items():
            key = given_key(process.module, label, one)
            if key not in self._given:
                alone = process.model_copy(update={"inputs": {label: one}})
                self.files[f"{GIVEN}/{key}"], self._given[key] = self.inputs.resolve(
                    alone, module.manifest, self.owner, path
                )
            self.tell(self._given[key], told)

    def _config_faults(self, module: Module, config: Mapping[str, Any], path: str) -> list[Fault]:
        key = f"{module.manifest.name} {path} {canonical_json(config)}"
        if key not in self._known:
            self._known[key] = config_faults(module, config, f"{path}.config")
        return self._known[key]

    def _check_pipes(self) -> None:
        for process in self.workflow.processes:
            for label, pipe in process.pipes.items():
                source = self.modules.get(pipe.process)
                if source is not None and source.manifest.find_output(pipe.label) is None:
                    known = f"it has: {', '.join(slot.label for slot in source.manifest.outputs) or 'none'}"
                    where = f"{self.place(process.name)}.pipes.{label}.label"
                    self.tell([Fault(where, f"module {source.manifest.name} has no output {pipe.label!r}", known)])
