"""Archives go to a container in pieces, and come back as hostile as they may be."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from calculation_engine.errors import DiskLimit, StoreCorrupt
from calculation_engine.executors._docker_archive import Packing, context, read_small_file, unpack


class Content:
    def __init__(self, content: bytes, size: int | None = None) -> None:
        self._content = content
        self.size = len(content) if size is None else size

    def open(self) -> BinaryIO:
        return io.BytesIO(self._content)


def tar(*entries: tuple[tarfile.TarInfo, bytes]) -> Iterator[bytes]:
    """Yield an archive in odd pieces."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for entry, content in entries:
            entry.size = len(content) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(content))
    whole = file.getvalue()
    for start in range(0, len(whole), 1000):
        yield whole[start : start + 1000]


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def test_packed_files_come_out_of_tar_with_their_folders_and_owner() -> None:
    files = {"job/input/a b/größe.txt": Content(b"x" * 700), "job/input/empty": Content(b"")}
    whole = b"".join(Packing(["job", "job/output"], files, 65534))
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        names = archive.getnames()
        assert names[:4] == ["job", "job/input", "job/input/a b", "job/output"]
        assert {member.uid for member in archive} == {65534}
        content = archive.extractfile("job/input/a b/größe.txt")
        assert content is not None
        assert content.read() == b"x" * 700


def test_small_files_are_sent_together_and_large_ones_in_pieces() -> None:
    small = {f"input/{number}": Content(b"x") for number in range(500)}
    assert len(list(Packing([], small, 0))) == 1
    pieces = list(Packing([], {"input/large": Content(bytes(10 << 20))}, 0))
    assert len(pieces) > 8
    assert max(map(len, pieces)) < 3 << 20


@pytest.mark.parametrize("size", [2, 4])
def test_file_of_another_size_than_it_says_is_corrupt(size: int) -> None:
    packing = Packing([], {"input/a": Content(b"abc", size)}, 0)
    with pytest.raises(StoreCorrupt, match="input/a"):
        list(packing)
    assert isinstance(packing.failure, StoreCorrupt)


def test_only_files_and_folders_below_the_top_are_unpacked(tmp_path: Path) -> None:
    unpack(
        tar(
            (entry("output", tarfile.DIRTYPE), b""),
            (entry("output/a/b.txt"), b"b"),
            (entry("output/empty", tarfile.DIRTYPE), b""),
            (entry("output/link", tarfile.SYMTYPE, "/etc/passwd"), b""),
            (entry("output/hard", tarfile.LNKTYPE, "/etc/passwd"), b""),
            (entry("output/fifo", tarfile.FIFOTYPE), b""),
            (entry("output/device", tarfile.CHRTYPE), b""),
            (entry("output/../escape"), b"x"),
            (entry("/etc/escape"), b"x"),
            (entry("other/escape"), b"x"),
            (entry("output/" + "d" * 200 + "/" + "/".join(["e" * 200] * 5)), b"x"),
        ),
        "output",
        tmp_path / "into",
        100,
    )
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert found == ["into", "into/a", "into/a/b.txt", "into/empty"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.REGTYPE])
def test_output_that_is_no_folder_has_nothing_in_it(tmp_path: Path, kind: bytes) -> None:
    unpack(tar((entry("output", kind, "/etc"), b"")), "output", tmp_path, 100)
    assert list(tmp_path.iterdir()) == []


def test_files_over_the_limit_are_refused_before_they_are_read(tmp_path: Path) -> None:
    huge = entry("output/sparse")
    huge.size = 1 << 40
    with pytest.raises(DiskLimit, match="limit of 1000 bytes"):
        unpack(iter([huge.tobuf()]), "output", tmp_path, 1000)
    assert list(tmp_path.iterdir()) == []


def test_small_file_is_read_only_when_it_is_one() -> None:
    assert read_small_file(tar((entry("exit"), b"code=0")), 100) == b"code=0"
    assert read_small_file(tar((entry("exit"), b"x" * 101)), 100) is None
    assert read_small_file(tar((entry("exit", tarfile.SYMTYPE, "/etc/passwd"), b"")), 100) is None


def test_build_context_says_nothing_of_the_machine_and_leaves_out_what_is_left_out(tmp_path: Path) -> None:
    for folder in ("solver", "_lp"):
        (tmp_path / folder / "cases").mkdir(parents=True)
        (tmp_path / folder / "run.py").write_text("pass")
        (tmp_path / folder / "run.pyc").write_text("")
    file = io.BytesIO()
    context([tmp_path / "solver", tmp_path / "_lp"], frozenset({"cases"}), file)
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        assert archive.getnames() == ["solver", "solver/run.py", "_lp", "_lp/run.py"]
        assert {(member.uid, member.mtime, member.uname) for member in archive} == {(0, 0, "")}
