"""What a step runs: a module of the catalogue, or a pass of a bridge in the engine's own environment."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import calculation_engine
from calculation_engine import __version__
from calculation_engine.db.rows import NewStep, StepRow
from calculation_engine.engine.steps.spec import CONFIG_FILE, StepSpec, config_text
from calculation_engine.modules.catalogue import Catalogue, Module
from calculation_engine.schemas.module import Slot
from calculation_engine.schemas.resources import ResourceChanges, Resources
from calculation_engine.store import Store

#: What stands before a bridge's name where a step's module is told.
BRIDGE_PREFIX = "bridge."
#: The parts of the package that a pass of a bridge is made of.
_BRIDGE_CODE = ("__init__.py", "errors.py", "states.py", "tables.py", "schemas", "bridges")


def bridge_module(name: str) -> str:
    """Return what stands for a module in the steps of a bridge's passes."""
    return BRIDGE_PREFIX + name


def resolve(step: StepRow | NewStep, catalogue: Catalogue) -> StepSpec:
    """Return the spec of a step without its files, from the code as it is now.

    Raises:
        NotFound, InvalidInput: the module is no longer there, or its manifest has faults.
    """
    changes = ResourceChanges.model_validate(step.resources)
    if step.module.startswith(BRIDGE_PREFIX):
        return _of_bridge(step, changes.over(Resources()))
    return _of_module(catalogue.get(step.module), changes)


def with_files(spec: StepSpec, step: StepRow, store: Store) -> StepSpec:
    """Return a spec with what stands below ``input/``: the step's files, and its config, which is stored."""
    config = store.put(config_text(step.config).encode(), flush=False)
    return spec.model_copy(update={"files": {**step.files, CONFIG_FILE: config}})


def content_files(spec: StepSpec, catalogue: Catalogue) -> dict[str, str] | None:
    """Return the files that a spec's content hash stands for, path to sha256; None where they changed meanwhile."""
    if spec.module.startswith(BRIDGE_PREFIX):
        return _bridge_files()
    module = catalogue.get(spec.module)
    return dict(module.files) if module.content_hash == spec.content_hash else None


def _of_module(module: Module, changes: ResourceChanges) -> StepSpec:
    manifest = module.manifest
    return StepSpec(
        module=manifest.name,
        version=manifest.version,
        content_hash=module.content_hash,
        command=manifest.command,
        image=manifest.image.reference,
        folder=str(module.folder),
        shared=[str(path) for path in module.shared],
        python=manifest.python,
        requirements=str(module.requirements) if module.requirements else None,
        files={},
        resources=changes.over(manifest.resources),
        outputs=manifest.outputs,
        progress=manifest.progress,
        scalars=manifest.scalars,
    )


def _of_bridge(step: StepRow | NewStep, resources: Resources) -> StepSpec:
    package = Path(calculation_engine.__file__).parent
    return StepSpec(
        module=step.module,
        version=__version__,
        content_hash=_bridge_hash(),
        command=["python", "-m", "calculation_engine.bridges", step.module.removeprefix(BRIDGE_PREFIX), step.process],
        image="",
        folder=str(package),
        shared=[],
        python=None,
        requirements=None,
        in_own_environment=True,
        files={},
        resources=resources,
        outputs=[Slot(label="files", path="**", kind="glob", required=False)],
        progress=[],
    )


@cache
def _bridge_hash() -> str:
    package = Path(calculation_engine.__file__).parent
    digest = hashlib.sha256()
    for name in _bridge_files():
        digest.update(f"{name}\0".encode() + (package / name).read_bytes())
    return digest.hexdigest()


@cache
def _bridge_files() -> dict[str, str]:
    package = Path(calculation_engine.__file__).parent
    places = [package / part for part in _BRIDGE_CODE]
    files = [file for place in places for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return {str(file.relative_to(package)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
