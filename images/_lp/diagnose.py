"""Why a model has no solution: the constraints that conflict, or the variable along which it never ends."""

from __future__ import annotations

import math
from typing import Any

import swiglpk as glpk

from _lp.problem import UNBOUNDED, Problem

#: Seconds that an explanation may take.
LIMIT_SECONDS = 60.0
_NAMED = 6
_SHORTFALL = 1e-7


def conflicts(problem: Problem) -> str | None:
    """Return a sentence that names constraints which cannot hold together, or None if none are found.

    Every constraint may be missed at a price of one per unit, and the misses are minimised: what is missed, and what
    then has a price (a Farkas certificate), is the conflict. Integrality is left out.
    """
    crossed = problem.crossed_bounds()
    if crossed:
        return f"the lower bound is above the upper one at {_shown(crossed)}"
    # Rows whose limits are all zero hold at the origin; they are made elastic only if the others do not suffice.
    driving = [i for i in problem.kept_rows if _right_side(problem.lp, i) > 0]
    elastic = _solve_elastic(problem, driving) or _solve_elastic(problem, problem.kept_rows)
    if elastic is None:
        return None
    lp, slack_of = elastic
    missed: dict[int, float] = {}
    for column, row in slack_of.items():
        value = glpk.glp_get_col_prim(lp, column)
        if value > _SHORTFALL * (1 + abs(_right_side(lp, row))):
            missed[row] = missed.get(row, 0.0) + value
    if not missed:
        return None
    # A price times its limit is the share of that limit in the conflict; limits of zero only pass it on.
    share = {i: abs(glpk.glp_get_row_dual(lp, i)) * _right_side(lp, i) for i in problem.kept_rows if i not in missed}
    priced = sorted((i for i in share if share[i] > _SHORTFALL), key=lambda i: -share[i])
    names = [*sorted(missed, key=lambda i: -missed[i]), *priced]
    shown = _shown([problem.row_name(i) for i in names])
    worst = max(missed, key=lambda i: missed[i])
    limits = _limiting_columns(lp, problem)
    text = f"these constraints conflict: {shown}; the least change is to relax {problem.row_name(worst)} by "
    return f"{text}{missed[worst]:.6g}" + (f" (bounds that matter: {limits})" if limits else "")


def endless_direction(problem: Problem) -> str | None:
    """Return the names of variables along which the objective improves for ever, or None if none are found."""
    lp = glpk.glp_create_prob()
    glpk.glp_copy_prob(lp, problem.lp, glpk.GLP_ON)
    glpk.glp_adv_basis(lp, 0)
    if _simplex(lp, presolve=False) != 0 or glpk.glp_get_status(lp) != glpk.GLP_UNBND:
        return None
    ray = glpk.glp_get_unbnd_ray(lp)
    if ray == 0:
        return None
    numbers, values = glpk.intArray(problem.rows + 1), glpk.doubleArray(problem.rows + 1)
    count = glpk.glp_eval_tab_col(lp, ray, numbers, values)
    moving = [ray, *(numbers[k] for k in range(1, count + 1) if abs(values[k]) > _SHORTFALL)]
    columns = [k - problem.rows for k in moving if k > problem.rows]
    columns.sort(key=lambda j: -abs(glpk.glp_get_obj_coef(lp, j)))
    return ", ".join(problem.column_name(j) for j in columns[:_NAMED]) or None


def _shown(names: list[str]) -> str:
    """Return the first names, one for each constraint of the model, with how many more of it there are."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.partition("[")[0], []).append(name)
    words = [
        family[0] + (f" (and {len(family) - 1} more of its kind)" if len(family) > 1 else "")
        for family in families.values()
    ]
    return ", ".join(words[:_NAMED]) + (f" and {len(words) - _NAMED} kinds more" if len(words) > _NAMED else "")


def _solve_elastic(problem: Problem, rows: list[int]) -> tuple[Any, dict[int, int]] | None:
    """Let ``rows`` be missed at a price of one a unit, minimise the misses, and return problem and column -> row.

    None where that cannot be solved, or not in time.
    """
    lp = glpk.glp_create_prob()
    glpk.glp_copy_prob(lp, problem.lp, glpk.GLP_ON)
    glpk.glp_set_obj_dir(lp, glpk.GLP_MIN)
    for j in range(problem.columns + 1):
        glpk.glp_set_obj_coef(lp, j, 0.0)
    numbers, values = glpk.intArray(2), glpk.doubleArray(2)
    slack_of: dict[int, int] = {}
    for row in rows:
        for bound, step in ((glpk.glp_get_row_lb(lp, row), 1.0), (glpk.glp_get_row_ub(lp, row), -1.0)):
            if abs(bound) < UNBOUNDED:
                column = glpk.glp_add_cols(lp, 1)
                glpk.glp_set_col_bnds(lp, column, glpk.GLP_LO, 0.0, 0.0)
                glpk.glp_set_obj_coef(lp, column, 1.0)
                numbers[1], values[1] = row, step
                glpk.glp_set_mat_col(lp, column, 1, numbers, values)
                slack_of[column] = row
    solved = bool(slack_of) and _simplex(lp, presolve=True) == 0 and glpk.glp_get_status(lp) == glpk.GLP_OPT
    return (lp, slack_of) if solved else None


def _limiting_columns(lp: Any, problem: Problem) -> str:
    """Return columns whose own upper bound, or nonzero lower one, takes part in the conflict."""
    names = []
    for j in range(1, problem.columns + 1):
        dual = glpk.glp_get_col_dual(lp, j)
        bound = glpk.glp_get_col_lb(lp, j) if dual > 0 else glpk.glp_get_col_ub(lp, j)
        if abs(dual) > 1e-9 and bound != 0 and math.isfinite(bound) and abs(bound) < UNBOUNDED:
            names.append(problem.column_name(j))
    return ", ".join(names[:_NAMED])


def _right_side(lp: Any, row: int) -> float:
    bounds = [glpk.glp_get_row_lb(lp, row), glpk.glp_get_row_ub(lp, row)]
    return max((abs(bound) for bound in bounds if abs(bound) < UNBOUNDED), default=0.0)


def _simplex(lp: Any, presolve: bool) -> int:
    parameters = glpk.glp_smcp()
    glpk.glp_init_smcp(parameters)
    parameters.presolve = glpk.GLP_ON if presolve else glpk.GLP_OFF
    parameters.msg_lev = glpk.GLP_MSG_OFF
    parameters.tm_lim = int(LIMIT_SECONDS * 1000)
    return int(glpk.glp_simplex(lp, parameters))
