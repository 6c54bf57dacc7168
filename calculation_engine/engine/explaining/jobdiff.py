"""Two jobs held against each other. Large tables take a while, so never on an event loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calculation_engine.comparison.documents import changes
from calculation_engine.comparison.files import Comparer, Result
from calculation_engine.db.database import Database
from calculation_engine.db.rows import JobRow
from calculation_engine.engine.explaining.jobsides import LoadedJob, Made, load_side, pairs_of
from calculation_engine.engine.explaining.likeness import content_changes
from calculation_engine.engine.explaining.sweeprows import common_columns, designs_of, same_rows
from calculation_engine.engine.steps.spec import spec_of
from calculation_engine.modules.checks import label_of
from calculation_engine.schemas.comparison import Change, FileDifference
from calculation_engine.schemas.files import SWEEP_MODULE, Blob, result_path
from calculation_engine.schemas.jobdiff import (
    InputChange,
    JobDiff,
    JobSide,
    ResultCounts,
    StepPair,
    StepSide,
    VersionChange,
)
from calculation_engine.schemas.reuse import Nearness

_MOST = 500


@dataclass(frozen=True)
class JobDiffer:
    """Compares jobs of one database."""

    database: Database
    comparer: Comparer

    def diff(self, a: JobRow, b: JobRow, *, results: bool = True, step: str | None = None) -> JobDiff:
        """Return what differs between two jobs.

        Args:
            a, b: the jobs.
            results: whether result files are compared.
            step: path of the one step that is meant; none: all.
        """
        one, two = load_side(self.database, a, step), load_side(self.database, b, step)
        designs = [designs_of(self.database, job, self.comparer.path) for job in (a, b)]
        both = [name for name in designs[0] if name in designs[1]]
        pairs = pairs_of(one, two, {name: same_rows(designs[0][name], designs[1][name]) for name in both})
        for side in (one, two):
            side.keys = {name: common_columns(designs[0][name], designs[1][name]) for name in both}
        settings = _settings(one, two, pairs)
        versions = [change for pair in pairs for change in self._versions(*pair)]
        inputs = [change for pair in pairs for change in _inputs(*pair)]
        counts, files, more = self._results(one, two, pairs) if results else (ResultCounts(), [], 0)
        found = JobDiff(
            a=_side(a),
            b=_side(b),
            same=not (settings or versions or inputs or counts.differs or counts.only_a or counts.only_b),
            sentence="",
            nearness=Nearness(**self.comparer.nearness.model_dump(include={"relative", "absolute"})),
            settings=settings[:_MOST],
            settings_more=max(0, len(settings) - _MOST),
            versions=versions[:_MOST],
            inputs=inputs[:_MOST],
            inputs_more=max(0, len(inputs) - _MOST),
            steps=[StepPair(a=_step(x), b=_step(y)) for x, y in pairs[:_MOST]],
            steps_more=max(0, len(pairs) - _MOST),
            counts=counts,
            results=files,
            results_more=more,
        )
        found.sentence = _sentence(found, len(settings), len(versions), len(inputs))
        return found

    def _versions(self, a: Made | None, b: Made | None) -> Iterator[VersionChange]:
        if a is None or b is None:
            return
        for what, before, after in _parts(a, b):
            if before != after:
                files: list[Change] = []
                if what == "content" and before and after and a.step.module == b.step.module:
                    contents = [self.database.history.content(content) for content in (before, after)]
                    files = content_changes(contents[0], contents[1]) if contents[0] and contents[1] else []
                yield VersionChange.model_validate(
                    {"step": a.step.path, "what": what, "a": before, "b": after, "files": files}
                )

    def _results(
        self, a: LoadedJob, b: LoadedJob, pairs: Sequence[tuple[Made | None, Made | None]]
    ) -> tuple[ResultCounts, list[FileDifference], int]:
        counts, files, more = ResultCounts(), list[FileDifference](), 0
        for x, y in pairs:
            left, right = _files(a, x), _files(b, y)
            unlike = {path for path in {*left, *right} if _hash(left.get(path)) != _hash(right.get(path))}
            counts.same += len({*left, *right}) - len(unlike)
            step = (x or y).step  # type: ignore[union-attr] # one of the two is there
            for name in sorted(unlike):
                if len(files) >= _MOST:
                    more += 1
                    counts.differs += 1
                    continue
                [found] = self.comparer.compare(
                    {name: left[name]} if name in left else {}, {name: right[name]} if name in right else {}
                )
                found.path = result_path(step.path, step.module, name)
                setattr(counts, found.state, getattr(counts, found.state) + 1)
                files.append(found)
        return counts, files, more


def _settings(a: LoadedJob, b: LoadedJob, pairs: Sequence[tuple[Made | None, Made | None]]) -> list[Change]:
    names = {y.step.process: x.step.process for x, y in pairs if x and y and x.step.process != y.step.process}
    return list(changes(_by_name(a.job.workflow, {}), _by_name(b.job.workflow, names)))


def _by_name(workflow: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a workflow with its processes and components by name, without the inputs, which are told as files."""
    document = dict(workflow)
    for kind in ("processes", "components"):
        parts = document.get(kind)
        if isinstance(parts, list):
            document[kind] = {
                names.get(part["name"], part["name"]): {k: v for k, v in part.items() if k not in {"name", "inputs"}}
                for part in parts
            }
    return document


