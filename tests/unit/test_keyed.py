"""Keys of many steps at once, as far as that takes no time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from calculation_engine.db.rows import NewStep
from calculation_engine.engine.steps.keyed import Keys
from calculation_engine.errors import ExecutorUnavailable
from calculation_engine.executors.base import Program
from calculation_engine.modules.catalogue import Catalogue

PROGRAMS = Path(__file__).parents[1] / "programs"


@dataclass
class Place:
    """An executor that can only say what determines results, and counts how often it was asked."""

    asked: list[str] = field(default_factory=list)
    is_away: bool = False

    def environment_id(self, program: Program) -> str:
        self.asked.append(program.name)
        if self.is_away:
            raise ExecutorUnavailable("away", hint="wait")
        return "here"


def step(number: int, module: str = "probe", **config: Any) -> Any:
    what: dict[str, Any] = {"process": module, "module": module, "executor": "local", "config": config}
    return NewStep(id=str(number), path=str(number), **what, files={}, resources={})


def keys(place: Place) -> Keys:
    return Keys(Catalogue([PROGRAMS]), {"local": cast(Any, place)})


def test_place_that_nobody_has_asked_yet_is_not_asked() -> None:
    place = Place()

    assert keys(place).quickly([step(1), step(2, note="x")]) == {}
    assert place.asked == []


def test_place_is_asked_once_for_all_steps_of_a_program_and_the_keys_are_those_of_each_alone() -> None:
    place = Place()
    made = keys(place)
    steps = [step(1), step(2, note="x"), step(3, note="y"), step(4, "unknown"), step(5, "sum")]
    alone = {each.id: made.of(each) for each in steps[:3]}
    place.asked.clear()

    assert made.quickly(steps) == alone
    assert len({each.key for each in alone.values()}) == 3
    assert place.asked == ["probe"]


def test_place_that_is_away_is_not_asked_again_until_it_has_answered() -> None:
    place = Place()
    made = keys(place)
    made.of(step(1))
    place.is_away = True

    assert made.quickly([step(2), step(3)]) == {}
    assert made.quickly([step(4)]) == {}
    assert len(place.asked) == 2
    place.is_away = False
    made.of(step(1))
    assert list(made.quickly([step(5)])) == ["5"]
