"""A linear or mixed-integer problem: what GLPK holds, the task a solver gets, and the solution put back."""

from __future__ import annotations

import math
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import swiglpk as glpk

from _lp.solution import Solution, Status

#: What GLPK returns for a bound that is not there (DBL_MAX).
UNBOUNDED = sys.float_info.max
#: Values nearer to zero are a solver's noise; its feasibility tolerance is 1e-9 at best.
NOISE = 1e-11


@dataclass(frozen=True)
class Task:
    """What a solver is asked: minimise, without the objective's constant, without free rows.

    MathProg keeps the objective as a free row, and LP and MPS files lose a constant, so neither is passed on.
    """

    lp: Any  #: GLPK's problem object; names are GLPK's numbers
    rows: int
    columns: int
    integer: bool

    def move_to_mps(self, path: Path) -> None:
        """Write the task as a free MPS file, and free GLPK's copy: a solver in another process needs the memory."""
        plain = path.with_suffix(".part")
        if glpk.glp_write_mps(self.lp, glpk.GLP_MPS_FILE, None, str(plain)) != 0:
            raise OSError(f"GLPK cannot write {plain}")
        glpk.glp_delete_prob(self.lp)
        # CBC takes a file for free format only when its NAME line says so.
        with plain.open() as source, path.open("w") as target:
            for line in source:
                if line.startswith("NAME"):
                    target.write("NAME lp FREE\n")
                    break
                target.write(line)
            shutil.copyfileobj(source, target)
        plain.unlink()

    def without_constraints(self) -> Solution | None:
        """Return the solution of a task that has no constraint, which solvers' file formats cannot hold; else None."""
        if self.rows:
            return None
        values: list[float] = []
        for j in range(1, self.columns + 1):
            cost = glpk.glp_get_obj_coef(self.lp, j)
            lower, upper = glpk.glp_get_col_lb(self.lp, j), glpk.glp_get_col_ub(self.lp, j)
            value = lower if cost > 0 or (cost == 0 and lower > -UNBOUNDED) else upper
            if glpk.glp_get_col_kind(self.lp, j) != glpk.GLP_CV and abs(value) < UNBOUNDED:
                value = float(math.ceil(value) if value == lower else math.floor(value))
            if abs(value) >= UNBOUNDED and cost:
                return Solution(Status.UNBOUNDED, solver="none needed")
            values.append(0.0 if abs(value) >= UNBOUNDED else value)
        costs = [glpk.glp_get_obj_coef(self.lp, j) for j in range(1, self.columns + 1)]
        return Solution(Status.OPTIMAL, [], values, [], costs, iterations=0, solver="none needed")


