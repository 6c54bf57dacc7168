"""What a step that asks for a key is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class JoinMode(StrEnum):
    """What :meth:`Steps.join` may give a step instead of computing it."""

    REUSE = "reuse"  #: the result of an equal step that succeeded
    FRESH = "fresh"  #: nothing: it computes again, though never at the same time as an equal step


@dataclass(frozen=True, slots=True)
class Own:
    """This step computes the key; others wait for it."""


@dataclass(frozen=True, slots=True)
class Reused:
    """An equal step has succeeded; nothing was written."""

    step_id: str


@dataclass(frozen=True, slots=True)
class Waits:
    """An equal step computes the key now; this one was given back and is claimable again when that one ends."""

    step_id: str


Joined = Own | Reused | Waits
