"""The records of a local attempt: what they are trusted for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from calculation_engine.executors._attempt import Attempt


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a file."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "kept").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "note", [b"", b"\n", b".\n", b"\0\0\n", None], ids=["empty", "blank", "relative", "zeros", "half"]
)
def test_a_note_of_its_folder_that_is_not_whole_removes_nothing(here: Path, tmp_path: Path, note: bytes | None) -> None:
    """A full disk and a power cut leave such."""
    records = tmp_path / "attempts" / "a-1"
    records.mkdir(parents=True)
    (records / "folder").write_bytes(os.fsencode(here) if note is None else note)

    Attempt(records).remove()

    assert (here / "kept").exists()
    assert not records.exists()


def test_a_note_of_its_folder_removes_it(here: Path, tmp_path: Path) -> None:
    records = tmp_path / "attempts" / "a-1"
    records.mkdir(parents=True)
    attempt = Attempt(records)
    attempt.note_folder(Path())

    attempt.remove()

    assert not (here / "kept").exists()
