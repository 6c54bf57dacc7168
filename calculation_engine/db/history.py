"""What was computed before, from what, and why: the memory behind every answer to "why"."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from calculation_engine.db.reading import load_steps
from calculation_engine.db.rows import NewRun, RunRow, StepRow, StoredResult, names_of
from calculation_engine.db.session import Again, Sessions, Transaction
from calculation_engine.db.tables import deleted_keys, jobs, module_contents, outputs, runs, steps
from calculation_engine.schemas.files import SWEEP_MODULE, Blob
from calculation_engine.states import State

_RUN = [runs.c[name] for name in names_of(RunRow)]


class History:
    """The runs of the database. Every method is one transaction that reads a bounded number of rows."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def runs(self, step_ids: Collection[str]) -> dict[str, RunRow]:
        """Return the runs of these steps by step; a step that was not computed has none."""
        query = select(*_RUN).where(runs.c.step_id.in_(list(step_ids)))
        return self._sessions.read(lambda tx: {row.step_id: RunRow(**row._mapping) for row in tx.run(query)})

    def steps(self, step_ids: Collection[str]) -> dict[str, StepRow]:
        """Return those of the steps that there are, by id."""
        found = self._sessions.read(lambda tx: load_steps(tx, steps.c.id.in_(list(step_ids))))
        return {step.id: step for step in found}

    def page(self, job_id: str, after: str, limit: int) -> list[StepRow]:
        """Return up to ``limit`` steps of a job behind the id ``after``, in the order in which they were queued.

        What only keeps the table of a sweep is left out: nothing ran there.
        """
        wanted = (steps.c.job_id == job_id) & (steps.c.id > after) & (steps.c.module != SWEEP_MODULE)
        query = select(steps.c.id).where(wanted).order_by(steps.c.id).limit(limit)

        def read(tx: Transaction) -> list[StepRow]:
            ids = list(tx.run(query).scalars())
            return load_steps(tx, steps.c.id.in_(ids)) if ids else []

        return self._sessions.read(read)

    def earlier(self, step: StepRow, owner: str, limit: int) -> list[str]:
        """Return the last steps before this one that were computed of the same module, for the same owner.

        Those that stood at the same path, where there are any; else those at any path.
        """
        place = place_of(owner, step.module, step.path)
        queries = [
            select(runs.c.step_id).where(runs.c.place == place, runs.c.step_id < step.id),
            select(runs.c.step_id).where(runs.c.owner == owner, runs.c.module == step.module, runs.c.step_id < step.id),
        ]

        def read(tx: Transaction) -> list[str]:
            for query in queries:
                found = list(tx.run(query.order_by(runs.c.step_id.desc()).limit(limit)).scalars())
                if found:
                    return found
            return []

        return self._sessions.read(read)

    def jobs_of(self, step_ids: Collection[str]) -> dict[str, tuple[str, str, str]]:
        """Return id, name and owner of the jobs that these steps belong to, by step."""
        columns = (steps.c.id.label("step"), jobs.c.id, jobs.c.name, jobs.c.owner)
        query = select(*columns).join(jobs, jobs.c.id == steps.c.job_id).where(steps.c.id.in_(list(step_ids)))
        return self._sessions.read(lambda tx: {row.step: (row.id, row.name, row.owner) for row in tx.run(query)})

    def deleted(self, key: str) -> tuple[str, datetime] | None:
        """Return the job with which the last result of a key was deleted, and when; None when none was."""
        query = select(deleted_keys.c.job_id, deleted_keys.c.deleted).where(deleted_keys.c.key == key)
        row = self._sessions.read(lambda tx: tx.run(query).one_or_none())
        return None if row is None else (row.job_id, row.deleted)

    def step_at(self, job_id: str, path: str) -> StepRow | None:
        """Return the step of a job at a path, or None."""
        condition = (steps.c.job_id == job_id) & (steps.c.path == path)
        return next(iter(self._sessions.read(lambda tx: load_steps(tx, condition))), None)

    def stored_result(self, key: str, owner: str, but: str) -> str | None:
        """Return the first step, ``but`` aside, that has the result of a key and that the owner may take; or None."""
        return self._sessions.read(lambda tx: stored_result(tx, key, owner, but))

    def stored_results(self, keys: Collection[str], owner: str) -> dict[str, StoredResult]:
        """Return the result of each of these keys that has one which the owner may take."""
        return self._sessions.read(lambda tx: _stored_results(tx, keys, owner))

    def content(self, content_hash: str) -> dict[str, str] | None:
        """Return the files, path to sha256, that a module's content hash stands for; None where it is not known."""
        query = select(module_contents.c.files).where(module_contents.c.content_hash == content_hash)
        return self._sessions.read(lambda tx: tx.run(query).scalar())

    def note_content(self, content_hash: str, files: dict[str, str]) -> None:
        """Keep which files a module's content hash stands for. Idempotent."""
        if self.content(content_hash) is None:
            self._sessions.write(lambda tx: _note_content(tx, content_hash, files), flush=False)

    def note_verification(self, step_id: str, report: dict[str, Any]) -> None:
        """Keep how a run's result compares with the stored one."""
        statement = update(runs).where(runs.c.step_id == step_id).values(verification=report)
        self._sessions.write(lambda tx: tx.run(statement), flush=False)


