"""Fair turns, what steps ask for, retries, slots.

MariaDB commits after each statement, so each is written to be run again after a crash half-way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}
#: What a step that was stored before asks for.
_OLD_MEMORY_BYTES = 2 << 30


def upgrade() -> None:
    """Add the columns and tables, and put what is queued into its lanes."""
    _make_tables()
    _add("jobs", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    _add("jobs", sa.Column("turn", NUMBER, nullable=False, server_default="-1"))
    _add("jobs", sa.Column("superseded_by", sa.String(36), nullable=True))
    _add("steps", sa.Column("cpu", sa.Double(), nullable=False, server_default="1"))
    _add("steps", sa.Column("memory_bytes", sa.BigInteger(), nullable=False, server_default=str(_OLD_MEMORY_BYTES)))
    _add("steps", sa.Column("retry", TEXT, nullable=True))
    _add("steps", sa.Column("cancel_requested", TIME, nullable=True))
    _add("steps", sa.Column("turn", NUMBER, nullable=False, server_default="0"))
    _add("steps", sa.Column("queue_lane", sa.String(270), nullable=True))
    _add("engines", sa.Column("capacity", TEXT, nullable=False, server_default="{}"))
    if op.get_bind().dialect.name == "mysql":
        op.alter_column("steps", "queue_rank", type_=sa.BigInteger(), existing_type=sa.Integer(), nullable=True)
    _fill_lanes()
    op.drop_index("ix_steps_queue", "steps", if_exists=True)
    _index("ix_steps_queue", "steps", "executor", "queue_lane", "queue_rank", "id")
    _index("ix_steps_not_before", "steps", "not_before")
    _index("ix_jobs_slot", "jobs", "owner", "slot", "state", "created", "id")


def _make_tables() -> None:
    op.create_table(
        "turns",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("served", NUMBER, nullable=False),
        sa.Column("turn", NUMBER, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "slots",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_slots_job", "slots", "job_id")


def _fill_lanes() -> None:
    steps = sa.table("steps", *(sa.column(name) for name in ("job_id", "module", "queue_rank", "queue_lane")))
    jobs = sa.table("jobs", sa.column("id"), sa.column("owner", sa.String))
    lane = sa.select(jobs.c.owner + "\n" + steps.c.module).where(jobs.c.id == steps.c.job_id).scalar_subquery()
    op.execute(steps.update().where(steps.c.queue_rank.is_not(None)).values(queue_lane=lane))


def _add(table: str, column: sa.Column) -> None:  # type: ignore[type-arg]
    there = {found["name"] for found in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name not in there:
        op.add_column(table, column)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)
