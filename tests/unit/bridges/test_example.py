from __future__ import annotations

from pathlib import Path

import yaml

from calculation_engine.bridges.registry import make_bridge
from calculation_engine.client.document import parse_yaml

ROOT = Path(__file__).parents[3]


def manifest(module):
    return yaml.safe_load((ROOT / "images" / module / "module.yaml").read_text())


def test_the_example_s_bridge_fits_the_modules_of_the_example():
    document = parse_yaml((ROOT / "examples/clews-og-core.yaml").read_text())
    modules = {process["name"]: manifest(process["module"]) for process in document["processes"]}
    (loop,) = [component for component in document["components"] if component["type"] == "loop"]
    bridge = make_bridge(loop["bridge"]["name"], loop["bridge"]["config"])
    for node in bridge.evaluation(loop["sequence"]):
        if node.kind == "process":
            labels = {declared["label"] for declared in modules[node.name]["inputs"]}
            assert set(node.inputs) <= labels
        for ref in node.inputs.values():
            if ref.kind == "baseline_output":
                paths = {declared["path"] for declared in modules[ref.node]["outputs"]}
                assert ref.path.split("/")[0] in paths
            if ref.kind == "own_input":
                assert ref.label in {declared["label"] for declared in modules[ref.node]["inputs"]}
