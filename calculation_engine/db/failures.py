"""Which of the databases' many errors mean: begin again, or: it cannot be reached."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import exc

from calculation_engine.errors import DatabaseUnavailable

#: https://mariadb.com/kb/en/mariadb-error-code-reference/ - deadlock, lock wait timeout, record has changed.
_MARIADB_TRANSIENT = frozenset({1213, 1205, 1020})
_SQLITE_TRANSIENT = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_HINTS = {
    1044: "the user of the database URL has no rights on that database",
    1045: "check user and password of the database URL",
    1049: "create the database first: CREATE DATABASE name CHARACTER SET utf8mb4",
    1146: "its tables are missing: run `ce admin migrate`, or restart the server",
}


def is_transient(error: exc.DBAPIError) -> bool:
    """Whether the same transaction, begun again, is expected to succeed."""
    code = _code(error)
    return code in (_SQLITE_TRANSIENT if isinstance(error.orig, sqlite3.Error) else _MARIADB_TRANSIENT)


def is_statement_at_fault(error: exc.DBAPIError) -> bool:
    """Whether a constraint, a value or the statement itself was refused: a defect of ours, not of the database."""
    if isinstance(error, exc.ProgrammingError):
        return _code(error) not in _HINTS
    return isinstance(error, exc.IntegrityError | exc.DataError)


def unavailable(error: exc.DBAPIError, place: str) -> DatabaseUnavailable:
    """Return what to raise for ``error``: what the driver said, and what can be done."""
    return DatabaseUnavailable(f"database {place}: {_sentence(error.orig)}", hint=_HINTS.get(_code(error) or 0))


def _code(error: exc.DBAPIError) -> int | None:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return None if code is None else code & 0xFF  # the extended code's low byte is the primary code
    first: Any = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return first if isinstance(first, int) else None


def _sentence(error: BaseException | None) -> str:
    words = [str(part) for part in error.args if isinstance(part, str) and part] if error is not None else []
    return words[-1] if words else "the connection was lost"
