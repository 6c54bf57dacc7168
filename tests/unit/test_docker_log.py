"""The copy of a container's log is exact, wherever the connection cuts it and whoever began it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.executors._docker_log import LogCopy


class Pieces:
    """An HTTP body that arrives in given pieces."""

    def __init__(self, body: bytes, cuts: list[int], *, chunked: bool = True) -> None:
        places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
        self._pieces = [body[start:end] for start, end in pairwise(places)]
        self.chunked = chunked
        self.closed = False

    def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def interrupt(self) -> None:
        self._pieces.clear()

    def close(self) -> None:
        self.closed = True


def framed(lines: list[bytes]) -> list[bytes]:
    return [bytes([1 + number % 2, 0, 0, 0]) + len(line).to_bytes(4) + line for number, line in enumerate(lines)]


def chunked(parts: list[bytes], *, ended: bool = True) -> bytes:
    chunks = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts]
    return b"".join([*chunks, b"0\r\n\r\n" if ended else b""])


def copy_of(path: Path, limit_bytes: int = 1 << 20, capacity_bytes: int = 1 << 30) -> LogCopy:
    return LogCopy(path, limit_bytes, capacity_bytes)


lines = st.lists(st.binary(max_size=60), max_size=8)
cuts = st.lists(st.integers(min_value=0), max_size=8)


@given(lines, cuts, st.integers(min_value=0))
def test_every_byte_is_copied_once_however_it_arrives_and_whatever_is_there_already(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cuts: list[int], there: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "task.log"
    log = b"".join(lines)
    path.write_bytes(log[: there % (len(log) + 1)])
    stream = Pieces(chunked(framed(lines)), cuts)
    assert copy_of(path).follow(stream)
    assert path.read_bytes() == log
    assert stream.closed


@given(lines, cuts)
def test_frames_are_read_when_the_body_has_no_chunks(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("log") / "task.log"
    assert copy_of(path).follow(Pieces(b"".join(framed(lines)), cuts, chunked=False))
    assert path.read_bytes() == b"".join(lines)


def test_log_that_was_cut_off_is_told_and_goes_on_from_there(tmp_path: Path) -> None:
    path = tmp_path / "task.log"
    frames = framed([b"one\n", b"two\n", b"three\n"])
    copy = copy_of(path)
    assert not copy.follow(Pieces(chunked(frames[:2], ended=False), [5, 20]))
    assert path.read_bytes() == b"one\ntwo\n"
    assert copy.follow(Pieces(chunked(frames), [7]))
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_log_is_cut_at_its_limit_and_the_excess_is_told(tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "task.log", limit_bytes=6)
    assert not copy.follow(Pieces(chunked(framed([b"one\n", b"two\n"])), []))
    assert (tmp_path / "task.log").read_bytes() == b"one\ntw"
    assert "more than 6 bytes" in copy.excess


def test_log_of_exactly_its_limit_is_fine(tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "task.log", limit_bytes=8)
    assert copy.follow(Pieces(chunked(framed([b"one\n", b"two\n"])), []))
    assert copy.excess == ""


def test_log_of_more_lines_than_docker_keeps_is_over_its_limit(tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "task.log", capacity_bytes=320)
    copy.follow(Pieces(chunked(framed([b"\n"] * 20)), []))
    assert "more than" in copy.excess


def test_closed_copy_follows_no_more(tmp_path: Path) -> None:
    copy = copy_of(tmp_path / "task.log")
    copy.close()
    stream = Pieces(chunked(framed([b"one\n"])), [])
    assert not copy.follow(stream)
    assert stream.closed
    assert not (tmp_path / "task.log").exists()
