"""What a step would compute now: its program where it would run, and the key of the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from calculation_engine.db.rows import NewStep, StepRow
from calculation_engine.engine.steps.keys import step_key
from calculation_engine.engine.steps.programs import resolve
from calculation_engine.engine.steps.spec import StepSpec
from calculation_engine.errors import CalculationEngineError
from calculation_engine.executors.base import Executor
from calculation_engine.modules.catalogue import Catalogue


@dataclass(frozen=True)
class Keyed:
    """A step's spec, without its files, with the environment in which it would run, and its key."""

    spec: StepSpec
    environment: str
    key: str


@dataclass(frozen=True)
class Keys:
    """Computes keys from the code as it is now. One object serves all threads."""

    catalogue: Catalogue
    executors: Mapping[str, Executor]
    _identified: set[tuple[str, str]] = field(default_factory=set)
    """Executor, and content of a program, whose environment was asked for: asking again is quick."""

    def of(self, step: StepRow) -> Keyed:
        """Return what a step would compute now.

        Raises:
            NotFound, InvalidInput: the module is no longer there, or its manifest has faults.
            EnvironmentFailed, ExecutorUnavailable: its place cannot tell the environment.
        """
        spec = resolve(step, self.catalogue)
        environment = self.executors[step.executor].environment_id(spec.program)
        self._identified.add((step.executor, spec.content_hash))
        return _keyed(step, spec, environment)

    def quickly(self, steps: Sequence[NewStep]) -> dict[str, Keyed]:
        """Return what steps would compute now, by their id, as far as that takes no time.

        Left out are those of a program whose environment nobody has asked for yet, which may mean to get an
        interpreter, and those whose module or place does not answer.
        """
        programs: dict[tuple[str, str, str], tuple[StepSpec, str]] = {}
        found = {}
        for step in steps:
            program = (step.executor, step.module, step.process)
            with suppress(CalculationEngineError, KeyError):
                if program not in programs:
                    programs[program] = self._program(step)
                found[step.id] = _keyed(step, *programs[program])
        return found

    def _program(self, step: NewStep) -> tuple[StepSpec, str]:
        spec = resolve(step, self.catalogue)
        known = (step.executor, spec.content_hash)
        self._identified.remove(known)
        environment = self.executors[step.executor].environment_id(spec.program)
        self._identified.add(known)
        return spec, environment


def _keyed(step: StepRow | NewStep, spec: StepSpec, environment: str) -> Keyed:
    key = step_key(
        content_hash=spec.content_hash,
        environment_id=environment,
        command=spec.command,
        config=step.config,
        files=step.files,
    )
    return Keyed(spec, environment, key)
