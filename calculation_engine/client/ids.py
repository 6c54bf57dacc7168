"""Ids that a client makes, so that sending a job twice is sending one job."""

from __future__ import annotations

import secrets
import time
from uuid import UUID

#: Characters of an id that people are shown: all of its time, in milliseconds.
SHORT = 13


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, the rest random."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def short_id(job_id: str) -> str:
    """Return the beginning of an id that is enough to name a job."""
    return job_id[:SHORT]
