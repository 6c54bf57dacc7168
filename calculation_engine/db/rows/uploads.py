"""Uploads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that a user sent and that is stored already."""

    id: str
    owner: str
    name: str
    size: int
    sha256: str
    media_type: str


@dataclass(frozen=True, slots=True)
class UploadRow(NewUpload):
    """A stored upload."""

    created: datetime
