"""Uploads in SQLite and MariaDB."""

import pytest
from sqlalchemy import update

from calculation_engine.db.database import Database
from calculation_engine.db.tables import uploads
from calculation_engine.errors import InvalidInput, NotFound
from calculation_engine.schemas.files import Blob
from tests.contract.database.cases import SHA, Maker


def test_upload_is_given_back_as_it_was(database: Database, make: Maker) -> None:
    upload = make.upload(name="Daten ü 🚲.zip", size=5 << 40, media_type="application/zip")

    assert database.uploads.get(upload.id) == upload
    assert (upload.name, upload.size, upload.sha256) == ("Daten ü 🚲.zip", 5 << 40, SHA)


def test_deleted_upload_is_not_found(database: Database, make: Maker) -> None:
    upload = make.upload()

    database.uploads.delete(upload.id)

    for ask in (database.uploads.get, database.uploads.delete):
        with pytest.raises(NotFound):
            ask(upload.id)


def test_pages_of_uploads_hold_each_once_latest_first(database: Database, make: Maker) -> None:
    mine = [make.upload().id for _ in range(5)]
    other = make.upload(owner="eve").id

    first, cursor = database.uploads.find("local", limit=3)
    second, end = database.uploads.find("local", limit=3, after=cursor)

    assert [upload.id for upload in first + second] == mine[::-1]
    assert end is None
    assert [upload.id for upload in database.uploads.find(None)[0]] == [other, *mine[::-1]]


@pytest.mark.parametrize("cursor", ["", "x", "2026-01-01T00:00:00_id", "_"])
def test_foreign_cursor_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        database.uploads.find("local", after=cursor)


def test_old_uploads_expire_unless_a_job_reads_them(database: Database, make: Maker) -> None:
    used, unused, later = (make.upload(sha256=sha256) for sha256 in (SHA, "b" * 64, "d" * 64))
    make.stored(make.step("a"), files={"second": {"data.txt": Blob(sha256="d" * 64, size=3)}})
    database.sessions.write(lambda tx: tx.run(update(uploads).values(created=tx.after(-8 * 86400))))
    make.upload(sha256="c" * 64)

    assert [upload.id for upload in database.uploads.expired(days=7)] == [unused.id]
    assert database.uploads.expired(days=9) == []
    assert not {used.id, later.id} & {upload.id for upload in database.uploads.expired(days=0)}
