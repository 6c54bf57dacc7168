"""The pass ``report``: tables and a page of what the coupled models agreed on, against the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from calculation_engine.bridges.base import Status
from calculation_engine.bridges.charts import Line, line_chart
from calculation_engine.bridges.og_clews import report_tables as numbers
from calculation_engine.bridges.og_clews.clews import Tables
from calculation_engine.bridges.og_clews.config import Config
from calculation_engine.bridges.og_clews.cost import notes_of
from calculation_engine.bridges.og_clews.economy import read_run
from calculation_engine.bridges.og_clews.pass_costs import warnings_of
from calculation_engine.bridges.og_clews.report_page import page
from calculation_engine.tables import read_table, write_parquet, write_table

_MOST_LINES = 5
#: How far beyond CLEWS' last year the economy is drawn; its path goes on for centuries.
_YEARS_AFTER = 30
_ECONOMY_CHARTS = {
    numbers.GDP: "change [%]",
    "consumption": "change [%]",
    "interest rate": "difference [percentage points per period]",
}
#: Columns of the table of convergence that the page has; the file has all.
_SHOWN = ("evaluation", "worst", "asked", "answered", "step", "contraction", "expected", "verdict", "failure")
_MOST_EVALUATIONS = 7
#: Beginning of a column's name -> how its numbers are shown there.
_DIGITS = {"residual": ".2g", "asked": ".6g", "answered": ".6g", "step": ".2g", "contraction": ".2g", "expected": ".0f"}


def run(config: Config, input_dir: Path, output_dir: Path) -> Status:
    """Write ``report.html`` and its numbers: a table a subject, as CSV and as Parquet.

    Raises:
        InvalidInput: results are absent or have faults.
    """
    scenario, baseline = (
        Tables(input_dir / "energy", "energy"),
        Tables(input_dir / "energy_baseline", "energy baseline"),
    )
    economy, base = (
        read_run(input_dir / "economy", "economy"),
        read_run(input_dir / "economy_baseline", "economy baseline"),
    )
    loop = _loop(input_dir / "loop.json")
    evaluations = numbers.evaluation_table(input_dir / "evaluations")
    tables: dict[str, pd.DataFrame | None] = {
        "convergence": numbers.convergence_table(input_dir / "convergence.csv"),
        "demand_ratios": evaluations,
        "monitored": numbers.watched_table(input_dir / "evaluations"),
        "cost_ratio": read_table(input_dir / "costs" / "cost_ratio.csv"),
        "cost": read_table(input_dir / "costs" / "cost.csv"),
        "economy": numbers.economy_table(economy, base),
        "emissions": numbers.comparison(scenario, baseline, "AnnualEmissions", ["EMISSION", "YEAR"]),
        "capacity": numbers.comparison(scenario, baseline, "TotalCapacityAnnual", ["TECHNOLOGY", "YEAR"]),
        "discounted_cost": numbers.comparison(scenario, baseline, "TotalDiscountedCost", ["YEAR"]),
    }
    there = {name: table for name, table in tables.items() if table is not None and len(table.columns)}
    there["summary"] = numbers.summary_table(
        there["cost_ratio"], there["economy"], there.get("discounted_cost"), evaluations
    )
    for name, table in there.items():
        _write_both(table, output_dir / name)
    steps = pd.DataFrame(loop.get("steps", []), columns=["path", "module", "version", "key"])
    html = page(
        "CLEWS and OG-Core",
        f"{str(loop.get('verdict', '')).replace('_', ' ')}: {loop.get('sentence', '')}".removeprefix(": "),
        [*notes_of(scenario, config.cost_scope), *warnings_of(config), _horizon(there["cost_ratio"])],
        _in_percent(there["summary"]),
        _charts(there, numbers.cost_changes(scenario, baseline), _tolerance(loop)),
        {"Convergence": _convergence(there.get("convergence", pd.DataFrame()))},
        steps,
        {
            "bridge": config.model_dump(mode="json"),
            **{key: loop[key] for key in ("loop", "verdict", "solution") if key in loop},
        },
        list(there),
    )
    (output_dir / "report.html").write_text(html, encoding="utf-8")
    return Status(200, f"{_headline(there['summary'])}; report.html has the plots")


def _write_both(table: pd.DataFrame, place: Path) -> None:
    """Write ``<place>.csv`` and ``<place>.parquet``; the types of both are what the CSV is read as."""
    file = place.with_suffix(".csv")
    write_table(table, file)
    write_parquet(read_table(file), place.with_suffix(".parquet"))


def _horizon(costs: pd.DataFrame) -> str:
    last = int(costs["YEAR"].max())
    return f"CLEWS ends with {last}; afterwards OG-Core goes on with the cost ratio of its last period"


def _headline(summary: pd.DataFrame) -> str:
    """Return the changes against the baseline in a line."""
    changes = _in_percent(summary)
    return ", ".join(f"{name} {change}" for name, change in changes[["QUANTITY", "CHANGE"]].to_numpy())


def _charts(tables: dict[str, pd.DataFrame], cost_changes: pd.Series[float], tolerance: float | None) -> list[str]:
    costs, economy = tables["cost_ratio"], tables["economy"]
    economy = economy[economy["YEAR"] <= costs["YEAR"].max() + _YEARS_AFTER]
    charts = [
        *_convergence_chart(tables.get("convergence"), tolerance),
        _chart("Unit cost of energy", "CLEWS' money per unit of demand", _pair("energy", costs)),
        _chart("Unit cost of energy over baseline", "ratio [1]", [_line("scenario over baseline", costs, "RATIO")]),
        *_demand_chart(tables["demand_ratios"]),
    ]
    for title, unit in _ECONOMY_CHARTS.items():
        change = economy[economy["QUANTITY"] == title]
        lines = [_line("against baseline", change.assign(CHANGE=100 * change["CHANGE"]), "CHANGE")]
        charts.append(_chart(f"{title[0].upper()}{title[1:]}: change", unit, lines))
    emissions, capacity = tables.get("emissions"), tables.get("capacity")
    if emissions is not None and len(emissions):
        shown = _most_changed(emissions, "EMISSION")
        charts.append(_both_runs("Emissions: largest changes", emissions, "EMISSION", shown))
    if capacity is not None and len(capacity):
        there = set(capacity["TECHNOLOGY"])
        shown = [str(name) for name in cost_changes.index if name in there][:_MOST_LINES]
        charts.append(_both_runs("Capacity where cost changes most", capacity, "TECHNOLOGY", shown))
    return charts


def _convergence_chart(table: pd.DataFrame | None, tolerance: float | None) -> list[str]:
    columns = [] if table is None else [name for name in table.columns if name.startswith("residual ")]
    if table is None or not columns:
        return []
    x = table["evaluation"].to_numpy(dtype=float)
    lines = [
        Line(name.removeprefix("residual "), x.tolist(), pd.to_numeric(table[name], errors="coerce").tolist())
        for name in columns
    ]
    if tolerance is not None:
        lines.append(Line("tolerance", [x.min(), x.max()], [tolerance, tolerance], dashed=True))
    return [
        line_chart("Convergence", lines, x_label="evaluation", y_label="largest relative change [1]", logarithmic=True)
    ]


def _demand_chart(evaluations: pd.DataFrame) -> list[str]:
    if evaluations.empty:
        return []
    answered = evaluations.dropna(subset=["answered"])
    names = sorted(answered["variable"].unique())
    ended = sorted(answered["evaluation"].unique())
    shown = ended[-_MOST_EVALUATIONS:] if len(names) == 1 else ended[-1:]
    lines = []
    for number in shown:
        for name in names:
            rows = answered[(answered["evaluation"] == number) & (answered["variable"] == name)]
            label = f"evaluation {number}" if len(names) == 1 else name
            years, values = (rows[column].astype(float).tolist() for column in ("index", "answered"))
            lines.append(Line(label, years, values, dashed=number != shown[-1]))
    return [_chart("Demand over original demand", "ratio [1]", lines)]


def _in_percent(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with its changes as people read them: percent, of rates percentage points."""
    rates = summary["UNIT"] == numbers.RATE
    units = ["points" if rate else "%" for rate in rates]
    return summary.assign(
        CHANGE=[f"{100 * change:+.3f} {unit}" for change, unit in zip(summary["CHANGE"], units, strict=True)]
    )