class Problem:
    """The user's problem as GLPK holds it."""

    def __init__(self, lp: Any) -> None:
        self.lp = lp
        self.rows: int = glpk.glp_get_num_rows(lp)
        self.columns: int = glpk.glp_get_num_cols(lp)
        self.nonzeros: int = glpk.glp_get_num_nz(lp)
        self.integers: int = glpk.glp_get_num_int(lp)
        self.maximise: bool = glpk.glp_get_obj_dir(lp) == glpk.GLP_MAX
        self.kept_rows = [i for i in range(1, self.rows + 1) if glpk.glp_get_row_type(lp, i) != glpk.GLP_FR]

    @property
    def sign(self) -> int:
        """-1 where the user maximises, as solvers minimise."""
        return -1 if self.maximise else 1

    @property
    def constant(self) -> float:
        """The objective's constant."""
        return float(glpk.glp_get_obj_coef(self.lp, 0))

    def task(self) -> Task:
        """Return what a solver is to solve."""
        lp = glpk.glp_create_prob()
        glpk.glp_copy_prob(lp, self.lp, glpk.GLP_OFF)
        glpk.glp_set_obj_dir(lp, glpk.GLP_MIN)
        glpk.glp_set_obj_coef(lp, 0, 0.0)
        if self.maximise:
            for j in range(1, self.columns + 1):
                glpk.glp_set_obj_coef(lp, j, -glpk.glp_get_obj_coef(lp, j))
        kept = set(self.kept_rows)
        free = [i for i in range(1, self.rows + 1) if i not in kept]
        if free:
            numbers = glpk.intArray(len(free) + 1)
            for position, row in enumerate(free, start=1):
                numbers[position] = row
            glpk.glp_del_rows(lp, len(free), numbers)
        return Task(lp, len(self.kept_rows), self.columns, self.integers > 0)

    def crossed_bounds(self) -> list[str]:
        """Return the constraints and variables whose lower bound is above their upper one; CBC reads no such file."""
        double = glpk.GLP_DB
        rows = [
            self.row_name(i)
            for i in self.kept_rows
            if glpk.glp_get_row_type(self.lp, i) == double
            and glpk.glp_get_row_lb(self.lp, i) > glpk.glp_get_row_ub(self.lp, i)
        ]
        columns = [
            self.column_name(j)
            for j in range(1, self.columns + 1)
            if glpk.glp_get_col_type(self.lp, j) == double
            and glpk.glp_get_col_lb(self.lp, j) > glpk.glp_get_col_ub(self.lp, j)
        ]
        return [*rows, *columns]

    def objective(self, solution: Solution) -> float:
        """Return the objective at a solution, its constant included."""
        values = solution.column_values or []
        terms = (glpk.glp_get_obj_coef(self.lp, j) * value for j, value in enumerate(values, start=1) if value)
        return self.constant + math.fsum(terms)

    def bound(self, solution: Solution) -> float | None:
        """Return the solver's bound in the user's terms."""
        return None if solution.bound is None else self.constant + self.sign * solution.bound

    def row_name(self, i: int) -> str:
        """Return the name of row ``i``, counted from 1."""
        return glpk.glp_get_row_name(self.lp, i) or f"row {i}"

    def column_name(self, j: int) -> str:
        """Return the name of column ``j``, counted from 1."""
        return glpk.glp_get_col_name(self.lp, j) or f"column {j}"

    def accept(self, solution: Solution, scratch: Path) -> None:
        """Put a solution into GLPK's problem, by a file, so that MathProg's post-solve and all tables read it."""
        assert solution.column_values is not None
        assert solution.row_values is not None
        columns = [self._clean(j, value) for j, value in enumerate(solution.column_values, start=1)]
        solution.column_values = columns
        rows = self._all_rows(columns, solution.row_values)
        row_duals = self._spread(solution.row_duals)
        column_duals = [self.sign * dual for dual in solution.column_duals or [0.0] * self.columns]
        integer = self.integers > 0
        head = f"s {'mip' if integer else 'ipt'} {self.rows} {self.columns} o {self.objective(solution)!r}"
        lines = [head]
        for kind, values, duals in (("i", rows, row_duals), ("j", columns, column_duals)):
            for position, (value, dual) in enumerate(zip(values, duals, strict=True), start=1):
                lines.append(f"{kind} {position} {value!r}" + ("" if integer else f" {dual!r}"))
        path = scratch / "solution.txt"
        path.write_text("\n".join([*lines, "e o f", ""]))
        read = glpk.glp_read_mip if integer else glpk.glp_read_ipt
        if read(self.lp, str(path)) != 0:
            raise OSError("GLPK does not take the solver's solution; see the log above")

    def largest_violation(self) -> tuple[float, str]:
        """Return by how much, and where, the accepted solution misses a limit most [- relative to 1 + |limit|]."""
        kind = glpk.GLP_MIP if self.integers else glpk.GLP_IPT
        absolute, relative = glpk.doubleArray(1), glpk.doubleArray(1)
        at_absolute, at_relative = glpk.intArray(1), glpk.intArray(1)
        glpk.glp_check_kkt(self.lp, kind, glpk.GLP_KKT_PB, absolute, at_absolute, relative, at_relative)
        place = at_relative[0]
        if place == 0:
            return 0.0, ""
        return relative[0], self.row_name(place) if place <= self.rows else self.column_name(place - self.rows)

    def _clean(self, j: int, value: float) -> float:
        if glpk.glp_get_col_kind(self.lp, j) != glpk.GLP_CV:
            return float(round(value))
        return 0.0 if abs(value) < NOISE else value

    def _all_rows(self, columns: list[float], kept: list[float]) -> list[float]:
        """Return the activity of every row: the solver's, and of free rows the sum over their entries."""
        rows = [math.nan] * self.rows
        for row, value in zip(self.kept_rows, kept, strict=True):
            rows[row - 1] = 0.0 if abs(value) < NOISE else value
        numbers, values = glpk.intArray(self.columns + 1), glpk.doubleArray(self.columns + 1)
        for position in range(self.rows):
            if math.isnan(rows[position]):
                count = glpk.glp_get_mat_row(self.lp, position + 1, numbers, values)
                rows[position] = math.fsum(values[k] * columns[numbers[k] - 1] for k in range(1, count + 1))
        return rows

    def _spread(self, kept: list[float] | None) -> list[float]:
        duals = [0.0] * self.rows
        for row, dual in zip(self.kept_rows, kept or [], strict=False):
            duals[row - 1] = self.sign * dual
        return duals
