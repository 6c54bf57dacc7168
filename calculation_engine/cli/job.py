"""``calculation-engine job``: jobs that were stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli import listing, past
from calculation_engine.cli.options import AsJson, JobId, Server, Token, TokenFile, example
from calculation_engine.cli.output import (
    duration,
    local_time,
    print_json,
    print_table,
    print_text,
    say,
    verdict_text,
)
from calculation_engine.cli.session import connected

if TYPE_CHECKING:
    from calculation_engine.client import Job
    from calculation_engine.schemas.job import AttemptView

app = typer.Typer(
    help="Show, explain, compare, fetch, cancel and delete jobs.", no_args_is_help=True, rich_markup_mode=None
)

listing.add_to(app)
past.add_to(app)

_JOB_FILE, _LOG_FILE, _MADE_FILE = "job.json", "log.txt", "provenance.json"


@app.command(epilog=example("calculation-engine job show 019f0000"))
def show(
    job_id: JobId,
    *,
    all_attempts: Annotated[
        bool, typer.Option("--attempts", help="List all attempts of each step, not only of those begun more than once.")
    ] = False,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a job, its steps, and the attempts of steps that were begun more than once."""
    with connected(server, token, token_file) as client:
        job = client.job(job_id)
        attempts = job.attempts() if all_attempts or any(step.attempt > 1 for step in job.steps) else []
    if as_json:
        print_json(job.view.model_dump(mode="json") | {"attempts": attempts})
        return
    print_text(f"{job.id} {job.state}" + (f", {job.reason}" if job.reason else ""))
    known = {
        "name": job.name,
        "message": job.message,
        "tags": ", ".join(f"{key}={value}" for key, value in job.summary.tags.items()),
        "slot": job.summary.slot,
        "outdated": job.summary.superseded_by and f"job {job.summary.superseded_by} took over its slot",
        "created": local_time(job.summary.created),
        "imported": local_time(job.summary.imported),
        "repeats": (job.view.origin or {}).get("job"),
        "took": duration(job.summary.started, job.summary.ended),
    }
    for key, value in known.items():
        if value:
            print_text(f"{key:<8} {value}")
    print_text("")
    rows = [
        (
            step.path,
            step.module,
            step.executor,
            step.state,
            step.reason,
            duration(step.started, step.ended),
            verdict_text(step.verdict),
            step.message,
        )
        for step in job.steps
    ]
    print_table(("step", "module", "executor", "state", "reason", "time", "verdict", "message"), rows)
    again = {attempt.path for attempt in attempts if attempt.number > 1}
    _print_attempts([attempt for attempt in attempts if all_attempts or attempt.path in again])


@app.command(epilog=example("calculation-engine job log 019f0000 --tail 5"))
def log(
    job_id: JobId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    step: Annotated[str | None, typer.Option(metavar="PATH", help="Only this step.")] = None,
    tail: Annotated[int | None, typer.Option(min=1, metavar="LINES", help="Only the last lines.")] = None,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Print what a job's steps have printed."""
    with connected(server, token, token_file, engine=follow) as client:
        job = client.job(job_id)
        if follow and not as_json:
            for piece in job.follow_log(step=step):
                typer.echo(piece, nl=False)
            return
        if follow:
            job.wait()
        text = job.log(step=step, tail=tail)
    if as_json:
        print_json({"job": job.id, "step": step, "log": text})
    else:
        typer.echo(text, nl=False)


@app.command(epilog=example("calculation-engine job results 019f0000 --output utopia"))
def results(
    job_id: JobId,
    *,
    output: Annotated[
        Path | None,
        typer.Option(envvar="CE_OUTPUT", metavar="DIR", help="Folder for them; default: results/<id>."),
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="Only list them.")] = False,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a job's results, log and record into a folder."""
    with connected(server, token, token_file) as client:
        job = client.job(job_id)
        files = list(job.results.files.values())
        if names:
            if as_json:
                print_json(files)
            else:
                print_table(("path", "bytes", "type"), [(file.path, file.size, file.media_type) for file in files])
            return
        folder = output or Path("results") / job.short_id
        save_results(job, folder)
    if as_json:
        print_json({"job": job.id, "results": folder, "files": [file.path for file in files]})
    else:
        print_text(str(folder))
        say(f"{len(files)} files of a job that is {job.state}")


@app.command(epilog=example("calculation-engine job cancel 019f0000"))
def cancel(
    job_id: JobId,
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a job that has not ended."""
    with connected(server, token, token_file, engine=True) as client:
        job = client.job(job_id).cancel()
        if server is None:
            # The engine that ends its steps is in this process: stay until it has.
            job.wait(timeout=60.0)
    if as_json:
        print_json(job.view)
    else:
        print_text(f"{job.short_id} {job.state}" + ("" if job.ended else ", is being cancelled"))


@app.command(epilog=example("calculation-engine job delete 019f0000"))
def delete(
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of jobs, or unique beginnings of them.")],
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Delete jobs that have ended, with their results."""
    with connected(server, token, token_file) as client:
        jobs = [client.job(job_id) for job_id in job_ids]
        for job in jobs:
            job.delete()
            say(f"{job.short_id} is deleted")
    if as_json:
        print_json({"deleted": [job.id for job in jobs]})


def _print_attempts(attempts: Sequence[AttemptView]) -> None:
    rows = [
        (
            attempt.path,
            attempt.number,
            attempt.executor,
            attempt.host,
            local_time(attempt.begun),
            local_time(attempt.ended),
            attempt.state or "goes on",
            attempt.reason,
            attempt.exit_code,
            attempt.message,
        )
        for attempt in attempts
    ]
    if rows:
        print_text("")
        head = ("step", "attempt", "executor", "host", "begun", "ended", "state", "reason", "exit code", "message")
        print_table(head, rows)


def save_results(job: Job, folder: Path) -> None:
    """Write a job's results into a folder, and beside them its log, its record, and what made them."""
    job.results.save(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _JOB_FILE).write_text(json.dumps(job.view.model_dump(mode="json"), indent=2) + "\n")
    if job.ended:
        (folder / _MADE_FILE).write_text(job.provenance().model_dump_json(indent=1) + "\n")
    with (folder / _LOG_FILE).open("wb") as file:
        job.save_log(file)
