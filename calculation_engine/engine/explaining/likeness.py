"""How two runs of a module differ in what determines their results; which earlier run is most like one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from calculation_engine.comparison.documents import changes
from calculation_engine.db.rows import RunRow, StepRow
from calculation_engine.engine.steps.spec import StepSpec, spec_of
from calculation_engine.schemas.comparison import Change
from calculation_engine.schemas.files import Blob
from calculation_engine.schemas.why import Cause

_MOST_CHANGES = 100
_TOLD = 3


@dataclass(frozen=True)
class Computed:
    """A step that was computed, with all that determined its result."""

    step: StepRow
    run: RunRow

    @property
    def spec(self) -> StepSpec:
        """What was run."""
        spec = spec_of(self.step)
        assert spec is not None, "a run begins with its spec"
        return spec


#: Files of a module's content, path to sha256, by its hash; None where they are not known.
Contents = Mapping[str, Mapping[str, str] | None]


def count_differences(a: Computed, b: Computed) -> int:
    """Return in how many values two runs differ."""
    parts = [
        a.run.content_hash != b.run.content_hash,
        a.run.environment != b.run.environment,
        a.spec.command != b.spec.command,
        a.step.executor != b.step.executor,
    ]
    return sum(parts) + sum(1 for _ in changes(a.step.config, b.step.config)) + len(file_changes(a.step, b.step))


def most_alike(step: Computed, earlier: Sequence[Computed]) -> Computed | None:
    """Return the run that differs in the fewest values; of several, the last."""
    return min(earlier, key=lambda other: count_differences(other, step), default=None)


def differences(a: Computed, b: Computed, contents: Contents) -> list[Cause]:
    """Return all that differs between an earlier run ``a`` and a run ``b`` of the same module."""
    causes = []
    found = list(changes(a.step.config, b.step.config, "config"))
    if found:
        causes.append(_cause("config", "", found))
    found = file_changes(a.step, b.step)
    if found:
        causes.append(_cause("input", "input ", found))
    if a.run.content_hash != b.run.content_hash:
        causes.append(_module_cause(a, b, contents))
    if a.step.executor != b.step.executor:
        causes.append(Cause(kind="executor", sentence=f"executor: {a.step.executor} → {b.step.executor}"))
    elif a.run.environment != b.run.environment and not _is_of_content(a, b):
        told = f"the environment of executor {b.step.executor} changed: {a.run.environment} → {b.run.environment}"
        causes.append(Cause(kind="environment", sentence=told))
    if a.spec.command != b.spec.command:
        told = f"command: {' '.join(a.spec.command)} → {' '.join(b.spec.command)}"
        causes.append(Cause(kind="command", sentence=told))
    return causes


def file_changes(a: StepRow, b: StepRow) -> list[Change]:
    """Return the input files that differ, by path, each with its sha256."""
    return content_changes(_hashes(a.files), _hashes(b.files))


def content_changes(a: Mapping[str, str], b: Mapping[str, str]) -> list[Change]:
    """Return the files of a module's content that differ."""
    return [
        Change(path=path, change=_word(path, a, b), a=a.get(path), b=b.get(path))
        for path in sorted({*a, *b})
        if a.get(path) != b.get(path)
    ]


def _module_cause(a: Computed, b: Computed, contents: Contents) -> Cause:
    before, after = contents.get(a.run.content_hash), contents.get(b.run.content_hash)
    version = f"{a.spec.version} → {b.spec.version}" if a.spec.version != b.spec.version else f"still {b.spec.version}"
    told = f"module {b.spec.module} (version {version}) changed"
    if before is None or after is None:
        return Cause(kind="module", sentence=f"{told}: content {_sha(a.run.content_hash)} → {_sha(b.run.content_hash)}")
    cause = _cause("module", "", content_changes(before, after))
    return cause.model_copy(update={"sentence": f"{told}: {cause.sentence}"})


def _cause(kind: str, prefix: str, found: Sequence[Change]) -> Cause:
    told = [prefix + _told(change) for change in islice(found, _TOLD)]
    more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return Cause.model_validate(
        {
            "kind": kind,
            "sentence": ", ".join(told) + more,
            "changes": list(found[:_MOST_CHANGES]),
            "more": max(0, len(found) - _MOST_CHANGES),
        }
    )


def _told(change: Change) -> str:
    """Return a change in words; a content by the beginning of its hash."""
    if not (_is_hash(change.a) or _is_hash(change.b)):
        return str(change)
    if change.change == "changed":
        return f"{change.path} changed (sha256 {_sha(change.a)} → {_sha(change.b)})"
    return f"{change.path} was {change.change}"


def _hashes(files: Mapping[str, Blob]) -> dict[str, str]:
    return {path: blob.sha256 for path, blob in files.items()}


def _is_of_content(a: Computed, b: Computed) -> bool:
    """Return whether an environment changed only because it is named after the module's content."""
    return a.run.environment.replace(a.run.content_hash, "") == b.run.environment.replace(b.run.content_hash, "")


def _word(path: str, a: Iterable[str], b: Iterable[str]) -> Literal["changed", "added", "removed"]:
    return "added" if path not in a else "removed" if path not in b else "changed"


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and all(character in "0123456789abcdef" for character in value)


def _sha(value: object) -> str:
    return str(value)[:8]