def _parts(a: Made, b: Made) -> list[tuple[str, str | None, str | None]]:
    specs = [spec_of(made.source) if made.source else None for made in (a, b)]
    parts: list[tuple[str, str | None, str | None]] = [
        ("module", a.step.module, b.step.module),
        ("version", a.step.module_version, b.step.module_version),
        ("executor", a.step.executor, b.step.executor),
        ("image", a.step.image, b.step.image),
    ]
    if specs[0] and specs[1]:
        parts.append(("content", specs[0].content_hash, specs[1].content_hash))
        parts.append(("command", " ".join(specs[0].command), " ".join(specs[1].command)))
    if a.run and b.run:
        parts.append(("environment", a.run.environment, b.run.environment))
    return parts


def _inputs(a: Made | None, b: Made | None) -> Iterator[InputChange]:
    if a is None or b is None or a.step.files == b.step.files:
        return
    for path in sorted({*a.step.files, *b.step.files}):
        before, after = a.step.files.get(path), b.step.files.get(path)
        if before != after:
            change = "added" if before is None else "removed" if after is None else "changed"
            yield InputChange.model_validate(
                {"step": a.step.path, "path": path, "change": change, "a": before, "b": after}
            )


def _files(view: LoadedJob, made: Made | None) -> dict[str, Result]:
    if made is None:
        return {}
    spec = spec_of(made.source) if made.source else None
    found = {}
    for file in view.outputs.get(made.step.id, []):
        slot = label_of(spec.outputs, file.path) if spec else None
        blob = Blob(sha256=file.sha256, size=file.size)
        keys = view.keys.get(made.step.path, ()) if made.step.module == SWEEP_MODULE else ()
        columns, varies = (slot.columns, slot.varies) if slot else ((), ())
        found[file.path] = Result(blob, file.media_type, columns, varies, keys)
    return found


def _hash(result: Result | None) -> str | None:
    return result.blob.sha256 if result else None


def _side(job: JobRow) -> JobSide:
    created = job.created.isoformat(timespec="seconds").replace("+00:00", "Z")
    return JobSide(id=job.id, name=job.name, state=job.state, created=created)


def _step(made: Made | None) -> StepSide | None:
    if made is None:
        return None
    step = made.step
    ran = step.started and step.ended and not step.reused_from
    return StepSide(
        id=step.id,
        path=step.path,
        state=step.state,
        reused=step.reused_from is not None,
        seconds=(step.ended - step.started).total_seconds() if ran and step.ended and step.started else None,
        verdict=step.verdict,
    )


def _sentence(found: JobDiff, settings: int, versions: int, inputs: int) -> str:
    if found.same:
        close = f", {found.counts.close} of them within what is allowed" if found.counts.close else ""
        return (
            f"settings, versions, inputs and all {found.counts.same + found.counts.close} results are the same{close}"
        )
    named = {
        "setting{}": settings,
        "version{}": versions,
        "input file{}": inputs,
        "result{}": found.counts.differs,
        "result{} only in the first": found.counts.only_a,
        "result{} only in the second": found.counts.only_b,
    }
    told = (f"{count} {name.format('' if count == 1 else 's')}" for name, count in named.items() if count)
    return f"differing: {', '.join(told)}"
