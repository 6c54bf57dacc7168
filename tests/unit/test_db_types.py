"""What the database's column types refuse, and how its errors are told apart."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pymysql
import pytest
from sqlalchemy import exc
from sqlalchemy.dialects.sqlite import dialect

from calculation_engine.db.failures import is_statement_at_fault, is_transient, unavailable
from calculation_engine.db.types import Json, UtcTime, Word
from calculation_engine.states import State

SQLITE = dialect()


def test_time_is_stored_in_utc_and_comes_back_aware() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    stored = UtcTime().process_bind_param(noon, SQLITE)

    assert stored == datetime(2026, 1, 1, 10)  # noqa: DTZ001 - the database's form has no zone
    assert UtcTime().process_result_value(stored, SQLITE) == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), SQLITE)  # noqa: DTZ001 - what is refused


@pytest.mark.parametrize("value", [float("nan"), {"x": [float("inf")]}])
def test_number_that_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        Json().process_bind_param(value, SQLITE)


def test_word_that_an_enumeration_lacks_is_refused() -> None:
    assert Word(State).process_bind_param("failed", SQLITE) == "failed"
    with pytest.raises(ValueError, match="lost"):
        Word(State).process_bind_param("lost", SQLITE)


def sqlite_error(code: int) -> sqlite3.OperationalError:
    """Return an error as the driver raises it."""
    error = sqlite3.OperationalError("a message")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("wrapped", "original", "transient", "at_fault"),
    [
        (exc.OperationalError, sqlite_error(sqlite3.SQLITE_BUSY), True, False),
        (exc.OperationalError, sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), True, False),
        (exc.OperationalError, sqlite_error(sqlite3.SQLITE_FULL), False, False),
        (exc.IntegrityError, sqlite3.IntegrityError("UNIQUE constraint failed"), False, True),
        (exc.OperationalError, pymysql.err.OperationalError(1213, "Deadlock found"), True, False),
        (exc.OperationalError, pymysql.err.OperationalError(1205, "Lock wait timeout"), True, False),
        (exc.OperationalError, pymysql.err.OperationalError(2013, "Lost connection"), False, False),
        (exc.InterfaceError, pymysql.err.InterfaceError(0, ""), False, False),
        (exc.ProgrammingError, pymysql.err.ProgrammingError(1146, "no such table"), False, False),
        (exc.ProgrammingError, pymysql.err.ProgrammingError(1064, "syntax"), False, True),
        (exc.DataError, pymysql.err.DataError(1406, "Data too long"), False, True),
    ],
)
def test_errors_are_told_apart(wrapped: Any, original: Exception, transient: bool, at_fault: bool) -> None:
    error = wrapped("SELECT 1", {}, original)

    assert (is_transient(error), is_statement_at_fault(error)) == (transient, at_fault)
    assert str(unavailable(error, "sqlite:///x")).startswith("database sqlite:///x: ")
