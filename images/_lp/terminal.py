"""GLPK talks to standard output only; a copy of what it says tells where an input is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import swiglpk as glpk

_KEPT_BYTES = 100_000
_REASON = re.compile(r"unable to|driver not supported")
_LOCATED = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<what>(?!warning).+)$")


class Transcript:
    """What GLPK said since the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def take(self) -> list[str]:
        """Return the lines since the last call, of a long text the last ones: a model may print without end."""
        size = self._path.stat().st_size
        with self._path.open("rb") as stream:
            stream.seek(max(self._offset, size - _KEPT_BYTES))
            text = stream.read(_KEPT_BYTES)
        self._offset = size
        return text.decode(errors="replace").splitlines()


@contextmanager
def transcript(path: Path) -> Iterator[Transcript]:
    """Keep a copy of what GLPK prints in the file ``path``, while it is printed."""
    path.touch()
    if glpk.glp_open_tee(str(path)) != 0:
        raise OSError(f"GLPK cannot write its transcript to {path}")
    try:
        yield Transcript(path)
    finally:
        glpk.glp_close_tee()


def explain(lines: list[str], names: dict[str, str]) -> str:
    """Return one sentence of GLPK's complaint: file, line, what was wrong and where it stood.

    Args:
        lines: what GLPK said.
        names: path given to GLPK -> what the user calls it.
    """
    located = next((match for line in lines if (match := _LOCATED.match(line))), None)
    context = next((line.removeprefix("Context:").strip() for line in lines if line.startswith("Context:")), "")
    reasons = [line.split("driver: ", 1)[-1] for line in lines if _REASON.search(line) and not _LOCATED.match(line)]
    if located is None:
        return "; ".join(line for line in lines[-3:] if line.strip()) or "GLPK said nothing about the cause"
    file = names.get(located["file"], Path(located["file"]).name)
    text = f"{file}, line {located['line']}: {_clearer(located['what'])}"
    if reasons:
        text += f" ({reasons[-1]})"
    return f"{text}; it stands after: {context[-120:].strip(' .')}" if context.strip(". ") else text


def _clearer(what: str) -> str:
    """Return GLPK's words, with what to do where that is known."""
    if match := re.fullmatch(r"no value for (\w+)(\[.*\])?", what):
        kind = f"parameter {match[1]} has no value for {match[2]}" if match[2] else f"{match[1]} has no data"
        return f"{kind}: add it to the data, or give a default"
    if match := re.fullmatch(r"(\w+)(\[.*\]) out of domain", what):
        return f"{match[1]} has a value for {match[2]}, outside its index sets: correct the data, or add to a set"
    if match := re.fullmatch(r"check(\[.*\])? failed", what):
        return f"the data break the check that stands there{' for ' + match[1] if match[1] else ''}: correct the data"
    if match := re.fullmatch(r"(\w+) not a (set|parameter)", what):
        return f"the model has no {match[2]} {match[1]}: remove it from the data, or declare it in the model"
    if re.match(r"error on opening table|unable to open", what):
        return f"{what}: a model can read ../input and write below its output folder, by the drivers CSV and xBASE"
    return what
