"""Jobs in this process, for scripts and notebooks: ``calculation_engine.run``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calculation_engine.cli.session import embedded_client, settings_of
from calculation_engine.client import Finished
from calculation_engine.states import State


def run(
    workflow: Mapping[str, Any] | Path | str | None = None,
    *,
    output: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    check: bool = True,
    **options: Any,
) -> Finished:
    """Run a job in this process and return it when it has ended; needs ``calculation-engine[server]``.

    Args:
        workflow: a document as ``PUT /job`` takes it, or the YAML or JSON file that holds one; or none, and ``options``
            name the module.
        output: folder for the results; default: a temporary one that goes with the returned object.
        settings: of the engine, over its environment and file, as ``{"data_dir": ...}``.
        check: whether a job that ends without its results raises.
        options: more of ``Client.submit``: ``module``, ``config``, ``inputs``, ``name`` and so on.

    Raises:
        InvalidInput: every fault of the job or the settings; nothing was stored.
        JobFailed: it ended without its results, and ``check`` is set.
    """
    with embedded_client(settings_of(settings or {}), engine=True) as client:
        job = client.submit(workflow, **options).wait()
        if check and job.state is not State.SUCCEEDED:
            raise job.failure()
        return Finished(job, Path(output) if output is not None else None)
