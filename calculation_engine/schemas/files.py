"""Stored files, as requests, rows and replies name them."""

from __future__ import annotations

from calculation_engine.schemas.base import InnerPath, Schema, Sha256

#: What stands for the module of the step that keeps a sweep's table.
SWEEP_MODULE = "engine.sweep"


def result_path(step: str, module: str, file: str) -> str:
    """Return the path of a file in a job's results: ``<step>/output/<file>``, of a sweep's table ``<sweep>/<file>``."""
    return f"{step}/{file}" if module == SWEEP_MODULE else f"{step}/output/{file}"


class Blob(Schema):
    """A file's content: its hash, and how long it is."""

    sha256: Sha256
    size: int


class ResultFile(Schema):
    """One file of a job's results."""

    path: InnerPath
    """``<step path>/output/<file>``; of a sweep's table ``<sweep>/<file>``."""
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
