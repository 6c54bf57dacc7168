"""Applies factors to data texts: numbers are replaced where they stand, and all else is left as it is."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from _lp.data_section import DataText, Subscripts, Values
from _lp.declarations import Parameter
from _lp.factors import Row, refuse
from _lp.matching import Matcher
from _lp.tokens import Token

Members = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class _Edit:
    """A replacement in one of the texts."""

    text: int
    start: int
    end: int
    new: str


@dataclass(frozen=True)
class _Place:
    """What a statement in one of the texts says of a parameter."""

    text: int
    values: Values


def scale(
    texts: list[DataText],
    rows: list[Row],
    parameters: Mapping[str, Parameter],
    markers: Mapping[str, float],
    faults: Iterable[str] = (),
) -> tuple[list[str], dict[str, int]]:
    """Return the texts with their values multiplied by the factors of all rows that select them.

    Args:
        texts: the data, in the order in which the translator reads them; at least one.
        rows: the factors.
        parameters: what the model declares.
        markers: parameter -> negative value that stands for none, and is never scaled.
        faults: what is wrong already; it is told together with what is found here.

    Returns:
        The texts, and for each parameter how many values were multiplied.

    Raises:
        Fault: a row names a parameter or member that there is not, or changes nothing; all such rows are named.
    """
    members = {name: found for text in texts for name, found in text.sets().items()}
    found = list(faults)
    fitting: dict[str, list[Row]] = {}
    for row in rows:
        wrong = _misfits(row, parameters, members)
        found += wrong
        if not wrong:
            fitting.setdefault(row.parameter, []).append(row)
    places: dict[str, list[_Place]] = {name: [] for name in fitting}
    dimensions = {name: len(parameters[name].indices) for name in fitting}
    for number, text in enumerate(texts):
        for values in text.values(dimensions):
            places[values.name].append(_Place(number, values))
    edits: list[_Edit] = []
    counts: dict[str, int] = {}
    for name, its_rows in fitting.items():
        one = _Parameter(name, parameters[name], markers.get(name), its_rows, texts, members)
        edits += one.edits(places[name])
        counts[name] = one.count
        found += one.faults
    refuse(found)
    return [_edited(text.text, [e for e in edits if e.text == n]) for n, text in enumerate(texts)], counts


def _misfits(row: Row, parameters: Mapping[str, Parameter], members: Members) -> list[str]:
    """Return what in a row does not fit the model and its sets."""
    declared = parameters.get(row.parameter)
    if declared is None:
        return [f"{row.where}: the model has no parameter {row.parameter!r}{_hint(row.parameter, parameters)}"]
    if declared.assigned:
        return [f"{row.where}: {row.parameter} is computed by the model, not given in the data, so it cannot be scaled"]
    if not declared.certain:
        return [
            f"{row.where}: {row.parameter} is indexed over a set of tuples: write (i,j) in SET in the model's domain"
        ]
    faults = []
    for index, chosen in row.selection.items():
        known = members.get(index.lstrip("_"))
        if index not in declared.indices:
            over = ", ".join(declared.indices) or "nothing"
            faults.append(f"{row.where}: {row.parameter} is indexed over {over}: leave {index} blank")
        elif known is not None:
            faults += [
                f"{row.where}: the set {index.lstrip('_')} has no member {key!r}{_hint(key, known)}"
                for key in sorted(chosen - set(known))
            ]
    return faults


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; is {near[0]!r} meant?" if near else ""


class _Parameter:
    """Scales the values of one parameter."""

    def __init__(
        self,
        name: str,
        declared: Parameter,
        marker: float | None,
        rows: list[Row],
        texts: list[DataText],
        members: Members,
    ) -> None:
        self._name, self._declared, self._rows = name, declared, rows
        self._texts, self._members = texts, members
        self._markers = set() if marker is None else {marker}
        self._matcher = Matcher(rows, declared.indices)
        self._changing = 0  # the rows that met a value
        self.count = 0
        self.faults: list[str] = []

    def edits(self, places: list[_Place]) -> list[_Edit]:
        """Return the edits that the rows make at the parameter's statements."""
        given = [place.values.default for place in places if place.values.default is not None]
        default = _number(given[0]) if given else self._declared.default
        if default is not None and default < 0:
            self._markers.add(default)
        explicit = {subscripts for place in places for subscripts, _ in place.values.cells}
        edits = [
            _Edit(place.text, token.start, token.end, repr(value))
            for place in places
            for subscripts, token in place.values.cells
            if (value := self._scaled(self._value(place, token), subscripts)) is not None
        ]
        if (default or 0) > 0 or (self._declared.computed_default and not given):
            records = list(self._default_records(default, explicit))
            if records and places:
                at = places[-1].values.end
                edits.append(_Edit(places[-1].text, at, at, places[-1].values.addition(records)))
            elif records:
                at = self._texts[0].start
                edits.append(_Edit(0, at, at, f" param {self._name}{Values(self._name, at).addition(records)};"))
        self.faults = self.faults or list(self._idle())
        return edits

    def _value(self, place: _Place, token: Token) -> float:
        value = _number(token.text)
        if value is None:
            text = self._texts[place.text]
            self.faults.append(
                f"{self._rows[0].where}: {self._name} has the value {token.text} in {text.line(token.start)}, "
                "and only numbers can be scaled"
            )
        return value or 0.0

    def _scaled(self, value: float, subscripts: Subscripts) -> float | None:
        """Return the value after scaling; None where it stays as it is."""
        rows = self._matcher.rows(subscripts)
        if value == 0 or rows == 0 or value in self._markers:
            return None
        self._changing |= rows
        factor = self._matcher.product(rows)
        if factor == 1:
            return None
        self.count += 1
        return value * factor

    def _default_records(self, default: float | None, explicit: set[Subscripts]) -> Iterator[tuple[list[str], str]]:
        """Yield a record for each selected value that only the default gives."""
        sets = [self._members.get(index.lstrip("_")) for index in self._declared.indices]
        known = [members for members in sets if members is not None]
        if default is None or self._declared.conditional or len(known) < len(sets):
            told = "an expression" if default is None else f"{default:g}"
            self.faults.append(
                f"{self._rows[0].where}: {self._name} has a default ({told}) to be scaled too, but where it holds "
                "is computed by the model: give all its values and its sets in the data, without a default"
            )
            return
        domain = itertools.product(*(self._matcher.candidates(n, members) for n, members in enumerate(known)))
        for subscripts in domain:
            if subscripts not in explicit and (value := self._scaled(default, subscripts)) is not None:
                yield [members[key] for members, key in zip(known, subscripts, strict=True)], repr(value)

    def _idle(self) -> Iterator[str]:
        """Yield a fault for each row that changes nothing."""
        for number, row in enumerate(self._rows):
            if not self._changing >> number & 1:
                chosen = (f"{index} {', '.join(sorted(keys))}" for index, keys in row.selection.items())
                place = f" for {'; '.join(chosen)}" if row.selection else ""
                only = "zero, no value, or a negative one that stands for none" if self._markers else "zero or no value"
                yield f"{row.where}: {self._name} has only {only}{place}, so a factor changes nothing"


def _edited(text: str, edits: list[_Edit]) -> str:
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        parts += [text[position : edit.start], edit.new]
        position = edit.end
    return "".join([*parts, text[position:]])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
