"""The difference between two jobs, as text."""

from __future__ import annotations

from calculation_engine.cli.output import print_text
from calculation_engine.schemas.jobdiff import JobDiff


def print_diff(diff: JobDiff) -> None:
    """Print what differs, a line each, under headings."""
    print_text(f"a {diff.a.id} {diff.a.name}".rstrip())
    print_text(f"b {diff.b.id} {diff.b.name}".rstrip())
    print_text(diff.sentence)
    _print_part("settings", [str(change) for change in diff.settings], diff.settings_more)
    lines = []
    for version in diff.versions:
        lines.append(f"{version.step} {version.what}: {version.a} → {version.b}")
        lines += [f"  {change.path} {change.change}" for change in version.files]
    _print_part("versions", lines)
    inputs = []
    for file in diff.inputs:
        hashes = f"{file.a.sha256[:12] if file.a else '-'} → {file.b.sha256[:12] if file.b else '-'}"
        inputs.append(f"{file.step}/input/{file.path} {file.change} ({hashes})")
    _print_part("inputs", inputs, diff.inputs_more)
    _print_part("results", [f"{file.path}: {file.sentence}" for file in diff.results], diff.results_more)


def _print_part(title: str, lines: list[str], more: int = 0) -> None:
    if lines:
        print_text(f"\n{title}")
        for line in lines:
            print_text(f"  {line}")
    if more:
        print_text(f"  and {more} more")
