from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from calculation_engine.bridges.registry import make_bridge
from calculation_engine.client.document import parse_yaml

ROOT = Path(__file__).parents[3]


def manifest(module):
    return yaml.safe_load((ROOT / "images" / module / "module.yaml").read_text())


def read(example):
    return parse_yaml((ROOT / f"examples/{example}.yaml").read_text())


@pytest.mark.parametrize("example", ["clews-og-core", "clews-one-way"])
def test_the_example_s_bridge_fits_the_modules_of_the_example(example):
    document = read(example)
    modules = {process["name"]: manifest(process["module"]) for process in document["processes"]}
    (loop,) = [component for component in document["components"] if component["type"] == "loop"]
    bridge = make_bridge(loop["bridge"]["name"], loop["bridge"]["config"])
    nodes = bridge.one_way if loop.get("one_way") else bridge.evaluation
    for node in nodes(loop["sequence"]):
        if node.kind == "process":
            labels = {declared["label"] for declared in modules[node.name]["inputs"]}
            assert set(node.inputs) <= labels
        for ref in node.inputs.values():
            if ref.kind == "baseline_output":
                paths = {declared["path"] for declared in modules[ref.node]["outputs"]}
                assert ref.path.split("/")[0] in paths
            if ref.kind == "own_input":
                assert ref.label in {declared["label"] for declared in modules[ref.node]["inputs"]}


def test_both_examples_have_the_same_economy():
    economies = [read(example)["processes"][1] for example in ("clews-og-core", "clews-one-way")]
    assert economies[0] == economies[1]
