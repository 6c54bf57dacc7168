"""Which rows of a sweep start from which, and where the solutions of these lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculation_engine.engine.planning.priors import Prior
from calculation_engine.sweeps.design import DesignColumn, DesignTable
from calculation_engine.sweeps.neighbours import Neighbours, neighbours

ROWS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=12, unique=True)


def design(*rows: tuple[float | str, ...]) -> DesignTable:
    columns = tuple(DesignColumn(f"c{number}", (f"a.config.c{number}",)) for number in range(len(rows[0])))
    return DesignTable(columns, list(rows))


def prior(*solution: float) -> Prior:
    return Prior("scan/1/agree", [["price", str(n), "", ""] for n, _ in enumerate(solution)], solution, ())


def started(tree: Neighbours, row: int, solutions: dict[int, tuple[float, ...]]) -> tuple[float, ...]:
    """Return where a row starts whose ancestors have these solutions."""
    known = tree.ancestors(row)[: tree.dimensions + 1]
    first, *others = (prior(*solutions[number]) for number in known)
    return first.towards(others, tree.weights(row, known)).solution


@given(rows=ROWS)
def test_rows_start_from_earlier_ones_and_each_but_the_first_has_one(rows: list[tuple[int, int]]) -> None:
    tree = neighbours(design(*rows))

    assert sorted(tree.order) == list(range(1, len(rows) + 1))
    for place, row in enumerate(tree.order):
        assert set(tree.ancestors(row)) <= set(tree.order[:place])
        assert bool(tree.ancestors(row)) == (place > 0)


@given(rows=ROWS)
def test_weights_add_up_to_one_and_go_no_further_than_allowed(rows: list[tuple[int, int]]) -> None:
    tree = neighbours(design(*rows))

    for row in tree.order[1:]:
        weights = tree.weights(row, tree.ancestors(row)[: tree.dimensions + 1])
        assert sum(weights) == pytest.approx(1, abs=1e-12)
        assert sum(map(abs, weights[1:])) <= 2 + 1e-12


def test_solution_that_is_linear_in_the_design_is_met_where_rows_above_span_the_way() -> None:
    rows = [float(number) for number in range(8)]
    tree = neighbours(design(*((row,) for row in rows)))
    solutions: dict[int, tuple[float, ...]] = {
        number: (3 + 2 * row, 1 - 0.1 * row) for number, row in enumerate(rows, 1)
    }

    met = [row for row in tree.order if len(tree.ancestors(row)) > 1]

    assert len(met) >= 4
    for row in met:
        assert started(tree, row, solutions) == pytest.approx(solutions[row], rel=1e-12)


def test_a_row_with_one_above_it_starts_from_that_ones_solution() -> None:
    tree = neighbours(design((0.0,), (1.0,), (2.0,)))

    assert started(tree, 1, {2: (5.0,)}) == (5.0,)


def test_a_value_that_would_change_its_sign_stays() -> None:
    assert prior(1.0, -1.0, 0.0).towards([prior(3.0, 1.0, 1.0)], [2.0, -1.0]).solution == (1.0, -3.0, 0.0)


def test_rows_that_differ_in_words_from_the_parent_do_not_lead() -> None:
    rows = [(word, float(number)) for word in ("dry", "wet") for number in range(4)]
    tree = neighbours(design(*rows))
    solutions: dict[int, tuple[float, ...]] = {
        n: (10.0 + x if word == "wet" else x,) for n, (word, x) in enumerate(rows, 1)
    }

    assert tree.dimensions == 1
    for row in tree.order[1:]:
        known = tree.ancestors(row)
        assert len({rows[number - 1][0] for number in known}) == 1
        if len(known) > 1 and rows[known[0] - 1][0] == rows[row - 1][0]:
            assert started(tree, row, solutions) == pytest.approx(solutions[row], rel=1e-12)
