"""``calculation-engine run``: one job from its inputs to its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli.options import AsJson, Server, Token, TokenFile, example
from calculation_engine.cli.output import print_error, print_json, print_text, say, verdict_text
from calculation_engine.errors import InvalidInput

if TYPE_CHECKING:
    from calculation_engine.client import Job


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("calculation-engine run --module cbc --input data=utopia.txt --name utopia"))(run)


def run(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Job or workflow, YAML or JSON.")] = None,
    *,
    module: Annotated[str | None, typer.Option(help="Module to run, in place of FILE.")] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="LABEL=PATH", help="File or folder for an input; repeatable.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="YAML or JSON file with the module's config.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Config value in YAML, dots between nested keys; repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the job, for people.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag for finding it again; repeatable.")
    ] = None,
    reuse: Annotated[
        str | None,
        typer.Option(help="Stored results: results (take them), never, or verify (compute anew and compare)."),
    ] = None,
    slot: Annotated[str | None, typer.Option(help="Place that it takes over from an older job.")] = None,
    priority: Annotated[int | None, typer.Option(min=-10, max=10, help="Larger goes first.")] = None,
    executor: Annotated[str | None, typer.Option(help="Where steps run that name no executor: local, docker.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(envvar="CE_OUTPUT", metavar="DIR", help="Folder for the results; default: results/<id>."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Leave as soon as the server has the job.")] = False,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a job, show its progress and fetch its results.

    Files are uploaded from here. Without a server, the job runs in this process and is kept in its data folder.
    """
    from calculation_engine.cli.assembly import assemble, tags_of
    from calculation_engine.cli.session import connected
    from calculation_engine.client.places import located

    if detach and not server:
        raise InvalidInput(
            "--detach needs a server that goes on with the job",
            hint="start one with `calculation-engine serve`, and name it with --server or CE_SERVER",
        )
    document, folder = assemble(file, module, config, sets or (), inputs or ())
    if reuse is not None:
        document["reuse"] = reuse
    with connected(server, token, token_file, engine=True, executor=executor) as client:
        try:
            job = client.submit(
                document,
                executor=executor,
                name=name,
                tags=tags_of(tags or ()),
                slot=slot,
                priority=priority,
                folder=folder,
            )
        except InvalidInput as error:
            if file is None:
                raise
            raise located(error, file) from error
        say(f"job {job.id} is stored")
        if detach:
            _print_stored(job, server, as_json)
            return
        finish(job, output, server, as_json)


def _print_stored(job: Job, server: str | None, as_json: bool) -> None:
    if as_json:
        print_json({"job": job.view, "results": None})
        return
    print_text(job.id)
    say(f"its results, later: calculation-engine job results {job.short_id} --server {server}")


def finish(job: Job, output: Path | None, server: str | None, as_json: bool) -> None:
    """Wait for the job, fetch what it left, and say how it went."""
    from calculation_engine.cli.job import save_results
    from calculation_engine.cli.rounds import verdict_line
    from calculation_engine.cli.watch import watch
    from calculation_engine.states import State

    job = watch(job)
    folder = None
    if job.state is State.SUCCEEDED:
        folder = output or Path("results") / job.short_id
        save_results(job, folder)
    if as_json:
        print_json({"job": job.view, "results": folder})
    else:
        print_text(f"{job.state} {job.short_id}")
        for step in job.steps:
            if step.verdict and not job.view.loops:
                print_text(f"{step.path}: {verdict_text(step.verdict)}")
        for loop in job.view.loops:
            print_text(verdict_line(loop))
        if folder:
            print_text(f"results: {folder}")
            for report in sorted(folder.glob("*/report/output/report.html")):
                print_text(f"report: {report}")
    if job.state is not State.SUCCEEDED:
        report_failure(job, server)
        raise typer.Exit(1)


def report_failure(job: Job, server: str | None) -> None:
    """Say why a job failed: reason, exit code, the end of its log, and the command that shows the rest."""
    for path, lines in job.last_lines().items():
        if lines:
            say(f"--- last lines of {path}")
            say(lines)
            say("---")
    error = job.failure()
    error.hint = f"the whole log: calculation-engine job log {job.short_id}" + (f" --server {server}" if server else "")
    print_error(error)
