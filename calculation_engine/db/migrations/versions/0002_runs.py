"""Runs with what they were computed from, contents of modules, deleted results, origins of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import inspect
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}
TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")


def upgrade() -> None:
    """Add them; what is there already, after a migration that was killed, stays."""
    _column("jobs", sa.Column("origin", TEXT, nullable=True))
    _column("jobs", sa.Column("imported", TIME, nullable=True))
    _column("steps", sa.Column("reuse", TEXT, nullable=True))
    op.create_table(
        "runs",
        sa.Column("step_id", sa.String(36), sa.ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("environment", sa.String(500), nullable=False),
        sa.Column("cause", TEXT, nullable=False),
        sa.Column("verification", TEXT, nullable=True),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_runs_place", "runs", ["place", "step_id"], if_not_exists=True)
    op.create_index("ix_runs_module", "runs", ["owner", "module", "step_id"], if_not_exists=True)
    op.create_table(
        "module_contents",
        sa.Column("content_hash", sa.String(64), primary_key=True),
        sa.Column("files", TEXT, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "deleted_keys",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("deleted", TIME, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )


def _column(table: str, column: sa.Column[object]) -> None:
    if column.name not in {known["name"] for known in inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)
