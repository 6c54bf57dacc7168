"""Whether the process answers, whether jobs can be run, and what was counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Literal

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from calculation_engine import __version__, metrics
from calculation_engine.api.routes import Call, Reply
from calculation_engine.errors import CalculationEngineError, ExecutorUnavailable
from calculation_engine.schemas.base import Schema
from calculation_engine.store import bytes_text

#: An engine is taken for alive when it was heard of within so many of its leases.
_LEASES = 2


class Health(Schema):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Check(Schema):
    """One thing that must be in order."""

    ok: bool
    detail: str


class Readiness(Schema):
    """Whether jobs that are sent now will be run."""

    ready: bool
    database: Check
    data_dir: Check
    engine: Check


def healthz(call: Call) -> Reply:
    """Answer."""
    return Reply(Health())


def readyz(call: Call) -> Reply:
    """Answer whether everything that a job needs is there, and what is missing."""
    checks = {"database": _check(call, _database), "data_dir": _check(call, _data_dir), "engine": _check(call, _engine)}
    ready = all(check.ok for check in checks.values())
    return Reply(Readiness(ready=ready, **checks), 200 if ready else 503, {"Cache-Control": "no-store"})


def show_metrics(call: Call) -> Reply:
    """Answer all metrics in the text format of Prometheus."""
    return Reply(
        generate_latest(metrics.REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    )


def _check(call: Call, look: Callable[[Call], str]) -> Check:
    try:
        return Check(ok=True, detail=look(call))
    except (CalculationEngineError, OSError) as error:
        return Check(ok=False, detail=str(error))


def _database(call: Call) -> str:
    call.context.database.check()
    return "reachable, schema up to date"


def _data_dir(call: Call) -> str:
    with tempfile.TemporaryFile(dir=call.context.settings.data_dir) as file:
        file.write(b"\0")
    call.context.store.room.check()
    return f"writable, {bytes_text(call.context.store.room.free_bytes)} free"


def _engine(call: Call) -> str:
    engines = call.context.database.engines.alive(_LEASES * call.context.settings.lease_seconds)
    if not engines:
        raise ExecutorUnavailable("no engine is alive; jobs are stored and wait", hint="start one: `ce engine`")
    return f"alive: {', '.join(engine.owner for engine in engines)}"
