"""GLPK's simplex, interior-point and branch-and-cut methods, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import swiglpk as glpk

from _lp.config import Config
from _lp.problem import Task
from _lp.solution import Solution, Status

METHODS = {"primal": glpk.GLP_PRIMAL, "dual": glpk.GLP_DUAL, "dual_then_primal": glpk.GLP_DUALP}
#: Return codes of the solvers, GLPK reference manual 5.0, sections 2.8 and 2.10.
ENDED = {
    glpk.GLP_EBOUND: Status.INFEASIBLE,
    glpk.GLP_ENOPFS: Status.INFEASIBLE,
    glpk.GLP_ENODFS: Status.INFEASIBLE_OR_UNBOUNDED,
    glpk.GLP_ETMLIM: Status.TIME_LIMIT,
    glpk.GLP_EITLIM: Status.ITERATION_LIMIT,
    glpk.GLP_EMIPGAP: Status.OPTIMAL,
}
POINTS = {
    glpk.GLP_OPT: Status.OPTIMAL,
    glpk.GLP_FEAS: Status.FEASIBLE,
    glpk.GLP_NOFEAS: Status.INFEASIBLE,
    glpk.GLP_INFEAS: Status.UNKNOWN,
    glpk.GLP_UNBND: Status.UNBOUNDED,
    glpk.GLP_UNDEF: Status.UNKNOWN,
}


def solve(task: Task, config: Config, _scratch: Path) -> Solution:
    """Solve a task; integer programs by branch and cut, linear ones by the method asked for."""
    if task.integer:
        solution = _branch_and_cut(task, config)
    elif config.method == "interior":
        solution = _interior(task)
    else:
        solution = _simplex(task, config)
    solution.solver = f"GLPK {glpk.glp_version()}"
    return solution


def _simplex(task: Task, config: Config) -> Solution:
    parameters = glpk.glp_smcp()
    glpk.glp_init_smcp(parameters)
    parameters.meth = METHODS[config.method or "primal"]
    parameters.presolve = glpk.GLP_ON if config.presolve else glpk.GLP_OFF
    _set(parameters, "tol_bnd", config.primal_tolerance)
    _set(parameters, "tol_dj", config.dual_tolerance)
    _set(parameters, "tm_lim", config.time_limit and int(config.time_limit * 1000))
    if not config.presolve:
        glpk.glp_scale_prob(task.lp, glpk.GLP_SF_AUTO)
        glpk.glp_adv_basis(task.lp, 0)
    code = glpk.glp_simplex(task.lp, parameters)
    feasible = glpk.glp_get_prim_stat(task.lp) == glpk.GLP_FEAS
    solution = Solution(_status(code, glpk.glp_get_status(task.lp), feasible))
    solution.iterations = glpk.glp_get_it_cnt(task.lp)
    if solution.status in {Status.OPTIMAL, Status.FEASIBLE}:
        rows, columns = range(1, task.rows + 1), range(1, task.columns + 1)
        solution.row_values = [glpk.glp_get_row_prim(task.lp, i) for i in rows]
        solution.row_duals = [glpk.glp_get_row_dual(task.lp, i) for i in rows]
        solution.column_values = [glpk.glp_get_col_prim(task.lp, j) for j in columns]
        solution.column_duals = [glpk.glp_get_col_dual(task.lp, j) for j in columns]
    solution.stopped_by = _limit(code)
    return solution


def _interior(task: Task) -> Solution:
    parameters = glpk.glp_iptcp()
    glpk.glp_init_iptcp(parameters)
    code = glpk.glp_interior(task.lp, parameters)
    solution = Solution(_status(code, glpk.glp_ipt_status(task.lp), False))
    if solution.status == Status.OPTIMAL:
        rows, columns = range(1, task.rows + 1), range(1, task.columns + 1)
        solution.row_values = [glpk.glp_ipt_row_prim(task.lp, i) for i in rows]
        solution.row_duals = [glpk.glp_ipt_row_dual(task.lp, i) for i in rows]
        solution.column_values = [glpk.glp_ipt_col_prim(task.lp, j) for j in columns]
        solution.column_duals = [glpk.glp_ipt_col_dual(task.lp, j) for j in columns]
    return solution


def _branch_and_cut(task: Task, config: Config) -> Solution:
    parameters = glpk.glp_iocp()
    glpk.glp_init_iocp(parameters)
    # GLPK's own presolver also makes the relaxation that branch and cut starts from.
    parameters.presolve = glpk.GLP_ON
    parameters.gmi_cuts = parameters.mir_cuts = glpk.GLP_ON
    _set(parameters, "mip_gap", config.gap)
    _set(parameters, "tol_int", config.integer_tolerance)
    _set(parameters, "tm_lim", config.time_limit and int(config.time_limit * 1000))
    code = glpk.glp_intopt(task.lp, parameters)
    state = glpk.glp_mip_status(task.lp)
    solution = Solution(_status(code, state, state in {glpk.GLP_OPT, glpk.GLP_FEAS}))
    solution.iterations = glpk.glp_get_it_cnt(task.lp)
    solution.stopped_by = _limit(code)
    if solution.status in {Status.OPTIMAL, Status.FEASIBLE}:
        solution.row_values = [glpk.glp_mip_row_val(task.lp, i) for i in range(1, task.rows + 1)]
        solution.column_values = [glpk.glp_mip_col_val(task.lp, j) for j in range(1, task.columns + 1)]
        proven = solution.status == Status.OPTIMAL and code != glpk.GLP_EMIPGAP
        solution.bound = glpk.glp_mip_obj_val(task.lp) if proven else None
    return solution


def _status(code: int, state: int, feasible: bool) -> Status:
    """Return the verdict of a return code and GLPK's word for its last point."""
    if code == 0:
        return POINTS[state]
    ended = ENDED.get(code, Status.UNKNOWN)
    return Status.FEASIBLE if feasible and ended in {Status.TIME_LIMIT, Status.ITERATION_LIMIT} else ended


def _limit(code: int) -> str | None:
    return {glpk.GLP_ETMLIM: "time_limit", glpk.GLP_EITLIM: "iteration_limit"}.get(code)


def _set(parameters: Any, name: str, value: float | None) -> None:
    if value is not None:
        setattr(parameters, name, value)
