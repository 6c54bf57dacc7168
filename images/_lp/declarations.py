"""What a MathProg text declares, as far as it must be known outside the translator: names and index sets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENTS_AND_STRINGS = re.compile(r"#[^\n]*|/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'", re.DOTALL)
_DECLARATION = re.compile(r"\b(?P<kind>var|param)\s+(?P<name>[A-Za-z_]\w*)\s*(?P<alias>\"\")?\s*(?P<open>\{)?")
_PARAM_DATA = re.compile(r"\bparam\b(?P<head>[^;]*?)(?::=|;)")
_RESULTS_PATH = re.compile(r"\bparam\s+ResultsPath\b[^;]*?(?::=|default)\s*(?:\"([^\"]*)\"|'([^']*)'|(\w+))")
_NUMBER_DEFAULT = re.compile(r"\bdefault\s*([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*(?=$|[,<>=!]|in\b|integer\b|binary\b)")
_TUPLES = re.compile(r"\bdimen\s+(?!1\b)\d|\bcross\b|\bsetof\b|\{[^}]*,[^}]*\}")


@dataclass(frozen=True)
class Parameter:
    """How a model declares a parameter."""

    indices: list[str]  #: names of its index sets, as ``declared_indices`` gives them
    default: float | None  #: where it is a number
    computed_default: bool  #: whether it is an expression
    assigned: bool  #: whether the model computes it, so that data cannot
    conditional: bool  #: whether its domain has a condition
    certain: bool  #: whether each index is one subscript; a set of tuples without ``in`` hides several


def declared_parameters(model: str) -> dict[str, Parameter]:
    """Return the parameters that a model text declares."""
    indices = declared_indices(model, "param")
    text = strip_comments(model)
    tuples = {match[1] for match in re.finditer(r"\bset\s+(\w+)([^;]*)", text) if _TUPLES.search(match[2])}
    found: dict[str, Parameter] = {}
    for match in _DECLARATION.finditer(text):
        if match["kind"] == "param" and match["name"] not in found:
            domain = _inside_braces(text, match.end()) if match["open"] else ""
            start = match.end() + len(domain)
            attributes = text[start : text.find(";", start)].lstrip("} ")
            number = _NUMBER_DEFAULT.search(attributes)
            found[match["name"]] = Parameter(
                indices=indices[match["name"]],
                default=float(number[1]) if number else None,
                computed_default=number is None and re.search(r"\bdefault\b", attributes) is not None,
                assigned=":=" in attributes,
                conditional=":" in domain,
                certain=not {part.strip() for part in _split(domain)} & tuples,
            )
    return found


def strip_comments(text: str) -> str:
    """Return a MathProg text without comments, every string in it empty."""

    def shorten(match: re.Match[str]) -> str:
        return '""' if match[0][0] in "\"'" else " "

    return _COMMENTS_AND_STRINGS.sub(shorten, text)


def parameters_mentioned(data: str) -> set[str]:
    """Return every name that stands in the head of a ``param`` statement of a data text."""
    names: set[str] = set()
    for statement in _PARAM_DATA.finditer(strip_comments(data)):
        names.update(re.findall(r"[A-Za-z_]\w*", statement["head"]))
    return names


def declared_indices(model: str, kind: str) -> dict[str, list[str]]:
    """Return the index sets of every ``var`` or ``param`` that a model text declares.

    A set that occurs again gets a ``_`` in front; an index that is no plain set is called ``INDEX_3``.
    """
    text = strip_comments(model)
    indices: dict[str, list[str]] = {}
    for match in _DECLARATION.finditer(text):
        if match["kind"] == kind:
            domain = _inside_braces(text, match.end()) if match["open"] else ""
            indices.setdefault(match["name"], _distinct(_sets_of(domain)))
    return indices


def results_path(*texts: str) -> str:
    """Return the folder that the texts name as ``ResultsPath``, the last one counting; without, ``results``."""
    found = "results"
    for text in texts:
        for match in _RESULTS_PATH.finditer(re.sub(r"#[^\n]*", " ", text)):
            found = next(group for group in match.groups() if group is not None)
    return found


def _inside_braces(text: str, start: int) -> str:
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return text[start:]


def _sets_of(domain: str) -> Iterator[str]:
    """Yield one name an index of a domain such as ``r in REGION, (t,f) in PAIRS, YEAR: r <> 1``."""
    for part in _split(domain):
        members, within, name = part.rpartition(" in ")
        count = members.count(",") + 1 if within else 1
        plain = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(\[[^\]]*\])?\s*", name)
        for _ in range(count):
            yield plain[1] if plain and count == 1 else ""


def _split(domain: str) -> Iterator[str]:
    depth, part = 0, ""
    for character in domain:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        if depth == 0 and character in ",:":
            yield part
            part = ""
            if character == ":":
                return
        else:
            part += character
    if part.strip():
        yield part


def _distinct(names: Iterator[str]) -> list[str]:
    result: list[str] = []
    for position, name in enumerate(names, start=1):
        unique = name or f"INDEX_{position}"
        while unique in result:
            unique = "_" + unique
        result.append(unique)
    return result
