"""Column types that give Python's own values back: aware times, words of an enumeration, JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import DateTime, Dialect, String, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from calculation_engine.schemas.files import Blob

#: Text of any length; MariaDB's TEXT ends at 64 KiB.
LongText = Text().with_variant(mysql.LONGTEXT(), "mysql")

#: Before every stored time: ``column > EPOCH`` reads an index from behind its NULLs, which IS NOT NULL does not.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FILES = TypeAdapter(dict[str, Blob])


class UtcTime(TypeDecorator[datetime]):
    """A point in time: aware and UTC in Python, to the microsecond and without a zone in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MariaDB cuts fractions of a second off unless told otherwise."""
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write UTC; a time without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a time with its zone, got {value.isoformat()}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Word(TypeDecorator[Any]):
    """A member of an enumeration, stored as its word."""

    impl = String(32)
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write the word; a word that the enumeration does not have is refused."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Read the member."""
        return None if value is None else self.words(value)


class Json(TypeDecorator[Any]):
    """A JSON document."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write compact JSON; NaN and infinity are refused, as other readers cannot read them."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read the document."""
        return None if value is None else json.loads(value)


class Files(TypeDecorator[dict[str, Blob]]):
    """Files by path, as JSON."""

    impl = LongText
    cache_ok = True

    def process_bind_param(self, value: dict[str, Blob] | None, dialect: Dialect) -> str | None:
        """Write the files."""
        return None if value is None else _FILES.dump_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Blob] | None:
        """Read the files."""
        return None if value is None else _FILES.validate_json(value)
