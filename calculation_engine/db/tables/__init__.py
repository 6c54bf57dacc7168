"""Every table. A change here needs a migration; a test compares the two on both databases."""

from __future__ import annotations

from calculation_engine.db.tables.base import OPTIONS, BigNumber, metadata
from calculation_engine.db.tables.history import deleted_keys, module_contents, runs
from calculation_engine.db.tables.jobs import deleted_jobs, events, job_files, job_labels, jobs, slots
from calculation_engine.db.tables.queue import engines, key_holders, turns
from calculation_engine.db.tables.steps import attempts, outputs, step_files, steps
from calculation_engine.db.tables.sweeps import sweep_rows
from calculation_engine.db.tables.uploads import uploads

__all__ = [
    "OPTIONS",
    "BigNumber",
    "attempts",
    "deleted_jobs",
    "deleted_keys",
    "engines",
    "events",
    "job_files",
    "job_labels",
    "jobs",
    "key_holders",
    "metadata",
    "module_contents",
    "outputs",
    "runs",
    "slots",
    "step_files",
    "steps",
    "sweep_rows",
    "turns",
    "uploads",
]
