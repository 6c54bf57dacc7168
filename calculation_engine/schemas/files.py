"""Stored files, as requests, rows and replies name them."""

from __future__ import annotations

from calculation_engine.schemas.base import InnerPath, Schema, Sha256


class Blob(Schema):
    """A file's content: its hash, and how long it is."""

    sha256: Sha256
    size: int


class ResultFile(Schema):
    """One file of a job's results."""

    path: InnerPath
    """``<step path>/output/<file>``."""
    sha256: Sha256
    size: int
    media_type: str
    label: str | None = None
    """Label of the declared output that it belongs to."""
    step: str
    link: str


class Upload(Schema):
    """An uploaded file, or the files of an unpacked archive."""

    uuid: str
    name: str
    """File name as given, for people."""
    size: int
    sha256: Sha256
    media_type: str
    created: str
    link: str