def _convergence(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the page shows of the table of convergence: residuals, and the columns that have something."""
    columns = [name for name in table.columns if name in _SHOWN or name.startswith("residual ")]
    shown = table[[name for name in columns if table[name].replace("", float("nan")).notna().any()]]
    digits = {name: form for name in shown.columns for start, form in _DIGITS.items() if name.startswith(start)}
    return shown.assign(**{name: _rounded(shown[name], form) for name, form in digits.items()})


def _rounded(column: pd.Series[Any], form: str) -> list[float]:
    numbers_there = pd.to_numeric(column, errors="coerce")
    return [float(format(value, form)) for value in numbers_there]


def _most_changed(table: pd.DataFrame, key: str) -> list[str]:
    change = (table["SCENARIO"] - table["BASELINE"]).abs().groupby(table[key]).max()
    return [str(name) for name in change.sort_values(ascending=False, kind="stable").index[:_MOST_LINES]]


def _chart(title: str, unit: str, lines: list[Line]) -> str:
    return line_chart(title, lines, x_label="year", y_label=unit)


def _both_runs(title: str, table: pd.DataFrame, key: str, shown: list[str]) -> str:
    lines = [line for item in shown for line in _pair(item, table[table[key] == item])]
    return _chart(title, "CLEWS' units", lines)


def _pair(name: str, table: pd.DataFrame) -> list[Line]:
    return [_line(name, table, "SCENARIO"), _line(f"{name} - baseline", table, "BASELINE", dashed=True)]


def _line(label: str, table: pd.DataFrame, column: str, *, dashed: bool = False) -> Line:
    return Line(label, table["YEAR"].astype(float).tolist(), table[column].astype(float).tolist(), dashed)


def _loop(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def _tolerance(loop: dict[str, Any]) -> float | None:
    value = loop.get("loop", {}).get("until", {}).get("relative")
    return float(value) if value is not None else None
