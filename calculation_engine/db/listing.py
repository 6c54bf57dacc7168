"""Pages of jobs that stay fast however many jobs are stored: each is read from one index, beginning after a cursor."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from calculation_engine.db.rows import JobFilter, JobRow, names_of
from calculation_engine.db.session import Transaction
from calculation_engine.db.tables import job_labels, jobs
from calculation_engine.errors import InvalidInput
from calculation_engine.states import State

#: What jobs can be sorted by.
SORTS = ("created", "-created", "name", "-name")

_COLUMNS = [jobs.c[name] for name in names_of(JobRow) if name not in {"workflow", "loops", "origin"}]
_LAST_CHARACTER = "\U0010ffff"


def find_jobs(
    tx: Transaction, wanted: JobFilter, sort: str, limit: int, after: str | None
) -> tuple[list[JobRow], str | None]:
    """Return one page and the cursor of the next, or None; see :meth:`Jobs.find`."""
    if sort not in SORTS:
        raise InvalidInput(f"sort: expected one of {', '.join(SORTS)}, got {sort!r}")
    field, descending = sort.removeprefix("-"), sort.startswith("-")
    position = None if after is None else _read_cursor(after, sort)
    # One query a state: a list of states in one query would have to be sorted as a whole.
    states: list[State | None] = list(wanted.states) if 0 < len(wanted.states) < len(State) else [None]
    rows = [
        JobRow(**row._mapping)
        for state in states
        for row in tx.run(_page(wanted, state, field, descending, position).limit(limit + 1))
    ]
    key: Callable[[JobRow], tuple[Any, str]] = lambda row: (getattr(row, field), row.id)  # noqa: E731
    rows.sort(key=key, reverse=descending)
    cursor = write_cursor(sort, *key(rows[limit - 1])) if len(rows) > limit else None
    return rows[:limit], cursor


def _page(
    wanted: JobFilter, state: State | None, field: str, descending: bool, position: tuple[Any, str] | None
) -> Select[Any]:
    labels = _labels(wanted)
    query = select(*_COLUMNS)
    column: ColumnElement[Any] = jobs.c[field]
    created: ColumnElement[Any] = jobs.c.created
    job_id: ColumnElement[Any] = jobs.c.id
    if labels:
        # The labels have an index of their own that is in the order of creation.
        (name, value), *labels = labels
        query = query.join(job_labels, job_labels.c.job_id == jobs.c.id)
        query = query.where(job_labels.c.name == name, job_labels.c.value == value)
        created = job_labels.c.created
        if field == "created":
            column, job_id = created, job_labels.c.job_id
    query = query.where(*_conditions(wanted, state, created), *(_has_label(*label) for label in labels))
    if position is not None:
        query = query.where(_behind(column, job_id, position, descending))
    return query.order_by(*((column.desc(), job_id.desc()) if descending else (column, job_id)))


def _labels(wanted: JobFilter) -> list[tuple[str, str]]:
    # Rare ones first: slots and tags are rarer than modules.
    slot = [] if wanted.slot is None else [("slot", wanted.slot)]
    module = [] if wanted.module is None else [("module", wanted.module)]
    return slot + [(f"tag:{key}", value) for key, value in sorted(wanted.tags.items())] + module


def _has_label(name: str, value: str) -> ColumnElement[bool]:
    other = job_labels.alias()
    return exists().where(
        other.c.name == name, other.c.value == value, other.c.job_id == jobs.c.id, other.c.created == jobs.c.created
    )


def _conditions(wanted: JobFilter, state: State | None, created: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    conditions = []
    if wanted.owner is not None:
        conditions.append(jobs.c.owner == wanted.owner)
    if state is not None:
        conditions.append(jobs.c.state == state)
    if wanted.name_prefix:
        conditions.append(and_(jobs.c.name >= wanted.name_prefix, jobs.c.name < wanted.name_prefix + _LAST_CHARACTER))
    if wanted.created_after is not None:
        conditions.append(created >= wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(created < wanted.created_before)
    return conditions


def _behind(
    column: ColumnElement[Any], job_id: ColumnElement[Any], position: tuple[Any, str], descending: bool
) -> ColumnElement[bool]:
    # The first half alone is a range of the index; row values, (a, b) < (x, y), are none in MariaDB.
    value, last_id = position
    if descending:
        return and_(column <= value, or_(column < value, job_id < last_id))
    return and_(column >= value, or_(column > value, job_id > last_id))


def write_cursor(sort: str, value: Any, job_id: str) -> str:
    """Return the cursor of the page behind the job whose sorted field has that value."""
    text = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([sort, text, job_id]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: str) -> tuple[Any, str]:
    hint = "take the cursor of the page before, with the same sort, or leave it out for the first page"
    try:
        made_for, text, job_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        value = datetime.fromisoformat(text).astimezone(UTC) if sort.endswith("created") else str(text)
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"after: not a cursor of a list of jobs, got {cursor!r}", hint=hint) from error
    if made_for != sort:
        raise InvalidInput(f"after: the cursor belongs to a list sorted by {made_for}, not {sort}", hint=hint)
    return value, str(job_id)
