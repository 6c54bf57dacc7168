"""What a step would compute now: its program where it would run, and the key of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calculation_engine.db.rows import NewStep, StepRow
from calculation_engine.engine.steps.keys import step_key
from calculation_engine.engine.steps.programs import resolve
from calculation_engine.engine.steps.spec import StepSpec
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
    """Computes keys from the code as it is now."""

    catalogue: Catalogue
    executors: Mapping[str, Executor]

    def of(self, step: StepRow | NewStep) -> Keyed:
        """Return what a step would compute now.

        Raises:
            NotFound, InvalidInput: the module is no longer there, or its manifest has faults.
            EnvironmentFailed, ExecutorUnavailable: its place cannot tell the environment.
        """
        spec = resolve(step, self.catalogue)
        environment = self.executors[step.executor].environment_id(spec.program)
        key = step_key(
            content_hash=spec.content_hash,
            environment_id=environment,
            command=spec.command,
            config=step.config,
            files=step.files,
        )
        return Keyed(spec, environment, key)
