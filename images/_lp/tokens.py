"""The tokens of MathProg texts, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from _lp.factors import symbol_key
from _lp.faults import Fault

_STATEMENT = re.compile(r"(?:[^;#'\"/]++|\#[^\n]*+|/\*.*?\*/|'(?:[^'\n]|'')*+'|\"(?:[^\"\n]|\"\")*+\"|/)*+;", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<skip>\s+|\#[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:[^'\n]|'')*'|\"(?:[^\"\n]|\"\")*\")"
    r"|(?P<symbol>[\w+\-.]+)"
    r"|(?P<mark>:=|.)",
    re.DOTALL,
)
END = ";"


@dataclass(frozen=True)
class Token:
    """A symbol, or a mark such as ``:=``, at its place in the text."""

    text: str
    start: int
    end: int
    symbol: bool  #: whether it can be a member or a value

    @property
    def key(self) -> str:
        """What it has in common with other spellings of the same member."""
        quote = self.text[0]
        return symbol_key(self.text[1:-1].replace(quote * 2, quote) if quote in "'\"" else self.text)


def statements(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each statement, its semicolon included."""
    while match := _STATEMENT.match(text, start):
        yield match.span()
        start = match.end()


def place(name: str, text: str, position: int) -> str:
    """Return what the user calls a position in a text: name and line."""
    newline = "\n"
    return f"{name}, line {text.count(newline, 0, position) + 1}"


class Tokens:
    """The tokens of one statement, from the left to the right."""

    def __init__(self, name: str, text: str, start: int, end: int) -> None:
        self._name, self._text = name, text
        self._found = (
            Token(match[0], match.start(), match.end(), match.lastgroup != "mark")
            for match in _TOKEN.finditer(text, start, end)
            if match.lastgroup != "skip"
        )
        self.next = next(self._found)

    def take(self) -> Token:
        """Return the next token and go past it."""
        taken = self.next
        if taken.text == END:
            raise self.fault("something is missing")
        self.next = next(self._found)
        return taken

    def accept(self, mark: str) -> bool:
        """Return whether ``mark`` comes next, and go past it."""
        found = self.next.text == mark
        if found:
            self.take()
        return found

    def symbol(self) -> Token:
        """Return the next token, which must be a symbol, and go past it."""
        if not self.next.symbol:
            raise self.fault(f"a member or value is missing before {self.next.text!r}")
        return self.take()

    def item(self) -> Token:
        """Return the next token, which must be a symbol, and go past it and a comma."""
        taken = self.symbol()
        self.accept(",")
        return taken

    def default(self) -> str | None:
        """Return the default that stands next."""
        return self.symbol().text if self.accept("default") else None

    def rest(self) -> Iterator[Token]:
        """Yield all tokens up to the semicolon."""
        while self.next.text != END:
            yield self.take()

    def fault(self, what: str) -> Fault:
        """Return the fault that stands at the next token."""
        return Fault(
            f"{place(self._name, self._text, self.next.start)}: {what} in the data of a parameter that is to be scaled"
        )
