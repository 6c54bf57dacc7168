"""Where the values stand in a MathProg data text.

The forms of data are those of "Modeling Language GNU MathProg", chapter 5: plain, tabular, transposed and tabbing, with
slices and defaults. Only the statements that are asked for are read; the translator reads and judges the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from _lp.declarations import strip_comments
from _lp.tokens import END, Token, Tokens, place, statements

Subscripts = tuple[str, ...]


@dataclass
class Values:
    """What one statement says of one parameter."""

    name: str
    end: int  #: where its semicolon stands
    default: str | None = None
    columns: tuple[int, int] | None = None  #: in the tabbing form: its column, and how many there are
    cells: list[tuple[Subscripts, Token]] = field(default_factory=list)

    def addition(self, records: list[tuple[list[str], str]]) -> str:
        """Return what must stand before the semicolon for further values: subscripts as they are spelt, and value."""
        if self.columns is None:
            text = " ".join(" ".join([*spelt, value]) for spelt, value in records)
            dimension = len(records[0][0])
            return f" [{','.join('*' * dimension)}] {text}" if dimension else f" := {text}"
        column, count = self.columns
        rows = ((*spelt, *"." * column, value, *"." * (count - column - 1)) for spelt, value in records)
        return f" {' '.join(map(' '.join, rows))}"


class DataText:
    """A data text: the members of its sets, and the values of some of its parameters.

    Args:
        name: what the user calls the text.
        text: all of it.
        start: where its data begin.
    """

    def __init__(self, name: str, text: str, start: int = 0) -> None:
        self.name = name
        self.text = text
        self.start = start
        self._heads: list[tuple[int, int]] = []
        for span in statements(text, start):
            if Tokens(name, text, *span).next.text == "end":
                break
            self._heads.append(span)

    def line(self, position: int) -> str:
        """Return what the user calls the place: name and line."""
        return place(self.name, self.text, position)

    def sets(self) -> dict[str, dict[str, str]]:
        """Return the simple sets of single members that ``set`` statements give: key -> spelling of each member."""
        found: dict[str, dict[str, str]] = {}
        for start, end in self._heads:
            tokens = Tokens(self.name, self.text, start, end)
            if tokens.take().text == "set":
                name = tokens.take().text
                members = [token for token in tokens.rest() if token.text not in {",", ":="}]
                if all(token.symbol for token in members):
                    found[name] = {token.key: token.text for token in members}
        return found

    def values(self, dimensions: Mapping[str, int]) -> Iterator[Values]:
        """Yield what each statement says of the parameters in ``dimensions``.

        Raises:
            Fault: a statement is not complete or not in a form of data; the message names the line.
        """
        for start, end in self._heads:
            tokens = Tokens(self.name, self.text, start, end)
            if tokens.take().text != "param":
                continue
            default = tokens.default()
            if tokens.accept(":"):
                yield from _tabbing(tokens, end, default, dimensions)
            else:
                name = tokens.take().text
                if name in dimensions:
                    yield _assignments(tokens, Values(name, end - 1, tokens.default()), dimensions[name])


def data_start(model: str) -> int | None:
    """Return where the data of a model text begin, after ``data;``; None where it has none."""
    for start, end in statements(model, 0):
        if re.fullmatch(r"\s*data\s*;", strip_comments(model[start:end])):
            return end
    return None


def _assignments(tokens: Tokens, values: Values, dimension: int) -> Values:
    """Read what follows the name of a parameter: slices, plain records and tables."""
    shape: list[str | None] = [None] * dimension
    while tokens.next.text != END:
        if tokens.next.symbol:
            free = [tokens.item().key for _ in range(shape.count(None))]
            values.cells.append((_fill(shape, free), tokens.item()))
        elif tokens.accept("["):
            shape = _slice(tokens, dimension)
        elif tokens.accept("("):
            words = [tokens.take().text, tokens.take().text]
            if words != ["tr", ")"]:
                raise tokens.fault("expected (tr)")
            tokens.accept(":")
            _table(tokens, values, shape, transposed=True)
        elif tokens.accept(":"):
            _table(tokens, values, shape, transposed=False)
        elif not (tokens.accept(":=") or tokens.accept(",")):
            raise tokens.fault(f"{tokens.next.text!r} is not expected")
    return values


def _slice(tokens: Tokens, dimension: int) -> list[str | None]:
    shape: list[str | None] = []
    while not tokens.accept("]"):
        if tokens.accept("*"):
            shape.append(None)
            tokens.accept(",")
        else:
            shape.append(tokens.item().key)
    if len(shape) != dimension:
        raise tokens.fault(f"the slice has {len(shape)} subscripts, but the parameter {dimension}")
    return shape


def _table(tokens: Tokens, values: Values, shape: list[str | None], *, transposed: bool) -> None:
    if shape.count(None) != 2:
        raise tokens.fault(f"a table needs a slice with two asterisks, not {shape.count(None)}")
    columns: list[str] = []
    while not tokens.accept(":="):
        columns.append(tokens.symbol().key)
    while tokens.next.symbol:
        row = tokens.symbol().key
        for column in columns:
            value = tokens.symbol()
            if value.text != ".":
                values.cells.append((_fill(shape, [column, row] if transposed else [row, column]), value))


def _fill(shape: list[str | None], free: list[str]) -> Subscripts:
    rest = iter(free)
    return tuple(next(rest) if fixed is None else fixed for fixed in shape)


def _tabbing(tokens: Tokens, end: int, default: str | None, dimensions: Mapping[str, int]) -> Iterator[Values]:
    """Read a table of several parameters; a set's name may stand before theirs."""
    tokens.accept(",")
    names: list[str] = []
    while not tokens.accept(":="):
        names = [] if tokens.accept(":") else [*names, tokens.item().text]
    columns = [Values(name, end - 1, default, (n, len(names))) for n, name in enumerate(names)]
    wanted = [values for values in columns if values.name in dimensions]
    if wanted:
        tokens.accept(",")
        while tokens.next.symbol:
            subscripts = tuple(tokens.item().key for _ in range(dimensions[wanted[0].name]))
            for values in columns:
                cell = tokens.item()
                if cell.text != ".":
                    values.cells.append((subscripts, cell))
        if tokens.next.text != END:
            raise tokens.fault(f"{tokens.next.text!r} is not expected")
    yield from wanted
