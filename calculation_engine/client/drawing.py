"""A workflow as an SVG picture: boxes in boxes, left to right in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from calculation_engine.client.graph import WORDS, Arrow, arrows, layers, part_of
from calculation_engine.schemas.workflow import Process, Workflow

# Lengths in pixels; letters of the font that is asked for are at most so wide.
_LETTER, _LINE = 7.2, 18.0
_PAD, _ROW_GAP, _COLUMN_GAP, _LABEL_LETTER = 14.0, 16.0, 44.0, 6.2
_LOOP_ROOM = 22.0

_STYLE = """
svg { font: 12px ui-monospace, monospace; color: #1f2430; background: #fff; }
rect { fill: #fff; stroke: #7a8194; } .component { fill: #f3f5f9; stroke: #b4bac8; }
.loop { stroke: #8a5a00; stroke-dasharray: 5 3; } .group { stroke-dasharray: 2 3; }
text { fill: #1f2430; } .faint { fill: #5b6377; }
path { fill: none; stroke: #2859a8; } .order, .back { stroke: #7a8194; stroke-dasharray: 4 3; }
marker path { fill: #2859a8; stroke: none; }
.label { fill: #2859a8; font-size: 10.5px; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6e8ee; background: #14171d; } rect { fill: #1d222b; stroke: #7f899e; }
  .component { fill: #181c24; stroke: #4b5366; } .loop { stroke: #d9a441; } text { fill: #e6e8ee; }
  .faint { fill: #a3abbc; } path { stroke: #86aff0; } .order, .back { stroke: #8a93a6; } marker path { fill: #86aff0; }
  .label { fill: #86aff0; stroke: #14171d; }
}
""".strip()


@dataclass
class _Box:
    """A part with its size, and once it is placed, its corner at the top left."""

    name: str
    lines: list[str]
    kind: str  #: ``process``, a component's type, or ``root``
    children: list[_Box] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(workflow: Workflow) -> str:
    """Return the workflow as an SVG document, in the colours of light or dark, whichever its reader prefers."""
    room = _room_for_labels(workflow)
    columns = [_stack("", [_measured(workflow, name, room) for name in names], "root") for names in layers(workflow)]
    root = _beside("", columns, "root", room)
    _place(root, _PAD, _PAD, room)
    boxes: dict[str, _Box] = {}
    _collect(root, boxes)
    width, height = root.width + 2 * _PAD, root.height + 2 * _PAD
    content = [_drawn(box) for box in boxes.values()] + [_arrow(arrow, boxes) for arrow in arrows(workflow)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
    head += f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Workflow">'
    tip = '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    tip += '<path d="M0 0 8 4 0 8z"/></marker>'
    return "\n".join([head, f"<style>\n{_STYLE}\n</style>", f"<defs>{tip}</defs>", *content, "</svg>"]) + "\n"


def _room_for_labels(workflow: Workflow) -> float:
    longest = max((len(arrow.label) for arrow in arrows(workflow)), default=0)
    return max(_COLUMN_GAP, longest * _LABEL_LETTER + 24)


def _measured(workflow: Workflow, name: str, room: float) -> _Box:
    part = part_of(workflow, name)
    if isinstance(part, Process):
        lines = [part.name, *([part.module] if part.module != part.name else [])]
        width = max(len(line) for line in lines) * _LETTER + 2 * _PAD
        return _Box(name, lines, "process", width=width, height=len(lines) * _LINE + _PAD)
    children = [_measured(workflow, child, room) for child in part.children]
    make = _stack if part.type == "group" else _beside
    box = make(f"{name}: {WORDS.get(part.type, part.type)}", children, part.type, room)
    box.name = name
    return box


def _stack(title: str, children: list[_Box], kind: str, _room: float = 0.0) -> _Box:
    width = max(child.width for child in children)
    height = sum(child.height for child in children) + _ROW_GAP * (len(children) - 1)
    return _framed(title, children, kind, width, height)


def _beside(title: str, children: list[_Box], kind: str, room: float) -> _Box:
    width = sum(child.width for child in children) + room * (len(children) - 1)
    return _framed(title, children, kind, width, max(child.height for child in children))


def _framed(title: str, children: list[_Box], kind: str, width: float, height: float) -> _Box:
    if kind == "root":
        return _Box("", [], kind, children, width, height)
    foot = _LOOP_ROOM if kind == "loop" else 0.0
    width = max(width, len(title) * _LETTER) + 2 * _PAD
    return _Box("", [title], kind, children, width, height + _LINE + 2 * _PAD + foot)


def _place(box: _Box, x: float, y: float, room: float) -> None:
    box.x, box.y = x, y
    framed = box.kind not in {"root", "process"}
    left, top = (x + _PAD, y + _PAD + _LINE) if framed else (x, y)
    stacked = box.kind == "group" or (box.kind == "root" and all(child.kind != "root" for child in box.children))
    inner = box.height - (_LINE + 2 * _PAD + (_LOOP_ROOM if box.kind == "loop" else 0.0) if framed else 0.0)
    for child in box.children:
        if stacked:
            _place(child, left, top, room)
            top += child.height + _ROW_GAP
        else:
            _place(child, left, top + (inner - child.height) / 2, room)
            left += child.width + room


def _collect(box: _Box, boxes: dict[str, _Box]) -> None:
    if box.name:
        boxes[box.name] = box
    for child in box.children:
        _collect(child, boxes)


def _drawn(box: _Box) -> str:
    kind = "process" if box.kind == "process" else f"component {box.kind}"
    frame = f'<rect class="{kind}" x="{box.x:.1f}" y="{box.y:.1f}"'
    frame += f' width="{box.width:.1f}" height="{box.height:.1f}" rx="5"/>'
    texts = [
        f'<text class="{"faint" if index or box.kind != "process" else ""}" x="{box.x + _PAD:.1f}"'
        f' y="{box.y + _PAD / 2 + _LINE * (index + 0.75):.1f}">{escape(line)}</text>'
        for index, line in enumerate(box.lines)
    ]
    return "\n".join([frame, *texts])


def _arrow(arrow: Arrow, boxes: dict[str, _Box]) -> str:
    source, target = boxes[arrow.source], boxes[arrow.target]
    if arrow.back:
        low = max(source.y + source.height, target.y + target.height)
        x1, x2 = source.x + source.width / 2, target.x + target.width / 2
        line = f"M{x1:.1f} {source.y + source.height:.1f} V{low + 14:.1f} H{x2:.1f} V{target.y + target.height + 2:.1f}"
        return f'<path class="back" d="{line}" marker-end="url(#tip)"/>'
    x1, y1, x2, y2 = source.x + source.width, source.middle, target.x - 1, target.middle
    bend = max((x2 - x1) / 2, 18.0)
    line = f"M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    path = f'<path class="{"pipe" if arrow.label else "order"}" d="{line}" marker-end="url(#tip)"/>'
    if not arrow.label:
        return path
    place = f'x="{(x1 + x2) / 2 - len(arrow.label) * _LABEL_LETTER / 2:.1f}" y="{(y1 + y2) / 2 - 5:.1f}"'
    return f'{path}\n<text class="label" {place}>{escape(arrow.label)}</text>'
