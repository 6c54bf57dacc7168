"""What a step may use."""

from __future__ import annotations

from pydantic import Field

from calculation_engine.schemas.base import Bytes, Schema, Seconds

LONGEST_WAIT_SECONDS = 3600.0


class Resources(Schema):
    """The limits of one step; passing one ends it with a reason of its own."""

    cpu: float = Field(default=1.0, gt=0, le=1024)
    """Cores that it may use at once."""
    memory: Bytes = Field(default=Bytes(2 << 30), ge=1 << 20)
    """Bytes of memory of all its processes together."""
    disk: Bytes = Field(default=Bytes(4 << 30), ge=1 << 16)
    """Bytes of all files in its working folder."""
    log: Bytes = Field(default=Bytes(1 << 30), ge=1 << 10)
    """Bytes that it may write to standard output and error."""
    time_limit: Seconds = Field(default=3600.0, gt=0)
    """Seconds of wall-clock time."""
    pids: int = Field(default=256, ge=1, le=32768)
    """Processes and threads at once."""
    gpu: int = Field(default=0, ge=0)
    """Graphics processors; the settings must allow it."""
    network: bool = False
    """Whether it may reach the network; the settings must allow it."""


class ResourceChanges(Schema):
    """Limits that a process sets differently from its module's manifest."""

    cpu: float | None = Field(default=None, gt=0, le=1024)
    memory: Bytes | None = Field(default=None, ge=1 << 20)
    disk: Bytes | None = Field(default=None, ge=1 << 16)
    log: Bytes | None = Field(default=None, ge=1 << 10)
    time_limit: Seconds | None = Field(default=None, gt=0)
    pids: int | None = Field(default=None, ge=1, le=32768)

    def over(self, resources: Resources) -> Resources:
        """Return ``resources`` with the limits that are set here."""
        return resources.model_copy(update=self.model_dump(exclude_none=True))


class Retry(Schema):
    """What is tried again: an attempt that was lost, an error of the engine, too little memory where it may have more.

    Other failures do not heal by themselves and are never tried again.
    """

    attempts: int = Field(default=3, ge=1, le=20)
    """Attempts in all, the first one included."""
    wait: Seconds = Field(default=10.0, ge=0, le=3600)
    """Seconds before the second attempt; twice as long before each further one, an hour at most."""
    memory_limit: Bytes | None = Field(default=None, ge=1 << 20)
    """Bytes that `memory` may grow to after an attempt that needed more; none: it is not tried again then."""
    memory_growth: float = Field(default=2.0, gt=1, le=16)
    """Factor by which `memory` grows."""

    def delay_seconds(self, attempt: int) -> float:
        """Return how long to wait after the attempt of that number."""
        return min(self.wait * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)
