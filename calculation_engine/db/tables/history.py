"""What was computed from what, also of jobs that were deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Named,
    String,
    Table,
    TypedColumns,
)

from calculation_engine.db.tables.base import OPTIONS, metadata
from calculation_engine.db.types import Json, UtcTime


class RunColumns(TypedColumns):
    """Columns of ``runs``: steps that were computed, what of their key the step's row does not have, and why."""

    step_id: Named[str] = Column(String(36), ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True)
    owner: Named[str] = Column(String(200))
    module: Named[str] = Column(String(64))
    #: Hash of owner, module and path: all three are too long for one index.
    place: Named[str] = Column(String(64))
    content_hash: Named[str] = Column(String(64))
    environment: Named[str] = Column(String(500))
    cause: Named[dict[str, Any]] = Column(Json)
    #: How the result compares with the stored one, where that was asked for.
    verification: Named[dict[str, Any] | None] = Column(Json)


runs = Table(
    "runs",
    metadata,
    RunColumns,
    Index("ix_runs_place", "place", "step_id"),
    Index("ix_runs_module", "owner", "module", "step_id"),
    **OPTIONS,
)


class ModuleContentColumns(TypedColumns):
    """Columns of ``module_contents``: the files, by path, that a module's content hash stands for."""

    content_hash: Named[str] = Column(String(64), primary_key=True)
    files: Named[dict[str, str]] = Column(Json)


module_contents = Table("module_contents", metadata, ModuleContentColumns, **OPTIONS)


class DeletedKeyColumns(TypedColumns):
    """Columns of ``deleted_keys``: keys of results that were deleted with their job."""

    key: Named[str] = Column(String(64), primary_key=True)
    job_id: Named[str] = Column(String(36))
    deleted: Named[datetime] = Column(UtcTime)


deleted_keys = Table("deleted_keys", metadata, DeletedKeyColumns, **OPTIONS)
