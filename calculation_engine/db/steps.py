"""Steps: claimed under a lease, joined by key, attempted, ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, union

from calculation_engine.db import attempting, claiming, joining
from calculation_engine.db.reading import load_steps
from calculation_engine.db.rows import (
    AttemptRow,
    Claim,
    Joined,
    JoinMode,
    NewRun,
    OutputFile,
    Requeue,
    Room,
    StepEnd,
    StepRow,
    attempt_id,
    names_of,
)
from calculation_engine.db.session import Sessions, Transaction
from calculation_engine.db.tables import attempts, job_files, outputs, step_files, steps, uploads
from calculation_engine.errors import NotFound
from calculation_engine.states import Reason

_HASHES_AT_ONCE = 500
_OUTPUT = [outputs.c[name] for name in names_of(OutputFile)]


class Steps:
    """The steps of the database. Every method is one transaction.

    A step that an engine works on is leased to it: by ``owner``, until a time by the database's clock, under a token
    that no other lease has. A method that takes a token writes only while that lease stands; otherwise it raises
    :class:`~calculation_engine.errors.Stale`, nothing is written, and the step is somebody else's or has ended.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def of_job(self, job_id: str) -> list[StepRow]:
        """Return a job's steps in the order in which they were queued."""
        return self._sessions.read(lambda tx: load_steps(tx, steps.c.job_id == job_id))

    def to_plan(self, job_id: str) -> list[StepRow]:
        """Return those of a job's steps that planning looks at: all but those of a sweep's ended rows."""
        return self._sessions.read(lambda tx: load_steps(tx, (steps.c.job_id == job_id) & (steps.c.settled == 0)))

    def get(self, step_id: str) -> StepRow:
        """Return a step.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._sessions.read(lambda tx: load_steps(tx, steps.c.id == step_id))
        if not found:
            raise NotFound(f"there is no step {step_id}")
        return found[0]

    def outputs(self, job_id: str) -> list[OutputFile]:
        """Return the outputs of all steps of a job, by step and path."""
        query = select(*_OUTPUT).join(steps, steps.c.id == outputs.c.step_id).where(steps.c.job_id == job_id)
        return self._outputs(query)

    def outputs_of(self, step_id: str) -> list[OutputFile]:
        """Return the outputs of a step, by path; a reused step has those of the step it was reused from."""
        return self._outputs(select(*_OUTPUT).where(outputs.c.step_id == step_id))

    def _outputs(self, query: Any) -> list[OutputFile]:
        ordered = query.order_by(outputs.c.step_id, outputs.c.path)
        return self._sessions.read(lambda tx: [OutputFile(**row._mapping) for row in tx.run(ordered)])

    def attempts(self, step_id: str) -> list[AttemptRow]:
        """Return a step's attempts, first to last."""
        query = select(*(attempts.c[name] for name in names_of(AttemptRow)))
        query = query.where(attempts.c.step_id == step_id).order_by(attempts.c.number)
        return self._sessions.read(lambda tx: [AttemptRow(**row._mapping) for row in tx.run(query)])

    def attempts_of_job(
        self, job_id: str, path: str | None, after: tuple[str, int], limit: int
    ) -> list[tuple[str, AttemptRow]]:
        """Return up to ``limit`` attempts of a job's steps, each with its step's path: by step, first to last.

        Args:
            path: of the one step that is meant; None: all.
            after: id of the step and number of the attempt behind which they begin.
        """
        step_id, number = after
        behind = or_(attempts.c.step_id > step_id, (attempts.c.step_id == step_id) & (attempts.c.number > number))
        query = select(steps.c.path, *(attempts.c[name] for name in names_of(AttemptRow)))
        query = query.join(steps, steps.c.id == attempts.c.step_id).where(steps.c.job_id == job_id, behind)
        if path is not None:
            query = query.where(steps.c.path == path)
        query = query.order_by(attempts.c.step_id, attempts.c.number).limit(limit)

        def read(tx: Transaction) -> list[tuple[str, AttemptRow]]:
            rows = [dict(row._mapping) for row in tx.run(query)]
            return [(row.pop("path"), AttemptRow(**row)) for row in rows]

        return self._sessions.read(read)

    def live_attempts(self) -> set[str]:
        """Return the names of all attempts that have not ended: what is left of any other can be removed."""
        query = select(attempts.c.step_id, attempts.c.number).where(attempts.c.ended.is_(None))
        return self._sessions.read(lambda tx: {attempt_id(row.step_id, row.number) for row in tx.run(query)})

    def uses_blob(self, hashes: Collection[str]) -> set[str]:
        """Return those of the sha256 ``hashes`` that an input or output of a step, a job, or an upload refers to.

        A file that is being stored now, for a row that is written next, is not among them: spare young files.
        """
        return self._sessions.read(lambda tx: _used(tx, sorted(hashes)))

    def existing(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that a step has."""
        query = select(steps.c.id).where(steps.c.id.in_(list(ids)))
        return self._sessions.read(lambda tx: set(tx.run(query).scalars()))

    def claim(self, owner: str, executors: Sequence[str], limit: int, lease_seconds: float) -> list[StepRow]:
        """Lease up to ``limit`` queued steps of these executors to ``owner`` and return them.

        Their state stays ``queued``. No step is given twice.
        """
        return self.claim_for(owner, executors, Room(limit), lease_seconds).steps

    def claim_for(
        self,
        owner: str,
        executors: Sequence[str],
        room: Room,
        lease_seconds: float,
        module_limits: Mapping[str, int] | None = None,
        only: str | None = None,
    ) -> Claim:
        """Lease to ``owner`` the steps whose turn it is and for which there is room.

        Larger priorities go first. Among equal ones it is the turn of whose running steps use the fewest cores, then of
        whom was served longest ago; among the jobs of one owner turns alternate.

        Args:
            owner: the engine.
            executors: that it has.
            room: what it can still take.
            lease_seconds: for how long.
            module_limits: how many steps of a module may be leased at once, by all engines together.
            only: claim this step and no other.
        """
        return claiming.claim(self._sessions, owner, executors, room, lease_seconds, module_limits or {}, only)

    def heartbeat(self, owner: str, lease_seconds: float) -> dict[str, bool]:
        """Prolong all leases of ``owner``, also those that ran out and nobody took over.

        Returns:
            For each step that it holds, whether the job's end was asked for. A step that is absent was taken over.
        """
        return self._sessions.write(lambda tx: claiming.heartbeat(tx, owner, lease_seconds), flush=False)

    def owners(self) -> set[str]:
        """Return who holds leases, run out or not."""
        return self._sessions.read(claiming.owners)

    def leased(self, owner: str) -> list[StepRow]:
        """Return the steps that ``owner`` holds; one that it does not know of was leased as the database went away."""
        return self._sessions.read(lambda tx: claiming.leased(tx, owner))

    def leave(self, owner: str) -> None:
        """Let all leases of ``owner`` run out now: another engine takes its steps over as they are.

        For an engine that stops in good order, after its last heartbeat.
        """
        self._sessions.write(lambda tx: claiming.leave(tx, owner), flush=False)

    def take_over(
        self,
        owner: str,
        places: Mapping[str, str],
        lease_seconds: float,
        dead_owners: Collection[str] = (),
        gone_places: Collection[str] = (),
    ) -> list[StepRow]:
        """Lease to ``owner`` the steps whose lease ran out by the database's clock, or whose owner is known to be dead.

        Args:
            owner: who takes them; never one of its own.
            places: the executors that ``owner`` has, and where what they start can be found again. A step that was
                begun in another place is left to the engines that reach it.
            lease_seconds: as in :meth:`claim`.
            dead_owners: owners that are known to be dead although their leases stand.
            gone_places: places that never come back; what was begun there is given over as well, to be counted lost.

        Returns:
            The steps as they were left: queued, or running with the handle to attach to.
        """
        return claiming.take_over(self._sessions, owner, places, lease_seconds, dead_owners, gone_places)

    def join(self, step_id: str, token: str, key: str, mode: JoinMode = JoinMode.REUSE) -> Joined:
        """Ask for the right to compute ``key``, so that nothing is computed twice.

        Returns:
            ``Own``: this step computes it, and holds the key while it is leased, until it ends, is requeued or
            released. ``Reused``: that step has the result; nothing was written, go on with :meth:`reuse`. ``Waits``:
            that step computes it now; this one is no longer leased, and is claimable again when that one lets go.
        """
        return self._sessions.write(lambda tx: joining.join(tx, step_id, token, key, mode), flush=False)

    def reuse(self, step_id: str, token: str, from_step: str, scalars: dict[str, float | None] | None = None) -> None:
        """End a queued step as succeeded with the outputs, verdict and exit code of ``from_step``.

        Args:
            step_id, token: the step and its lease.
            from_step: whose result it takes.
            scalars: the numbers that the module's manifest names, as they stand in these outputs.

        Raises:
            NotFound: ``from_step`` was deleted since, or is no success with this step's key: join again.
        """
        self._sessions.write(lambda tx: joining.reuse(tx, step_id, token, from_step, scalars), flush=False)

    def begin(
        self,
        step_id: str,
        token: str,
        *,
        attempt_increment: bool,
        spec: dict[str, Any] | None,
        key: str | None,
        module_version: str | None,
        host: str,
        image: str | None,
        run: NewRun | None = None,
    ) -> StepRow:
        """Note, before anything is started, that an attempt begins on ``host``; return the step with its number.

        Without ``attempt_increment`` the attempt that an engine before this one had begun, and that has not ended, goes
        on; where there is none, a new one begins all the same. Why the step is computed is what ``run`` of its first
        attempt says.
        """
        values = {"spec": spec, "key": key, "module_version": module_version, "host": host, "image": image}
        return self._sessions.write(
            lambda tx: attempting.begin(tx, step_id, token, attempt_increment, values, run), flush=False
        )

    def started(self, step_id: str, token: str, handle: str, host: str, image: str | None = None) -> None:
        """Note that the attempt runs as ``handle``; the first of a job's steps starts the job. Idempotent."""
        self._sessions.write(lambda tx: attempting.started(tx, step_id, token, handle, host, image), flush=False)

    def progress(self, step_id: str, token: str, fraction: float | None, message: str) -> None:
        """Store how far a step is, or what is made ready for it; written as an event every time."""
        self._sessions.write(lambda tx: attempting.progress(tx, step_id, token, fraction, message), flush=False)

    def end(self, step_id: str, token: str, end: StepEnd) -> None:
        """Store a step's end with its outputs; its job is due, its lease and key are given up."""
        self._sessions.write(lambda tx: attempting.end(tx, step_id, token, end), flush=False)

    def requeue(
        self,
        step_id: str,
        token: str,
        reason: Reason,
        message: str,
        delay_seconds: float = 0.0,
        memory_bytes: int | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Give a step back whose attempt failed; it is claimable after the delay, or cancelled with its job.

        Args:
            step_id: the step.
            token: of its lease.
            reason: why the attempt failed; kept with it.
            message: the same in words.
            delay_seconds: before it can be claimed.
            memory_bytes: that it asks for from now on; None: as before.
            exit_code: of the attempt.
        """
        again = Requeue(reason, message, delay_seconds, memory_bytes, exit_code)
        self._sessions.write(lambda tx: attempting.requeue(tx, step_id, token, again), flush=False)

    def release(self, step_id: str, token: str, delay_seconds: float = 0.0, message: str = "") -> None:
        """Give a queued step back of which nothing was started; an attempt that had begun does not count."""
        self._sessions.write(lambda tx: attempting.release(tx, step_id, token, delay_seconds, message), flush=False)


def _used(tx: Transaction, hashes: Sequence[str]) -> set[str]:
    used: set[str] = set()
    for start in range(0, len(hashes), _HASHES_AT_ONCE):
        part = hashes[start : start + _HASHES_AT_ONCE]
        columns = (step_files.c.sha256, job_files.c.sha256, outputs.c.sha256, uploads.c.sha256)
        used.update(tx.run(union(*(select(column).where(column.in_(part)) for column in columns))).scalars())
    return used
