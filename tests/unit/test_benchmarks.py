"""The benchmarks' databases are filled as the present schema wants it, and every question finds its answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import database
from benchmarks.database import QUESTIONS, Filled


def test_filled_database_answers_every_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "QUEUED", 5)
    filled = Filled("SQLite", f"sqlite:///{tmp_path}/engine.db", 30)
    filled.fill()
    try:
        for question in QUESTIONS.values():
            question(filled)
        first = filled.database.jobs.get(filled.ids[0])
        assert [step.job_id for step in filled.database.steps.of_job(first.id)] == [first.id]
    finally:
        filled.database.close()
