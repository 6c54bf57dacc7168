"""Uploads: files that users sent, until jobs use them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, insert, or_, select

from calculation_engine.db.rows import NewUpload, UploadRow, names_of
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import job_files, step_files, uploads
from calculation_engine.errors import InvalidInput, NotFound

_COLUMNS = [uploads.c[name] for name in names_of(UploadRow)]


class Uploads:
    """The uploads of the database. Every method is one transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def create(self, new: NewUpload) -> UploadRow:
        """Store an upload, whose content is in the store already."""
        return self._sessions.write(lambda tx: _create(tx, new))

    def get(self, upload_id: str) -> UploadRow:
        """Return an upload.

        Raises:
            NotFound: there is none of that id.
        """
        return self._sessions.read(lambda tx: _get(tx, upload_id))

    def find(self, owner: str | None, limit: int = 50, after: str | None = None) -> tuple[list[UploadRow], str | None]:
        """Return one page of uploads, latest first, and the cursor of the next page or None.

        Args:
            owner: whose; None: everybody's.
            limit: uploads of a page.
            after: cursor that the page before gave.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        query = select(*_COLUMNS)
        if owner is not None:
            query = query.where(uploads.c.owner == owner)
        if after is not None:
            created, last_id = _read_cursor(after)
            earlier = or_(uploads.c.created < created, uploads.c.id < last_id)
            query = query.where(and_(uploads.c.created <= created, earlier))
        query = query.order_by(uploads.c.created.desc(), uploads.c.id.desc()).limit(limit + 1)
        rows = self._sessions.read(lambda tx: [UploadRow(**row._mapping) for row in tx.run(query)])
        more = len(rows) > limit
        return rows[:limit], f"{rows[limit - 1].created.isoformat()}_{rows[limit - 1].id}" if more else None

    def delete(self, upload_id: str) -> None:
        """Delete an upload; jobs that were given it keep their files.

        Raises:
            NotFound: there is none of that id.
        """
        self._sessions.write(lambda tx: _delete(tx, upload_id))

    def expired(self, days: float, limit: int = 1000) -> list[UploadRow]:
        """Return uploads older than so many days whose content is no input of a stored job, oldest first."""
        used = or_(
            exists().where(step_files.c.sha256 == uploads.c.sha256),
            exists().where(job_files.c.sha256 == uploads.c.sha256),
        )

        def query(tx: Transaction) -> list[UploadRow]:
            old = select(*_COLUMNS).where(uploads.c.created < tx.now - timedelta(days=days), ~used)
            return [UploadRow(**row._mapping) for row in tx.run(old.order_by(uploads.c.created).limit(limit))]

        return self._sessions.read(query)


def _create(tx: Transaction, new: NewUpload) -> UploadRow:
    tx.run(insert(uploads).values(**{name: getattr(new, name) for name in names_of(NewUpload)}, created=tx.now))
    return _get(tx, new.id)


def _get(tx: Transaction, upload_id: str) -> UploadRow:
    row = tx.run(select(*_COLUMNS).where(uploads.c.id == upload_id)).one_or_none()
    if row is None:
        raise _absent(upload_id)
    return UploadRow(**row._mapping)


def _delete(tx: Transaction, upload_id: str) -> None:
    if tx.run(delete(uploads).where(uploads.c.id == upload_id)).rowcount == 0:
        raise _absent(upload_id)


def _absent(upload_id: str) -> NotFound:
    return NotFound(f"there is no upload {upload_id}", hint="uploads that no job uses are deleted after some days")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    created, _, last_id = cursor.partition("_")
    try:
        time = datetime.fromisoformat(created)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or not last_id:
        raise InvalidInput(f"after: not a cursor of a list of uploads, got {cursor!r}", hint="leave it out")
    return time, last_id
