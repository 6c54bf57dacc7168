"""What all tables share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    MetaData,
)

metadata = MetaData()


#: "nopad": in MariaDB's other collations "a" and "a " are equal, and two outputs may be named so.
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_nopad_bin",
    "mysql_row_format": "DYNAMIC",
}


#: SQLite's integers have 64 bits whatever they are called.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")
