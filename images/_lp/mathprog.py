"""The MathProg front end: model and data in, a problem out, and the model's own tables from a solution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import swiglpk as glpk

from _lp.faults import Fault
from _lp.problem import Problem
from _lp.terminal import Transcript, explain


class Translator:
    """One MathProg model in GLPK's translator.

    GLPK reads and writes files relative to the working directory, as the model says; nothing is filtered here.
    """

    def __init__(self, said: Transcript, names: dict[str, str]) -> None:
        self._workspace: Any = glpk.glp_mpl_alloc_wksp()
        self._said = said
        self._names = names

    def read(self, model: Path, data: list[Path]) -> None:
        """Read a model and its data files; with data files, a data section in the model is skipped.

        Raises:
            Fault: a text is wrong; the message names file and line.
        """
        self._expect(glpk.glp_mpl_read_model(self._workspace, str(model), 1 if data else 0))
        for path in data:
            self._expect(glpk.glp_mpl_read_data(self._workspace, str(path)))

    def generate(self) -> Problem:
        """Build the problem.

        Raises:
            Fault: data are missing or break a check; the message names what and where.
        """
        self._expect(glpk.glp_mpl_generate(self._workspace, None))
        lp = glpk.glp_create_prob()
        glpk.glp_mpl_build_prob(self._workspace, lp)
        return Problem(lp)

    def post_solve(self, problem: Problem) -> None:
        """Run what the model says after ``solve``: its tables and printouts, from the problem's solution.

        The translator ends with it: only then does GLPK close the files that the model prints to.

        Raises:
            Fault: the model cannot write what it wants to.
        """
        kind = glpk.GLP_MIP if problem.integers else glpk.GLP_IPT
        code = glpk.glp_mpl_postsolve(self._workspace, problem.lp, kind)
        glpk.glp_mpl_free_wksp(self._workspace)
        self._expect(code)

    def _expect(self, code: int) -> None:
        lines = self._said.take()
        if code != 0:
            raise Fault(explain(lines, self._names))
