"""Uploads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Named,
    String,
    Table,
    TypedColumns,
)

from calculation_engine.db.tables.base import OPTIONS, metadata
from calculation_engine.db.types import UtcTime


class UploadColumns(TypedColumns):
    """Columns of ``uploads``."""

    id: Named[str] = Column(String(36), primary_key=True)
    owner: Named[str] = Column(String(200))
    name: Named[str] = Column(String(500))
    size: Named[int] = Column(BigInteger)
    sha256: Named[str] = Column(String(64))
    media_type: Named[str] = Column(String(255))
    created: Named[datetime] = Column(UtcTime)


uploads = Table(
    "uploads",
    metadata,
    UploadColumns,
    Index("ix_uploads_created", "created", "id"),
    Index("ix_uploads_owner_created", "owner", "created", "id"),
    Index("ix_uploads_sha256", "sha256"),
    **OPTIONS,
)
