"""What is kept and for how long, and what is refused when the disk is nearly full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calculation_engine.engine.explaining.usage import measure
from calculation_engine.engine.running.leftovers import Cleaner
from calculation_engine.engine.steps.paths import step_log
from calculation_engine.errors import DatabaseUnavailable, StorageFull
from calculation_engine.schemas.files import Blob
from calculation_engine.states import State
from calculation_engine.store import Room, Store
from tests.integration.conftest import System, make_parts

#: URL of the database; none for SQLite in the data folder.
BACKENDS = ["sqlite", pytest.param("mariadb", marks=pytest.mark.needs("mariadb"))]


@pytest.fixture(params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    """A running system on a database of each kind."""
    url = request.getfixturevalue("mariadb_url") if request.param == "mariadb" else None
    parts = make_parts(tmp_path / "data", **({"database": url} if url else {}))
    system = System(parts, parts.engine())
    system.engine.start()
    yield system
    system.engine.stop()
    parts.close()


def grow_old(folder: Path, hours: float = 2) -> None:
    """Let all files of a folder have been stored a while ago."""
    for file in folder.rglob("*"):
        if file.is_file():
            then = file.stat().st_mtime - 3600 * hours
            os.utime(file, (then, then))


def sweep(system: System, **rules: Any) -> Cleaner:
    parts = system.parts
    return Cleaner(parts.database, parts.store, parts.executors, parts.settings.model_copy(update=rules))


def test_old_jobs_go_by_rule_with_their_files_and_logs_and_newer_ones_stay(place: System) -> None:
    old, new = (place.probe(note=note) for note in ("old", "new"))
    for job_id in (old, new):
        place.ended(job_id)
    data = place.parts.settings.data_dir
    grow_old(data / "store")
    old_log = step_log(data, place.steps(old)[0].id)
    before = measure(place.parts.settings, place.parts.database, place.parts.store, 5)

    swept = sweep(place, keep_last=1).run()

    assert swept.jobs == [old]
    assert swept.freed_bytes > 0
    assert not old_log.exists()
    assert place.log(place.steps(new)[0]).startswith("start")
    assert place.read(new, "probe/table.csv") == "VALUE\n1\n"
    after = measure(place.parts.settings, place.parts.database, place.parts.store, 5)
    assert after.parts["stored files"] < before.parts["stored files"]
    assert after.parts["of them unused"] == 0
    assert [job.id for job in after.largest] == [new]


def test_nothing_that_a_backup_may_need_is_deleted_while_it_is_made(place: System) -> None:
    store = place.parts.store
    unused = store.put(b"nobody refers to it")
    grow_old(place.parts.settings.data_dir / "store")

    with store.kept():
        sweep(place).run()
        assert store.has(unused)
    sweep(place).run()

    assert not store.has(unused)


def test_file_that_is_stored_again_while_it_is_swept_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    blob = store.put(b"content")
    grow_old(tmp_path)
    [found] = store.older_than(3600)
    store.put(b"content")

    assert not store.delete(found.sha256, 3600)
    assert store.has(blob)


# Room


def test_job_is_refused_and_step_waits_with_a_sentence_while_there_is_no_room(
    place: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = place.parts.store.room
    blocker = place.probe(sleep=1, note="takes a slot")
    place.wait(lambda: place.steps(blocker)[0].state is State.RUNNING)
    monkeypatch.setattr(room, "_free_bytes", 1 << 60)

    with pytest.raises(StorageFull, match=r"free: .* stay free") as refused:
        place.probe(note="refused")
    assert "disk_free" in str(refused.value.hint)
    monkeypatch.setattr(type(room), "check", lambda _: None)  # as when the disk fills up after a job was taken
    waiting = place.probe(note="waits")
    monkeypatch.undo()
    monkeypatch.setattr(room, "_free_bytes", 1 << 60)
    place.wait(lambda: "waits for room on the disk" in place.steps(waiting)[0].message)
    assert place.steps(waiting)[0].attempt == 0
    assert place.ended(blocker).state is State.SUCCEEDED
    monkeypatch.setattr(room, "_free_bytes", 0)

    assert place.ended(waiting).state is State.SUCCEEDED
    assert place.steps(waiting)[0].attempt == 1


def test_quota_counts_everything_once_and_is_told_with_both_sizes(tmp_path: Path) -> None:
    store = Store(tmp_path, Room(tmp_path, 0, 300_000))
    file = tmp_path / "output.bin"
    file.write_bytes(os.urandom(200_000))
    store.adopt(file)  # a second name of the same file

    store.room.check()
    (tmp_path / "more").write_bytes(os.urandom(100_000))
    with pytest.raises(StorageFull, match=r"uses 3\d\d kB, and 300 kB are allowed"):
        Store(tmp_path, Room(tmp_path, 0, 300_000)).put(b"x")


def test_upload_that_does_not_fit_is_refused_before_it_is_written(tmp_path: Path) -> None:
    room = Room(tmp_path, 0)

    with pytest.raises(StorageFull, match="are wanted"):
        room.check_free(room.free_bytes + (1 << 30))


def test_results_that_the_full_disk_does_not_take_are_kept_when_it_does(
    place: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(errno.ENOSPC, "No space left on device")] * 2
    adopt = Store.adopt

    def full(store: Store, path: Path) -> Blob:
        if failures:
            raise failures.pop()
        return adopt(store, path)

    monkeypatch.setattr(Store, "adopt", full)

    job = place.ended(place.probe())

    assert (failures, job.state) == ([], State.SUCCEEDED)
    assert place.steps(job.id)[0].attempt == 1


def test_step_that_failed_while_nothing_was_left_on_the_disk_is_tried_once_more(
    place: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Room, "was_exhausted_since", lambda *_: True)

    job = place.ended(place.probe(exit=1, code=0))

    [step] = place.steps(job.id)
    assert (job.state, str(step.reason), step.attempt) == (State.FAILED, "lost", 2)
    attempts = place.parts.database.steps.attempts(step.id)
    assert all("the disk of the data folder was full while it ran" in attempt.message for attempt in attempts)


# A database that goes away in between


def test_step_that_was_leased_as_the_database_went_away_is_picked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = make_parts(tmp_path / "data")
    system = System(parts, parts.engine())
    claim, begin = parts.database.steps.claim_for, parts.database.steps.begin
    failures = {"claim": 1, "begin": 1}

    def committed_but_not_told(*arguments: Any, **options: Any) -> Any:
        claimed = claim(*arguments, **options)
        if claimed.steps and failures.pop("claim", 0):
            raise DatabaseUnavailable("the connection was lost during the commit")
        return claimed

    def lost(*arguments: Any, **options: Any) -> Any:
        if failures.pop("begin", 0):
            raise DatabaseUnavailable("the connection was lost")
        return begin(*arguments, **options)

    monkeypatch.setattr(parts.database.steps, "claim_for", committed_but_not_told)
    monkeypatch.setattr(parts.database.steps, "begin", lost)
    job_id = system.probe()
    system.engine.start()

    assert system.ended(job_id).state is State.SUCCEEDED
    assert failures == {}
    assert system.steps(job_id)[0].attempt == 1
    system.engine.stop()
    parts.close()
