"""Problems that come finished: CPLEX LP and MPS files."""

from __future__ import annotations

import re
from pathlib import Path

import swiglpk as glpk

from _lp.faults import Fault
from _lp.problem import Problem
from _lp.terminal import Transcript, explain

#: Column that carries an objective's constant through GLPK's LP reader, which refuses one.
CONSTANT = "objective_constant_"
#: GLPK finds a keyword at the start of a line only; the format lets it be indented.
_INDENTED_KEYWORD = re.compile(
    r"^[ \t]+(?=(?:min|max)(?:imi[sz]e|imum)?\s*$|subject\s+to\s*$|such\s+that\s*$|s\.?t\.?:?\s*$|bounds?\s*$"
    r"|gen(?:erals?)?\s*$|int(?:egers?)?\s*$|bin(?:ar(?:y|ies))?\s*$|end\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_OBJECTIVE = re.compile(
    r"(?P<sense>^\s*(?:min|max)\w*\s)(?P<terms>.*?)(?=^\s*(?:subject\s+to|such\s+that|s\.?t\.?)\b)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_TERM = re.compile(
    r"(?P<label>[A-Za-z_]\S*\s*:)|(?P<number>(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))(?P<name>\s*\*?\s*[^\s+\-\d:<>=])?"
)


def read_problem(path: Path, said: Transcript, scratch: Path) -> Problem:
    """Read an LP or MPS file, told by its ending.

    Raises:
        Fault: it cannot be read; the message names the line.
    """
    lp = glpk.glp_create_prob()
    if path.suffix == ".lp":
        code = _read_lp(lp, path, scratch)
    else:
        code = _read_mps(lp, path)
    lines = said.take()
    if code != 0:
        raise Fault(explain(lines, {}))
    _fold_constant(lp)
    return Problem(lp)


def _read_lp(lp: object, path: Path, scratch: Path) -> int:
    text = path.read_text(errors="replace")
    marked = _INDENTED_KEYWORD.sub("", text)
    marked = _OBJECTIVE.sub(lambda match: match["sense"] + _TERM.sub(_mark, match["terms"]), marked, count=1)
    if marked == text:
        return int(glpk.glp_read_lp(lp, None, str(path)))
    copy = scratch / path.name
    copy.write_text(marked)
    return int(glpk.glp_read_lp(lp, None, str(copy)))


def _mark(term: re.Match[str]) -> str:
    """Return a term of the objective, a bare number multiplied by the column of the constant."""
    return f"{term[0]} {CONSTANT}" if term["number"] and not term["name"] else term[0]


def _read_mps(lp: object, path: Path) -> int:
    """Read free MPS; where fields stand in columns and names hold spaces, fixed MPS."""
    code = int(glpk.glp_read_mps(lp, glpk.GLP_MPS_FILE, None, str(path)))
    if code != 0 and re.search(r"^NAME.*\bFREE\b", path.read_text(errors="replace"), re.MULTILINE) is None:
        glpk.glp_erase_prob(lp)
        code = int(glpk.glp_read_mps(lp, glpk.GLP_MPS_DECK, None, str(path)))
    # A right-hand side of the objective is its constant negated for CPLEX, CBC and HiGHS; GLPK takes it as it stands.
    glpk.glp_set_obj_coef(lp, 0, -glpk.glp_get_obj_coef(lp, 0))
    return code


def _fold_constant(lp: object) -> None:
    glpk.glp_create_index(lp)
    column = glpk.glp_find_col(lp, CONSTANT)
    if column:
        glpk.glp_set_obj_coef(lp, 0, glpk.glp_get_obj_coef(lp, 0) + glpk.glp_get_obj_coef(lp, column))
        numbers = glpk.intArray(2)
        numbers[1] = column
        glpk.glp_del_cols(lp, 1, numbers)
    glpk.glp_delete_index(lp)
