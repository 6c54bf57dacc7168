"""The fully resolved spec of a step: what its row keeps, and what becomes an executor's task."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from calculation_engine.db.rows import StepRow
from calculation_engine.engine.steps.paths import attempt_folder, step_log
from calculation_engine.executors.base import Program, Source, Task
from calculation_engine.schemas.base import Schema
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.module import Progress, Scalar, Slot
from calculation_engine.schemas.resources import Resources
from calculation_engine.store import Store

CONFIG_FILE = "config.yaml"
#: A text of JSON, or a number that has an exponent but no point.
_TEXT_OR_POINTLESS = re.compile(r'"(?:[^"\\]|\\.)*"|(?<![\d.])(-?\d+)(e[+-]\d+)')


class StepSpec(Schema):
    """All that an attempt of a step needs; later changes of the module do not touch it."""

    module: str
    version: str
    content_hash: str
    command: list[str]
    image: str
    folder: str
    shared: list[str]
    python: str | None
    requirements: str | None
    in_own_environment: bool = False
    """Whether it runs with the interpreter and packages of the engine itself."""
    files: dict[str, Blob]
    """Path below ``input/`` to content, the config included."""
    resources: Resources
    outputs: list[Slot]
    progress: list[Progress]
    scalars: list[Scalar] = Field(default=[])

    @property
    def program(self) -> Program:
        """What an executor runs."""
        return Program(
            name=self.module,
            version=self.version,
            content_hash=self.content_hash,
            command=tuple(self.command),
            image=self.image,
            folder=Path(self.folder),
            shared=tuple(Path(path) for path in self.shared),
            python=self.python,
            requirements=Path(self.requirements) if self.requirements else None,
            in_own_environment=self.in_own_environment,
        )


def config_text(config: Mapping[str, Any]) -> str:
    """Return a config as its module finds it: JSON that any reader of JSON or YAML takes for the same values.

    YAML 1.1, which most Python readers know, takes ``1e-05`` for a text and ``1.0e-05`` for a number.
    """
    text = json.dumps(config, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return _TEXT_OR_POINTLESS.sub(lambda found: f"{found[1]}.0{found[2]}" if found[1] else found[0], text)


@dataclass(frozen=True)
class TaskMaker:
    """Makes the tasks of one data folder."""

    data_dir: Path
    store: Store

    def make(self, step: StepRow, spec: StepSpec) -> Task:
        """Return the task of the step's current attempt."""
        files: Mapping[str, Source] = {f"input/{path}": self.store.source(blob) for path, blob in spec.files.items()}
        return Task(
            attempt_id=step.attempt_id,
            labels={"job": step.job_id, "step": step.id, "path": step.path},
            program=spec.program,
            env={},
            files=files,
            resources=spec.resources,
            folder=attempt_folder(self.data_dir, step.attempt_id),
            log=step_log(self.data_dir, step.id),
        )


def spec_of(step: StepRow) -> StepSpec | None:
    """Return the spec that the step's row keeps, or None before its first attempt."""
    document: Any = step.spec
    return StepSpec.model_validate(document) if document else None
