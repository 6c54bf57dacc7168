"""The page ``report.html``: self-contained, without scripts, readable offline and in a sandboxed frame."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1320px; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; background: #fff; border: 1px solid #ddd; }
svg text { font: 12px system-ui, sans-serif; }
svg .title { font-weight: 600; font-size: 13px; } svg .grid { stroke: #e3e3e3; } svg .tick { stroke: #888; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
td.text, th.text { text-align: left; } td.text:not(:last-child) { white-space: nowrap; }
td.change, th.change { text-align: right; } td.change { white-space: nowrap; }
.note { color: #555; margin: .2rem 0; } summary { cursor: pointer; font-weight: 600; margin-top: 1.5rem; }
pre { background: #f6f6f6; padding: .8rem; overflow-x: auto; font-size: 12px; }
"""


def page(
    title: str,
    lead: str,
    notes: list[str],
    summary: pd.DataFrame,
    charts: list[str],
    tables: Mapping[str, pd.DataFrame],
    ran: pd.DataFrame,
    settings: Mapping[str, Any],
    files: list[str],
) -> str:
    """Return the page.

    Args:
        title: heading.
        lead: how it ended, in a sentence.
        notes: what a modeller must know of the numbers.
        summary: what a reader wants first.
        charts: SVG elements.
        tables: heading -> table.
        ran: the steps with modules, versions and keys.
        settings: of loop and bridge, as JSON holds them.
        files: names of the tables beside the page, which are there as CSV and as Parquet.
    """
    parts = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>',
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>",
        *(f'<p class="note">Note: {escape(note)}.</p>' for note in notes),
        f'<h2>Summary</h2><div class="wide">{html_table(summary)}</div>',
        f'<h2>Paths</h2><div class="charts">{"".join(charts)}</div>',
        *(f'<h2>{escape(name)}</h2><div class="wide">{html_table(table)}</div>' for name, table in tables.items()),
        f"<h2>The same numbers</h2><p>{', '.join(map(_link, files))}</p>",
        f'<details><summary>What ran</summary><div class="wide">{html_table(ran)}</div></details>',
        f"<details><summary>Settings</summary><pre>{_json(settings)}</pre></details></body></html>\n",
    ]
    return "\n".join(parts)


def html_table(table: pd.DataFrame) -> str:
    """Return a table; numbers in seven digits, what is not there blank; changes stand as numbers do."""
    marks = [_mark(table[name]) for name in table.columns]
    head = "".join(f"<th{mark}>{escape(str(name))}</th>" for name, mark in zip(table.columns, marks, strict=True))
    rows = (
        "".join(f"<td{mark}>{escape(_cell(value))}</td>" for value, mark in zip(row, marks, strict=True))
        for row in table.itertuples(index=False)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _mark(column: pd.Series[Any]) -> str:
    if column.dtype.kind in "if":
        return ""
    return ' class="change"' if all(str(value).endswith(("%", " points")) for value in column) else ' class="text"'


def _link(name: str) -> str:
    return f'<a href="{escape(name)}.csv">{escape(name)}.csv</a> (<a href="{escape(name)}.parquet">Parquet</a>)'


def _json(settings: Mapping[str, Any]) -> str:
    return escape(json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.7g}"  # noqa: PLR0124 - only NaN differs from itself
    return str(value)
