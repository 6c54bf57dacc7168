"""A loop's rounds are shown so that a modeller sees them settle."""

from __future__ import annotations

import io

from rich.console import Console

from calculation_engine.cli.rounds import round_lines, rounds_table, verdict_line
from calculation_engine.coupling import Group, Scheme
from calculation_engine.engine.planning.convergence import convergence_csv, loop_view
from calculation_engine.schemas.workflow import Loop

LOOP = Loop.model_validate({"type": "loop", "name": "agree", "sequence": ["a"], "bridge": {"name": "table"}})


def settled() -> Scheme:
    scheme = Scheme([Group("demand", ("2030", "2031"))], [1.0, 1.0])
    scheme.tell_failure("energy: infeasible")
    while scheme.word is None:
        scheme.tell(0.9 + 0.1 * (scheme.ask() - 0.9))
    return scheme


def test_each_evaluation_is_a_row_with_its_residual_and_its_worst_variable() -> None:
    text = io.StringIO()
    Console(file=text, width=120).print(rounds_table(loop_view(LOOP.name, settled())))
    rows = text.getvalue().splitlines()
    assert "change of demand" in rows[0]
    assert "energy: infeasible" in rows[1]
    assert "demand 203" in rows[2]


def test_each_evaluation_is_told_once() -> None:
    view = loop_view(LOOP.name, settled())
    assert len(list(round_lines(view, 0))) == view["evaluations"]
    assert list(round_lines(view, view["evaluations"])) == []
    assert "converged after" in verdict_line(view)


def test_table_of_convergence_has_a_row_an_evaluation() -> None:
    scheme = settled()
    rows = convergence_csv(scheme).splitlines()
    assert len(rows) == 1 + len(scheme.log)
    assert rows[0].startswith("evaluation,verdict,residual demand,tolerances demand,worst,asked,answered,step")
    assert rows[-1].split(",")[1] == "converged"
