"""The store keeps each content once, whole, and notices when it is not what it was."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calculation_engine.errors import InvalidInput, StoreCorrupt, TooLarge
from calculation_engine.store import Store
from calculation_engine.store.archive import is_zip, unpack_zip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_content_comes_back_under_its_hash(store: Store) -> None:
    blob = store.put(b"demand\n")
    assert blob.sha256 == hashlib.sha256(b"demand\n").hexdigest()
    with store.open(blob.sha256) as file:
        assert file.read() == b"demand\n"


def test_same_content_is_stored_once(store: Store) -> None:
    first, second = store.put(b"x" * 1000), store.put(b"x" * 1000)
    assert first == second
    assert len(list(store.older_than(-10))) == 1


def test_writer_that_is_not_committed_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with store.writer() as writer:
        writer.write(b"half")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_adopted_file_is_linked_not_copied(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "result.csv"
    file.write_bytes(b"a,b\n")
    blob = store.adopt(file)
    assert store.path(blob.sha256).samefile(file)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_file_that_was_adopted_before_is_adopted_again(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "result.csv"
    file.write_bytes(b"a,b\n")
    assert store.adopt(file) == store.adopt(file)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_adopted_file_takes_the_place_of_a_stored_one_that_was_cut(store: Store, tmp_path: Path) -> None:
    stored = store.path(store.put(b"a,b\n").sha256)
    stored.chmod(0o644)
    stored.write_bytes(b"a")
    file = tmp_path / "result.csv"
    file.write_bytes(b"a,b\n")
    assert store.has(store.adopt(file))


@pytest.mark.parametrize("adopted", [True, False])
def test_content_that_is_stored_is_kept_and_counts_as_asked_for_now(
    store: Store, tmp_path: Path, adopted: bool
) -> None:
    stored = store.path(store.put(b"a,b\n").sha256)
    os.utime(stored, (0, 0))
    before = stored.stat().st_ino
    file = tmp_path / "result.csv"
    file.write_bytes(b"a,b\n")
    blob = store.adopt(file) if adopted else store.put(b"a,b\n")
    assert stored.stat().st_ino == before
    assert store.delete(blob.sha256, older_than_seconds=60) is False


@pytest.mark.parametrize("adopted", [True, False])
def test_stored_content_that_was_damaged_is_replaced(store: Store, tmp_path: Path, adopted: bool) -> None:
    stored = store.path(store.put(b"a,b\n").sha256)
    stored.chmod(0o644)
    stored.write_bytes(b"x,y\n")
    file = tmp_path / "result.csv"
    file.write_bytes(b"a,b\n")
    blob = store.adopt(file) if adopted else store.put(b"a,b\n")
    assert store.open(blob.sha256).read() == b"a,b\n"


def test_changed_content_is_noticed_while_it_is_read(store: Store) -> None:
    blob = store.put(b"right")
    path = store.path(blob.sha256)
    path.chmod(0o644)
    path.write_bytes(b"wrong")
    with pytest.raises(StoreCorrupt, match="now has the hash"), store.open(blob.sha256) as file:
        file.read()


def test_missing_content_is_named(store: Store) -> None:
    with pytest.raises(StoreCorrupt, match="it is gone"):
        store.open("0" * 64)


def test_what_dead_writers_left_is_removed(store: Store, tmp_path: Path) -> None:
    left = tmp_path / "incoming" / "tmpabc"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    assert store.remove_unfinished(60) == 1
    assert not left.exists()


@given(files=st.dictionaries(st.text("abc/", min_size=1, max_size=6), st.binary(max_size=50), max_size=5))
@settings(max_examples=60, deadline=None)
def test_archive_comes_back_file_by_file_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    store = Store(folder)
    try:
        unpacked = unpack_zip(store, folder / "a.zip", most_bytes=1000, most_files=10)
    except InvalidInput:
        return
    plain = {name: content for name, content in files.items() if not name.endswith("/")}
    assert sorted(blob.sha256 for blob in unpacked.values()) == sorted(
        hashlib.sha256(c).hexdigest() for c in plain.values()
    )


def make_zip(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../escape.csv", "leaves the archive's folder"),
        ("/etc/passwd", "leaves the archive's folder"),
        ("a/../../b", "leaves the archive's folder"),
        ("C:/windows", "leaves the archive's folder"),
        (link("pointer.csv"), "a link or a special file"),
    ],
)
def test_archive_that_reaches_outside_is_refused(
    store: Store, tmp_path: Path, name: zipfile.ZipInfo | str, fault: str
) -> None:
    archive = make_zip(tmp_path / "a.zip", ("fine.csv", b"1"), (name, b"/etc/passwd"))
    with pytest.raises(InvalidInput, match=fault):
        unpack_zip(store, archive, most_bytes=1000, most_files=10)


def test_archive_names_all_its_faults_at_once(store: Store, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", ("../a", b""), (link("b"), b"x"))
    with pytest.raises(InvalidInput) as error:
        unpack_zip(store, archive, most_bytes=1000, most_files=10)
    assert [fault.path for fault in error.value.faults] == ["../a", "b"]


def test_bomb_is_refused_by_what_it_unpacks_to(store: Store, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", ("zeros", b"\0" * 5_000_000))
    assert archive.stat().st_size < 10_000
    with pytest.raises(TooLarge, match="larger than the 1000000 bytes"):
        unpack_zip(store, archive, most_bytes=1_000_000, most_files=10)


def test_archive_with_too_many_files_is_refused(store: Store, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", *((f"{number}.csv", b"") for number in range(11)))
    with pytest.raises(TooLarge, match="11 files, at most 10"):
        unpack_zip(store, archive, most_bytes=1000, most_files=10)


def test_archive_without_a_file_is_refused(store: Store, tmp_path: Path) -> None:
    archive = make_zip(tmp_path / "a.zip", ("folder/", b""), (".DS_Store", b"x"))
    with pytest.raises(InvalidInput, match="there is no file in it"):
        unpack_zip(store, archive, most_bytes=1000, most_files=10)


@pytest.mark.parametrize("damage", ["a byte", "the end"])
def test_damaged_archive_is_known_as_one_and_refused(store: Store, tmp_path: Path, damage: str) -> None:
    archive = make_zip(tmp_path / "a.zip", ("a.csv", b"REGION,VALUE\n" * 9))
    content = bytearray(archive.read_bytes())
    content[len("a.csv") + 30] ^= 0xFF  # the first byte after the member's head: what kind of block follows
    archive.write_bytes(content if damage == "a byte" else content[:60])
    assert is_zip(archive)
    with pytest.raises(InvalidInput, match="cannot be read as zip"):
        unpack_zip(store, archive, most_bytes=1000, most_files=10)


def test_file_that_is_no_archive_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"REGION,VALUE\n")
    with pytest.raises(InvalidInput, match="cannot be read as zip"):
        unpack_zip(store, tmp_path / "a.zip", most_bytes=1000, most_files=10)


def test_folder_around_everything_and_desktop_litter_are_left_away(store: Store, tmp_path: Path) -> None:
    archive = make_zip(
        tmp_path / "a.zip",
        ("csv/A.csv", b"1"),
        ("csv/b/B.csv", b"2"),
        ("__MACOSX/csv/._A.csv", b"x"),
        ("csv/.DS_Store", b"x"),
    )
    assert sorted(unpack_zip(store, archive, most_bytes=1000, most_files=10)) == ["A.csv", "b/B.csv"]


def test_reading_in_pieces_verifies_too(store: Store) -> None:
    blob = store.put(os.urandom(3_000_000))
    target = io.BytesIO()
    with store.open(blob.sha256) as file:
        while chunk := file.read(65_536):
            target.write(chunk)
    assert hashlib.sha256(target.getvalue()).hexdigest() == blob.sha256