def stored_result(tx: Transaction, key: str, owner: str, but: str = "") -> str | None:
    """Return the first step that has the result of a key, ``but`` aside.

    What was brought here from another machine was not computed here: it is taken by whoever brought it alone.
    """
    mine = or_(jobs.c.imported.is_(None), jobs.c.owner == owner)
    same = select(steps.c.id).join(jobs, jobs.c.id == steps.c.job_id)
    same = same.where(steps.c.key == key, steps.c.state == State.SUCCEEDED, steps.c.id != but, mine)
    return tx.run(same.order_by(steps.c.id).limit(1)).scalar()


def _stored_results(tx: Transaction, keys: Collection[str], owner: str) -> dict[str, StoredResult]:
    # The first of each key by the index alone; whose it is, is asked of these few.
    least = select(func.min(steps.c.id)).where(steps.c.key.in_(sorted(keys)), steps.c.state == State.SUCCEEDED)
    ids = list(tx.run(least.group_by(steps.c.key)).scalars())
    found = _results(tx, ids, owner)
    if len(found) < len(ids):
        known = set(tx.run(select(steps.c.key).where(steps.c.id.in_(ids))).scalars()) - found.keys()
        found |= _results(tx, [mine for key in known if (mine := stored_result(tx, key, owner)) is not None], owner)
    return found


def _results(tx: Transaction, ids: Sequence[str], owner: str) -> dict[str, StoredResult]:
    """Return what these steps have left, by their key, as far as the owner may take it."""
    files: dict[str, list[Blob]] = {step_id: [] for step_id in ids}
    contents = select(outputs.c.step_id, outputs.c.sha256, outputs.c.size).where(outputs.c.step_id.in_(ids))
    for row in tx.run(contents):
        files[row.step_id].append(Blob.model_construct(sha256=row.sha256, size=row.size))
    mine = or_(jobs.c.imported.is_(None), jobs.c.owner == owner)
    query = select(steps.c.id, steps.c.key, steps.c.scalars).join(jobs, jobs.c.id == steps.c.job_id)
    rows = tx.run(query.where(steps.c.id.in_(ids), mine))
    return {row.key: StoredResult(row.id, row.scalars, files[row.id]) for row in rows}


def place_of(owner: str, module: str, path: str) -> str:
    """Return what stands for owner, module and path in an index."""
    return hashlib.sha256(f"{owner}\0{module}\0{path}".encode()).hexdigest()


def note_run(tx: Transaction, step_id: str, run: NewRun) -> None:
    """Keep what a step is computed from; a later attempt changes nothing of it."""
    if tx.run(select(runs.c.step_id).where(runs.c.step_id == step_id)).first() is not None:
        return
    query = select(jobs.c.owner, steps.c.module, steps.c.path)
    of = tx.run(query.join(jobs, jobs.c.id == steps.c.job_id).where(steps.c.id == step_id)).one()
    values = {name: getattr(run, name) for name in names_of(NewRun)}
    place = place_of(of.owner, of.module, of.path)
    tx.run(insert(runs).values(step_id=step_id, owner=of.owner, module=of.module, place=place, **values))


def note_deleted(tx: Transaction, job_id: str) -> None:
    """Keep which results go with a job."""
    keys = _computed_keys(tx, job_id)
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        known = set(tx.run(select(deleted_keys.c.key).where(deleted_keys.c.key.in_(part))).scalars())
        told = {"job_id": job_id, "deleted": tx.now}
        tx.run(update(deleted_keys).where(deleted_keys.c.key.in_(known)).values(**told))
        rows = [{"key": key, **told} for key in part if key not in known]
        try:
            if rows:
                tx.run(insert(deleted_keys), rows)
        except IntegrityError as error:
            raise Again from error


def _computed_keys(tx: Transaction, job_id: str) -> Sequence[str]:
    query = select(steps.c.key).where(
        steps.c.job_id == job_id, steps.c.state == State.SUCCEEDED, steps.c.key.is_not(None)
    )
    return sorted(set(tx.run(query).scalars()))


def _note_content(tx: Transaction, content_hash: str, files: dict[str, str]) -> None:
    try:
        tx.run(insert(module_contents).values(content_hash=content_hash, files=files))
    except IntegrityError as error:
        if tx.run(select(module_contents.c.content_hash).where(module_contents.c.content_hash == content_hash)).first():
            return
        raise Again from error
