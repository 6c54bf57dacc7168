"""``calculation-engine job``: why steps ran, how jobs differ, and to repeat a job or take it elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calculation_engine.cli.options import AsJson, JobId, Server, Token, TokenFile, example
from calculation_engine.cli.output import print_json, print_text, say
from calculation_engine.cli.session import connected


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("calculation-engine job why 019f0000"))(why)
    app.command(epilog=example("calculation-engine job diff 019f0000 019f0000"))(diff)
    app.command(epilog=example("calculation-engine job rerun 019f0000"))(rerun)
    app.command("export", epilog=example("calculation-engine job export 019f0000 --output utopia.crate.zip"))(export)
    app.command("import", epilog=example("calculation-engine job import utopia.crate.zip"))(import_)


def rerun(
    job_id: JobId,
    *,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; default: results/<id>.")
    ] = None,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a job again exactly as it was and compare the results; or tell what is not there any more."""
    from calculation_engine.cli.run import finish

    with connected(server, token, token_file, engine=True) as client:
        job = client.job(job_id).rerun()
        say(f"job {job.id} repeats it")
        finish(job, output, server, as_json)


def export(
    job_id: JobId,
    *,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File that is written; default: <id>.crate.zip.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the files: an SPDX id such as CC-BY-4.0, or an address.")
    ] = None,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Save a job as an RO-Crate: inputs, results, logs, and what made them; another machine can take it in."""
    with connected(server, token, token_file) as client:
        job = client.job(job_id)
        file = job.export(output or Path(f"{job.short_id}.crate.zip"), licence=licence)
    if as_json:
        print_json({"job": job.id, "crate": str(file), "bytes": file.stat().st_size})
    else:
        print_text(str(file))


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Crate that `job export` wrote.")],
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a job here from its crate: with its id, steps, results and logs, which can then be used as any other's."""
    with connected(server, token, token_file) as client:
        job, is_new = client.import_job(file)
    if as_json:
        print_json({"job": job.view, "new": is_new})
        return
    print_text(job.id)
    say(f"{job.name or job.short_id}: {job.state}, {len(job.steps)} steps" + ("" if is_new else ", is here already"))


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
