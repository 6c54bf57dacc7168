"""Line charts as SVG text, without scripts: results are served to browsers in a sandbox in which no script runs.

Plotting libraries that write SVG for Python bring scripts (pygal) or tens of megabytes (matplotlib, vl-convert) to the
engine's environment; lines, axes and a legend need neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Colours that people with any colour vision tell apart. Source: Okabe, Ito 2008, Color Universal Design.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_WIDTH, _HEIGHT = 620, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 34, 44
_MOST_MARKS = 60
#: Letters of a label of which three have room beside each other.
_SHORT = 21


@dataclass(frozen=True)
class Line:
    """One line of a chart; lines of one ``label`` before `` - `` share a colour."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


class _Scale:
    """Values to pixels: an axis that ends with its values or, ``rounded``, at ticks around; linear or logarithmic."""

    def __init__(
        self, values: Iterable[float], low: float, high: float, *, rounded: bool = False, logarithmic: bool = False
    ) -> None:
        self._logarithmic = logarithmic
        shown = [value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)] or [1.0]
        first, last = min(shown), max(shown)
        ticks = _decades(first, last) if logarithmic else nice_ticks(first, last)
        if rounded or first == last:
            first, last = ticks[0], ticks[-1]
        self.ticks = [tick for tick in ticks if first <= tick <= last]
        self._first, self._last = self._number(first), self._number(last)
        self._low, self._high = low, high

    def __call__(self, value: float) -> float:
        share = (self._number(value) - self._first) / (self._last - self._first)
        return self._low + share * (self._high - self._low)

    def shows(self, value: float) -> bool:
        """Return whether a value has a place on this axis."""
        return math.isfinite(value) and (value > 0 or not self._logarithmic)

    def _number(self, value: float) -> float:
        return math.log10(value) if self._logarithmic else value


def line_chart(title: str, lines: Sequence[Line], *, x_label: str, y_label: str, logarithmic: bool = False) -> str:
    """Return a chart as an SVG element.

    Args:
        title, x_label, y_label: texts; units belong to the labels.
        lines: what is drawn; points that are not finite (or not positive on a logarithmic axis) are left out.
        logarithmic: whether the y axis is.
    """
    across = _Scale((x for line in lines for x in line.x), _LEFT, _WIDTH - _RIGHT)
    beside = 3 if max((len(line.label) for line in lines), default=0) <= _SHORT else 2
    legend_rows = math.ceil(len(lines) / beside)
    height = _HEIGHT + 18 * legend_rows
    up = _Scale((y for line in lines for y in line.y), _HEIGHT - _BOTTOM, _TOP, rounded=True, logarithmic=logarithmic)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}" xmlns="http://www.w3.org/2000/svg">',
        f'<text class="title" x="{_LEFT}" y="18">{escape(title)}</text>',
        *_axes(across, up),
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text transform="translate(14 {_HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>',
    ]
    colours: dict[str, str] = {}
    for number, line in enumerate(lines):
        colour = colours.setdefault(line.label.split(" - ")[0], _COLOURS[len(colours) % len(_COLOURS)])
        parts += _curve(line, colour, across, up)
        across_legend = (_WIDTH - _LEFT) / beside * (number % beside)
        parts += _legend(line, colour, _LEFT + across_legend, _HEIGHT + 6 + 18 * (number // beside))
    return "\n".join([*parts, "</svg>"])


def nice_ticks(low: float, high: float, *, about: int = 5) -> list[float]:
    """Return round numbers that enclose ``low`` to ``high``: multiples of 1, 2 or 5 times a power of ten.

    Values that are equal to nine digits count as one, with a tenth of its size on either side.
    """
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        margin = abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12 - math.floor(math.log10(step))) for number in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def _axes(across: _Scale, up: _Scale) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for tick in up.ticks:
        y = up(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in across.ticks:
        x = across(tick)
        parts.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    return parts


def _curve(line: Line, colour: str, across: _Scale, up: _Scale) -> list[str]:
    points = [(x, y) for x, y in zip(line.x, line.y, strict=True) if across.shows(x) and up.shows(y)]
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>']
    if len(points) <= _MOST_MARKS and not line.dashed:
        for x, y in points:
            told = escape(f"{line.label}, {x:g}: {y:.6g}")
            mark = f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="2.6" fill="{colour}">'
            parts.append(f"{mark}<title>{told}</title></circle>")
    return parts


def _legend(line: Line, colour: str, x: float, y: float) -> list[str]:
    dash = ' stroke-dasharray="5 4"' if line.dashed else ""
    return [
        f'<line x1="{x:.0f}" x2="{x + 24:.0f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="1.8"{dash}/>',
        f'<text x="{x + 29:.0f}" y="{y + 4}">{escape(line.label)}</text>',
    ]
