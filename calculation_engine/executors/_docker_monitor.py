"""Looks at all watched containers now and then: for the limits that Docker does not hold, and as a safety net."""

from __future__ import annotations

import threading
import time

from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors._docker_client import Engine
from calculation_engine.executors._docker_container import LABEL
from calculation_engine.executors._docker_watch import Watch

_SAFETY_NET_SECONDS = 5.0


class Monitor:
    """One thread that looks at all watches now and then, while there are any."""

    def __init__(self, engine: Engine, instance: str, interval_seconds: float) -> None:
        self._engine = engine
        self._instance = instance
        self._interval_seconds = interval_seconds
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._suspects: dict[Watch, int] = {}
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        """Look at it until it is done."""
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ce-docker-monitor", daemon=True)
                self._thread.start()

    def discard(self, watch: Watch) -> None:
        """Look at it no more."""
        with self._changed:
            self._watches.discard(watch)
            self._changed.notify()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._watches.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(self._interval_seconds + 5)

    def _run(self) -> None:
        pause, net = self._interval_seconds, time.monotonic() + _SAFETY_NET_SECONDS
        while watches := self._next_watches(pause):
            begin = time.monotonic()
            try:
                sizes = self._engine.volume_bytes()
                if begin > net:
                    self._nudge_the_stuck(watches)
                    net = begin + _SAFETY_NET_SECONDS
            except ExecutorUnavailable:
                sizes = {}
            for watch in watches:
                watch.check(sizes.get(watch.name))
            # The engine counts the bytes of every volume of its host: leave it three quarters of its time. With more, a
            # step that writes fast is the further over its limit, the busier the machine is.
            pause = max(self._interval_seconds, 3 * (time.monotonic() - begin))

    def _next_watches(self, pause: float) -> set[Watch]:
        with self._changed:
            self._changed.wait_for(lambda: not self._watches, pause)
            self._watches = {watch for watch in self._watches if not watch.done.is_set()}
            if not self._watches:
                self._thread = None
            return set(self._watches)

    def _nudge_the_stuck(self, watches: set[Watch]) -> None:
        """Help a watch whose container has ended, and whose log has not moved since the last look."""
        ended = self._engine.containers({"label": f"{LABEL}.instance={self._instance}", "status": "exited"})
        names = {name.lstrip("/") for container in ended for name in container["Names"]}
        suspects = {watch: watch.received_bytes for watch in watches if watch.name in names}
        for watch, received in suspects.items():
            if self._suspects.get(watch) == received:
                watch.nudge()
        self._suspects = suspects
