"""``calculation-engine job``: why steps ran, how jobs differ, and to repeat a job or take it elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from calculation_engine.cli.options import AsJson, JobId, Server, Token, TokenFile, example
from calculation_engine.cli.output import print_json, print_text
from calculation_engine.cli.session import connected


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("calculation-engine job why 019f0000"))(why)
    app.command(epilog=example("calculation-engine job diff 019f0000 019f0000"))(diff)


def why(
    job_id: JobId,
    *,
    step: Annotated[str | None, typer.Option(metavar="PATH", help="Only this step.")] = None,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show for each step why it was computed or reused, or what it waits for."""
    with connected(server, token, token_file) as client:
        job = client.job(job_id)
        whys, parts = job.why(step), job.waiting(step)
    if as_json:
        print_json([*whys, *parts])
        return
    for told in whys:
        print_text(f"{told.path}  {told.sentence}")
    for part in parts:
        print_text(f"{part.name}  {part.sentence}")


def diff(
    job_id: JobId,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Id of the other job, or a beginning of it.")],
    *,
    step: Annotated[str | None, typer.Option(metavar="PATH", help="Only this step.")] = None,
    results: Annotated[bool, typer.Option("--results/--no-results", help="Whether result files are compared.")] = True,
    relative: Annotated[
        float, typer.Option(min=0, max=1, help="How far numbers may lie apart, of the larger of the two.")
    ] = 1e-6,
    absolute: Annotated[float, typer.Option(min=0, help="How far numbers may lie apart, in their own unit.")] = 1e-9,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two jobs: settings, versions, inputs, and results by their numbers."""
    from calculation_engine.cli.differing import print_diff

    with connected(server, token, token_file) as client:
        job = client.job(job_id)
        found = job.diff(other, step=step, results=results, relative=relative, absolute=absolute)
    if as_json:
        print_json(found)
    else:
        print_diff(found)
