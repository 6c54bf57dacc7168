"""Tables that a model does not write itself: a CSV a variable, and all variables and constraints of a problem."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import swiglpk as glpk

from _lp.problem import UNBOUNDED, Problem

_INDEXED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\[(?P<index>.*)\])?")
_SYMBOL = re.compile(r"'((?:[^']|'')*)'|([^,]+)")


def write_variables(problem: Problem, path: Path) -> None:
    """Write value, reduced cost and bounds of every variable."""
    lp, integer = problem.lp, problem.integers > 0
    value = glpk.glp_mip_col_val if integer else glpk.glp_ipt_col_prim
    rows = (
        (
            problem.column_name(j),
            value(lp, j),
            "" if integer else glpk.glp_ipt_col_dual(lp, j),
            _bound(glpk.glp_get_col_lb(lp, j)),
            _bound(glpk.glp_get_col_ub(lp, j)),
        )
        for j in range(1, problem.columns + 1)
    )
    _write(path, ("NAME", "VALUE", "REDUCED_COST", "LOWER", "UPPER"), rows)


def write_constraints(problem: Problem, path: Path) -> None:
    """Write activity, dual and bounds of every constraint; the dual is the objective's change per unit of the limit."""
    lp, integer = problem.lp, problem.integers > 0
    value = glpk.glp_mip_row_val if integer else glpk.glp_ipt_row_prim
    rows = (
        (
            problem.row_name(i),
            value(lp, i),
            "" if integer else glpk.glp_ipt_row_dual(lp, i),
            _bound(glpk.glp_get_row_lb(lp, i)),
            _bound(glpk.glp_get_row_ub(lp, i)),
        )
        for i in range(1, problem.rows + 1)
    )
    _write(path, ("NAME", "VALUE", "DUAL", "LOWER", "UPPER"), rows)


def write_by_variable(problem: Problem, folder: Path, indices: dict[str, list[str]]) -> None:
    """Write a CSV a variable in long format: a column for each index, and VALUE; zeros are included.

    Args:
        folder: where ``<variable>.csv`` go.
        indices: names of the index columns of each variable, from the model's declarations.
    """
    value = glpk.glp_mip_col_val if problem.integers else glpk.glp_ipt_col_prim
    tables: dict[str, list[list[Any]]] = {}
    for j in range(1, problem.columns + 1):
        match = _INDEXED.fullmatch(problem.column_name(j))
        if match:
            symbols = [quoted.replace("''", "'") or plain for quoted, plain in _SYMBOL.findall(match["index"] or "")]
            tables.setdefault(match["name"], []).append([*symbols, value(problem.lp, j)])
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        width = len(rows[0]) - 1
        header = indices.get(name, [])
        if len(header) != width:
            header = [f"INDEX_{position}" for position in range(1, width + 1)]
        _write(folder / f"{name}.csv", [*header, "VALUE"], rows)


def _bound(value: float) -> float | str:
    return "" if abs(value) >= UNBOUNDED else value


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
