"""Runs migrations on the connection, and in the transaction, that :mod:`calculation_engine.db.migrate` hands over."""

from __future__ import annotations

from alembic import context

from calculation_engine.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
