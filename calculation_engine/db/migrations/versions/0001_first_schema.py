"""The first schema.

MariaDB commits after each statement, so each is written to be run again after a crash half-way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}


def upgrade() -> None:
    """Make all tables."""
    _make_jobs()
    _make_steps()
    _make_parts_of_steps()
    _make_others()


def _make_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),
        sa.Column("slot", sa.String(200), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("fraction", sa.Double(), nullable=True),
        sa.Column("created", TIME, nullable=False),
        sa.Column("started", TIME, nullable=True),
        sa.Column("ended", TIME, nullable=True),
        sa.Column("cancel_requested", TIME, nullable=True),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("due", TIME, nullable=True),
        sa.Column("workflow", TEXT, nullable=False),
        sa.Column("loops", TEXT, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_jobs_created", "jobs", "created", "id")
    _index("ix_jobs_due", "jobs", "due", "id")
    _index("ix_jobs_name", "jobs", "name", "id")
    _index("ix_jobs_owner_created", "jobs", "owner", "created", "id")
    _index("ix_jobs_owner_name", "jobs", "owner", "name", "id")
    _index("ix_jobs_owner_state_created", "jobs", "owner", "state", "created", "id")
    _index("ix_jobs_state_created", "jobs", "state", "created", "id")
    op.create_table(
        "deleted_jobs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("deleted", TIME, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    op.create_table(
        "job_labels",
        sa.Column("name", sa.String(110), primary_key=True),
        sa.Column("value", sa.String(100), primary_key=True),
        sa.Column("created", TIME, primary_key=True),
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_job_labels_job", "job_labels", "job_id")


def _make_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("process", sa.String(64), nullable=False),
        sa.Column("module", sa.String(64), nullable=False),
        sa.Column("module_version", sa.String(100), nullable=True),
        sa.Column("executor", sa.String(64), nullable=False),
        sa.Column("config", TEXT, nullable=False),
        sa.Column("files", TEXT, nullable=False),
        sa.Column("resources", TEXT, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("fraction", sa.Double(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(500), nullable=True),
        sa.Column("host", sa.String(255), nullable=True),
        sa.Column("key", sa.String(64), nullable=True),
        sa.Column("spec", TEXT, nullable=True),
        sa.Column("reused_from", sa.String(36), nullable=True),
        sa.Column("verdict", TEXT, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cpu_seconds", sa.Double(), nullable=True),
        sa.Column("peak_memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("image", sa.String(500), nullable=True),
        sa.Column("queued", TIME, nullable=False),
        sa.Column("started", TIME, nullable=True),
        sa.Column("ended", TIME, nullable=True),
        sa.Column("lease_owner", sa.String(200), nullable=True),
        sa.Column("lease_token", sa.String(36), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("queue_rank", sa.Integer(), nullable=True),
        sa.Column("not_before", TIME, nullable=True),
        sa.Column("waits_for", sa.String(64), nullable=True),
        sa.UniqueConstraint("job_id", "path", name="uq_steps_job_path"),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_steps_key", "steps", "key", "state", "id")
    _index("ix_steps_lease_owner", "steps", "lease_owner")
    _index("ix_steps_lease_until", "steps", "lease_until")
    _index("ix_steps_queue", "steps", "executor", "queue_rank", "id")
    _index("ix_steps_waits_for", "steps", "waits_for")


def _make_parts_of_steps() -> None:
    op.create_table(
        "step_files",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("step_id", sa.String(36), sa.ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_step_files_step", "step_files", "step_id")
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("process", sa.String(200), primary_key=True),
        sa.Column("path", sa.String(500), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_job_files_sha256", "job_files", "sha256")
    op.create_table(
        "key_holders",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("step_id", sa.String(36), sa.ForeignKey("steps.id", ondelete="CASCADE"), nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_key_holders_step", "key_holders", "step_id")
    op.create_table(
        "attempts",
        sa.Column("step_id", sa.String(36), sa.ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("executor", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=True),
        sa.Column("handle", sa.String(500), nullable=True),
        sa.Column("image", sa.String(500), nullable=True),
        sa.Column("begun", TIME, nullable=False),
        sa.Column("ended", TIME, nullable=True),
        sa.Column("state", sa.String(32), nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_attempts_ended", "attempts", "ended")
    op.create_table(
        "outputs",
        sa.Column("step_id", sa.String(36), sa.ForeignKey("steps.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.String(500), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(100), nullable=True),
        sa.Column("media_type", sa.String(255), nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_outputs_sha256", "outputs", "sha256")


def _make_others() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("created", TIME, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_uploads_created", "uploads", "created", "id")
    _index("ix_uploads_owner_created", "uploads", "owner", "created", "id")
    _index("ix_uploads_sha256", "uploads", "sha256")
    op.create_table(
        "events",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("time", TIME, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", TEXT, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )
    _index("ix_events_job", "events", "job_id", "id")
    op.create_table(
        "engines",
        sa.Column("owner", sa.String(200), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("executors", TEXT, nullable=False),
        sa.Column("started", TIME, nullable=False),
        sa.Column("seen", TIME, nullable=False),
        if_not_exists=True,
        **OPTIONS,
    )


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(name, table, list(columns), if_not_exists=True)
