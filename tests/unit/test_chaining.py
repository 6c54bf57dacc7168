"""One module into another by the label that both have."""

from __future__ import annotations

from typing import Any

import pytest

from calculation_engine.client.chaining import Link, chain_of_two, common_label
from calculation_engine.errors import InvalidInput
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.module import Manifest


def manifest(name: str, inputs: str, outputs: str) -> Manifest:
    def slots(labels: str) -> list[Any]:
        return [{"label": label, "path": f"{label}.csv"} for label in labels.split()]

    return Manifest.model_validate(
        {
            "name": name,
            "version": "1.0.0",
            "title": name,
            "licence": "MIT",
            "source": "https://example.org",
            "command": ["true"],
            "image": {"repository": "x", "tag": "1"},
            "inputs": slots(inputs),
            "outputs": slots(outputs),
        }
    )


STATE = manifest("state", "grid", "eos log")
STAR = manifest("star", "eos grid", "radius")


def test_output_goes_to_the_input_of_the_same_label() -> None:
    document = chain_of_two(Link(STATE, {"n": 1}, {"grid": "a.csv"}), Link(STAR))
    flow = JobRequest.model_validate(
        document | {"processes": [p | {"inputs": {}} for p in document["processes"]]}
    ).workflow
    assert flow.roots == ["chain"]
    star = flow.find_process("star")
    assert star is not None
    assert (star.pipes["eos"].process, star.pipes["eos"].label) == ("state", "eos")
    assert document["processes"][0]["inputs"] == {"grid": "a.csv"}


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (STATE, manifest("other", "table", ""), "no output of state has the label"),
        (STATE, manifest("both", "eos log", ""), "by 2 labels, eos, log"),
        (manifest("silent", "", ""), STAR, "silent writes nothing; star reads eos, grid"),
    ],
)
def test_no_label_or_several_is_an_error_that_names_both_lists(first: Manifest, second: Manifest, word: str) -> None:
    with pytest.raises(InvalidInput, match=word) as caught:
        common_label(first, second)
    assert f"{first.name} writes" in caught.value.message
    assert f"{second.name} reads" in caught.value.message


def test_a_label_that_is_given_a_file_or_not_chosen_does_not_count() -> None:
    both = manifest("both", "eos log", "")
    assert common_label(STATE, both, given=["log"]) == "eos"
    assert common_label(STATE, both, chosen="log") == "log"
    with pytest.raises(InvalidInput, match="'grid' is not an output"):
        common_label(STATE, both, chosen="grid")


def test_a_module_into_itself_has_two_names() -> None:
    again = manifest("again", "x", "x")
    names = [process["name"] for process in chain_of_two(Link(again), Link(again))["processes"]]
    assert names == ["again", "again_2"]
