"""What programs would leave at the place: the code of the test programs and of bridges, called instead of started."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from calculation_engine.bridges.__main__ import run_pass
from calculation_engine.executors.base import Task
from tests.integration.conftest import PROGRAMS


def leave(task: Task, into: Path, how: str) -> None:
    """Fill the ``output/`` tree of an attempt that ended by itself.

    Args:
        task: what ran.
        into: the tree.
        how: it ended: ``ok``; ``odd``, as ok with another number than equal attempts; ``refused``; or else.
    """
    into.mkdir(parents=True, exist_ok=True)
    if how == "refused":
        (into / "status.yaml").write_text("code: 400\nmessage: refused\n")
    if how not in {"ok", "odd"}:
        return
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=into.name) as folder:
        inputs = Path(folder)
        for path, source in task.files.items():
            file = inputs / path.removeprefix("input/")
            file.parent.mkdir(parents=True, exist_ok=True)
            with source.open() as content:
                file.write_bytes(content.read())
        if task.program.in_own_environment:
            *_, bridge, name = task.program.command
            run_pass(bridge, name, inputs, into).write(into)
        elif task.program.name == "probe":
            _probe(inputs, into, how)
        else:
            _entry(task.program.name)(inputs, into)


def identity(task: Task) -> str:
    """Return what is equal for attempts that compute the same."""
    digest = hashlib.sha256(json.dumps([task.program.content_hash, task.program.command]).encode())
    for path, source in sorted(task.files.items()):
        with source.open() as content:
            digest.update(path.encode() + hashlib.sha256(content.read()).digest())
    return digest.hexdigest()


def _probe(inputs: Path, into: Path, how: str) -> None:
    note = json.loads((inputs / "config.yaml").read_text())["note"]
    (into / "table.csv").write_text(f"VALUE\n{int(note) + (100 if how == 'odd' else 0)}\n")
    (into / "status.yaml").write_text("code: 200\n")


@cache
def _entry(module: str) -> Callable[[Path, Path], int]:
    spec = importlib.util.spec_from_file_location(module, PROGRAMS / module / "run.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    run: Callable[[Path, Path], int] = loaded.run
    return run
