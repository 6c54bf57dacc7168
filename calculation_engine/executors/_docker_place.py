"""Which Docker engine answers at an address, and which ones it has replaced there."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import structlog

from calculation_engine.executors._docker_client import Engine
from calculation_engine.executors._docker_lock import exclusive

log = structlog.get_logger(__name__)


class Place:
    """Names the Docker engine at an address by its id, which its containers go with.

    Another id at the same address, of a machine of the same name, is a Docker whose data were deleted or made anew:
    what ran in the one before is gone. Where the name differs as well, the address leads elsewhere; nothing is known.

    Args:
        engine: who is asked.
        folder: where the ids are noted.
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._lock = threading.Lock()
        self._id = ""
        self._name = ""
        self._replaced: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The engine that answers now.

        Raises:
            ExecutorUnavailable: none did so far.
        """
        with self._lock:
            host = self._engine.host
            if host.id != self._id:
                again = self._engine.ask_host()
                is_lasting = (
                    again.id == host.id
                )  # Podman, which speaks Docker's language, makes one up at each question
                self._name = _name(again.id if is_lasting else again.name)
                self._replaced = self._noted(again.name, again.id) if is_lasting else frozenset()
                self._id = host.id
            return self._name

    @property
    def replaced(self) -> frozenset[str]:
        """The engines that are gone for good."""
        return self._replaced

    def _noted(self, machine: str, engine_id: str) -> frozenset[str]:
        """Note who answers, and return whom it has replaced."""
        path = self._folder / "engines.json"
        with exclusive(self._folder / "locks" / "engines.lock"):
            known: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
            ids = known.setdefault(f"{self._engine.address} {machine}", [])
            if ids[-1:] != [engine_id]:
                if ids:
                    log.warning("docker_engine_replaced", address=self._engine.address, before=ids[-1], now=engine_id)
                ids[:] = [*(each for each in ids if each != engine_id), engine_id]
                part = path.with_suffix(".part")
                part.write_text(json.dumps(known, indent=1) + "\n")
                part.rename(path)
        return frozenset(_name(each) for each in ids[:-1])


def _name(engine: str) -> str:
    return f"docker-{engine}"
