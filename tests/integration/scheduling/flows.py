"""Random workflows of all parts that there are, and what must have succeeded before each step of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from calculation_engine.states import ENDED, State

#: Steps of a loop's bridge: before the first evaluation, and as the first and last of each.
_START, _ASK, _ANSWER = "start", "ask", "answer"


@dataclass
class Flow:
    """A workflow, and its order as it was meant when it was drawn."""

    document: dict[str, Any] = field(default_factory=lambda: {"processes": [], "components": []})
    kinds: dict[str, str] = field(default_factory=dict)  #: of each part: process, loop or sweep
    before: dict[str, set[str]] = field(default_factory=dict)  #: parts that stand before each part
    inside: dict[str, str] = field(default_factory=dict)  #: what stands before a process, or the end of an evaluation
    tables: dict[str, str] = field(default_factory=dict)  #: label of what is handed on, by what a pipe names
    part_of: dict[str, str] = field(default_factory=dict)  #: of what a pipe names

    def missing(self, path: str, states: Mapping[str, State]) -> list[str]:
        """Return what has not succeeded although the step at ``path`` is there."""
        part = path.partition("/")[0]
        late = sorted(name for name in self.before[part] if not self._is_done(name, states))
        folder, _, name = path.rpartition("/")
        place, _, number = folder.rpartition("/")
        if name == _ASK:  # an evaluation may have failed before the next one
            earlier = [each for each in states if each.startswith(f"{place}/{int(number) - 1}/")]
            late += [each for each in earlier if states[each] not in ENDED]
        if name == _ASK:
            beside = f"{place}/{_START}"
        else:
            inside = f"{place.rpartition('/')[-1]}/{name}" if name == _ANSWER else name
            beside = f"{folder}/{self.inside[inside]}" if inside in self.inside else ""
        return late if not beside or states.get(beside) is State.SUCCEEDED else [*late, beside]

    def _is_done(self, part: str, states: Mapping[str, State]) -> bool:
        if self.kinds[part] == "loop":
            inside = [state for path, state in states.items() if path.startswith(f"{part}/")]
            return bool(inside) and all(state in ENDED for state in inside)
        return states.get(part) is State.SUCCEEDED

    def has_succeeded(self, states: Mapping[str, State]) -> bool:
        """Return whether all parts are done."""
        return all(self._is_done(part, states) for part in self.kinds)


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Give a workflow of two to four parts in chains and groups, nested, with pipes between them."""
    flow = Flow()
    for number in range(draw(st.integers(2, 4))):
        kind = draw(st.sampled_from(["process", "process", "process", "sweep", "loop"]))
        name = f"{kind[0]}{number}"
        flow.kinds[name], flow.before[name] = kind, set()
        {"process": _add_process, "loop": _add_loop, "sweep": _add_sweep}[kind](draw, flow, name)
    _join(draw, flow)
    for process in flow.document["processes"]:
        if process["module"] == "sum":
            _pipe(draw, flow, process)
    if draw(st.integers(0, 4)) == 0:
        flow.document["reuse"] = draw(st.sampled_from(["never", "verify"]))
    return flow


def _add_process(draw: st.DrawFn, flow: Flow, name: str) -> None:
    # Few different configs: steps are equal, so that some wait for others and take their results.
    _process(draw, flow, name, draw(st.sampled_from(["probe", "probe", "sum"])), name)


def _process(draw: st.DrawFn, flow: Flow, name: str, module: str, part: str) -> None:
    level = draw(st.integers(0, 3))
    config = {"probe": {"note": str(level)}, "sum": {"base": level}, "halfway": {"offset": level, "slope": 0}}[module]
    process: dict[str, Any] = {"name": name, "module": module, "config": config}
    process["resources"] = {"cpu": draw(st.sampled_from([0.5, 1, 2])), "memory": "1MiB"}
    if draw(st.booleans()):
        memory = {"memory_limit": "64MiB"} if draw(st.booleans()) else {}
        process["retry"] = {"attempts": draw(st.integers(1, 3)), "wait": draw(st.sampled_from([0, 3600]))} | memory
    if draw(st.integers(0, 4)) == 0:
        process["reuse"] = draw(st.sampled_from(["never", "verify", "results"]))
    flow.document["processes"].append(process)
    flow.part_of[name] = part
    flow.tables[name] = {"probe": "table", "sum": "parts", "halfway": "answered"}[module]


