"""What CLEWS and OG-Core answered, recorded from the real models, leads to the same points, final word and sentence.

``python -m benchmarks.endings --record`` runs the models and writes ``courses/``. Where the numerics ask for other
points than those that were recorded, a replay is refused: record anew, and look at what the words have become.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calculation_engine.coupling import SUCCESSES, Caution, Scheme, Word

COURSES = Path(__file__).parent / "courses"
WORDS = {
    "reference": (Word.CONVERGED, "the models agree: at most "),
    "elasticity_2_multisecant": (Word.CONVERGED, "the models agree: at most "),
    "elasticity_5_constant": (Word.STALLED, "stands at a bound: 0.05 went in and 0.00023"),
    "elasticity_5_multisecant": (Word.STALLED, "there may be none: they reinforce a change"),
    "too_precise": (Word.NOISE_FLOOR, "their solvers cannot tell whether that is within 1e-07; solve the models more"),
    "loose_economy": (
        Word.NOISE_FLOOR,
        "their solvers cannot tell whether that is within 0.0001; solve the models more",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_recorded_course_of_the_real_models_ends_as_it_did(case: str) -> None:
    recorded = json.loads((COURSES / f"{case}.json").read_text(encoding="utf-8"))
    scheme = Scheme.from_dict(recorded["scheme"])
    word, told = WORDS[case]
    assert (scheme.word, recorded["word"]) == (word, word)
    assert scheme.reports[-1].sentence == recorded["sentence"]
    assert told in recorded["sentence"]
    asked = [entry["x"] for entry in recorded["scheme"]["log"]]
    assert [list(entry.x) for entry in scheme.log] == asked
    assert all(report.word is None for report in scheme.reports[:-1])
    assert (Caution.TOLERANCE_BELOW_NOISE in scheme.reports[-1].cautions) == (word is Word.NOISE_FLOOR)
    if word in SUCCESSES:
        assert scheme.solution == len(scheme.log)
