"""The files of inputs that pipes fill, from what ran before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calculation_engine.db.database import Database
from calculation_engine.db.rows import NewOutput
from calculation_engine.engine.planning.scope import Scope
from calculation_engine.engine.steps.inputs import Inputs
from calculation_engine.engine.steps.spec import spec_of
from calculation_engine.errors import InvalidInput
from calculation_engine.modules.catalogue import Catalogue
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.module import Slot
from calculation_engine.schemas.nesting import sweep_outputs
from calculation_engine.schemas.sweep import Sweep
from calculation_engine.schemas.workflow import Loop, Process


@dataclass(frozen=True)
class Piping:
    """Finds what pipes name."""

    database: Database
    catalogue: Catalogue
    inputs: Inputs

    def files(self, process: Process, scope: Scope) -> dict[str, Blob]:
        """Return the files of a process's piped inputs; a participant of a loop stands for its solution.

        Raises:
            InvalidInput: an input or output is no longer declared, or what ran before left nothing under the label.
        """
        files: dict[str, Blob] = {}
        manifest = self.catalogue.get(process.module).manifest if process.pipes else None
        for label, pipe in process.pipes.items():
            outputs, declared = self._source(pipe.process, scope)
            slot = manifest.find_input(label) if manifest else None
            output = next((item for item in declared if item.label == pipe.label), None)
            if slot is None or output is None:
                raise InvalidInput(f"{process.name}: input {label!r} or output {pipe.label!r} is no longer declared")
            files |= self.inputs.from_outputs(slot, outputs, output)
        return files

    def _source(self, name: str, scope: Scope | None) -> tuple[Sequence[NewOutput], list[Slot]]:
        """Return what a pipe's source has left and what it declares; it is looked for from the inmost scope out."""
        while scope is not None:
            component = scope.workflow.find_component(name)
            if isinstance(component, Sweep):
                declared = [Slot(label=label, path=path) for label, path in sweep_outputs(component).items()]
                return scope.tables.get(name) or self.database.steps.outputs_of(scope.steps[name].id), declared
            if scope.workflow.find_process(name) is not None:
                loops = [c for c in scope.workflow.components if isinstance(c, Loop) and name in c.sequence]
                step = scope.steps[f"{scope.solutions[loops[0].name]}/{name}" if loops else name]
                spec = spec_of(step)
                declared = spec.outputs if spec else self.catalogue.get(step.module).manifest.outputs
                return self.database.steps.outputs_of(step.id), declared
            scope = scope.outer
        raise InvalidInput(f"there is no process {name}")