def _add_loop(draw: st.DrawFn, flow: Flow, name: str, part: str | None = None) -> None:
    first, second = f"{name}_a", f"{name}_b"
    for process in (first, second):
        _process(draw, flow, process, "halfway", part or name)
    flow.inside |= {first: _ASK, second: first, f"{name}/{_ANSWER}": second}
    link = {"from": {"process": first, "output": "answered"}, "to": {"process": second, "input": "asked"}}
    start = [{"variable": "price", "index": "1", "value": draw(st.sampled_from([1.0, 2.0]))}]
    bridge = {"into": {"input": "asked"}, "out_of": {"output": "answered"}, "links": [link], "start": start}
    loop = {"type": "loop", "name": name, "sequence": [first, second], "bridge": {"name": "table", "config": bridge}}
    flow.document["components"].append(loop | {"max_evaluations": draw(st.sampled_from([2, 4]))})


def _add_sweep(draw: st.DrawFn, flow: Flow, name: str) -> None:
    kind = draw(st.sampled_from(["process", "chain", "loop"]))
    inner, column = f"{name}_in", f"{name}_in.config.note"
    tables = {"rows": {"process": inner, "label": "table"}} if kind != "loop" and draw(st.booleans()) else {}
    if kind == "loop":
        column = f"{inner}_a.config.offset"
        _add_loop(draw, flow, inner, name)
    else:
        _process(draw, flow, inner, "probe", name)
    if kind == "chain":
        _process(draw, flow, f"{name}_next", draw(st.sampled_from(["probe", "sum"])), name)
        flow.inside[f"{name}_next"] = inner
        chain = {"type": "chain", "name": f"{name}_chain", "sequence": [inner, f"{name}_next"]}
        flow.document["components"].append(chain)
        inner = f"{name}_chain"
    levels = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    values: list[Any] = [level if kind == "loop" else str(level) for level in levels]
    sweep = {"type": "sweep", "name": name, "component": inner, "tables": tables}
    sweep["design"] = {"type": "table", "rows": [{column: value} for value in values]}
    sweep["rows_at_once"] = draw(st.sampled_from([None, 1, 2]))
    sweep["failed_rows"] = draw(st.sampled_from(["fail", "accept", "stop"]))
    flow.document["components"].append(sweep)
    flow.part_of[name], flow.tables[name] = name, "table"


def _join(draw: st.DrawFn, flow: Flow) -> None:
    """Put the parts into chains and groups."""
    parts = [(name, {name}) for name in flow.kinds]
    number = 0
    while len(parts) > 1 and (not number or draw(st.booleans())):
        count = draw(st.integers(2, len(parts)))
        taken, parts = parts[:count], parts[count:]
        kind = draw(st.sampled_from(["chain", "chain", "group"]))
        label, names = f"c{number}", [name for name, _ in taken]
        number += 1
        component: dict[str, Any] = {"type": kind, "name": label}
        if kind == "chain":
            component["sequence"] = names
            for (_, earlier), (_, later) in pairwise(taken):
                for name in later:
                    flow.before[name] |= earlier
        else:
            component |= {"group": names, "on_failure": draw(st.sampled_from(["finish", "stop"]))}
        flow.document["components"].append(component)
        parts.append((label, set().union(*(held for _, held in taken))))


def _pipe(draw: st.DrawFn, flow: Flow, process: dict[str, Any]) -> None:
    """Give a process an input from what can stand before it."""
    name, part = process["name"], flow.part_of[process["name"]]
    sources: list[str] = [
        each
        for each, other in flow.part_of.items()
        if each != name
        and (flow.inside.get(name) == each if other == part else not _leads_to(flow, part, other))
        and (flow.kinds[other] != "sweep" or other in {each, part})
    ]
    source = draw(st.sampled_from([None, *sources]))
    if source is not None:
        process["pipes"] = {"table": {"process": source, "label": flow.tables[source]}}
        flow.before[part] |= {flow.part_of[source]} - {part}


def _leads_to(flow: Flow, part: str, other: str) -> bool:
    """Return whether ``part`` stands before ``other``."""
    return part in flow.before[other] or any(_leads_to(flow, part, each) for each in flow.before[other])
