"""Sweeps: their rows, the numbers that a step's manifest names, and which steps planning is done with.

MariaDB commits after each statement, so each is written to be run again after a crash half-way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}


def upgrade() -> None:
    """Add the table, the columns and the index."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("steps")}
    if "scalars" not in present:
        op.add_column("steps", sa.Column("scalars", TEXT, nullable=True))
    if "settled" not in present:
        op.add_column("steps", sa.Column("settled", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_steps_job_settled", "steps", ["job_id", "settled", "id"], if_not_exists=True)
    op.create_table(
        "sweep_rows",
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sweep", sa.String(200), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("result", TEXT, nullable=True),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_index("ix_sweep_rows_state", "sweep_rows", ["job_id", "sweep", "state", "number"], if_not_exists=True)
