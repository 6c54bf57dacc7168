"""``calculation-engine admin``: what is kept, for how long, and how it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli import backup
from calculation_engine.cli.options import AsJson, example
from calculation_engine.cli.output import print_json, print_table, print_text, say
from calculation_engine.cli.session import server_part, settings_of
from calculation_engine.errors import InvalidInput

if TYPE_CHECKING:
    from calculation_engine.api.server import Parts

app = typer.Typer(
    help="Look after the data folder and database of this machine.", no_args_is_help=True, rich_markup_mode=None
)
backup.add_to(app)


@contextmanager
def parts_here() -> Iterator[Parts]:
    """Yield the parts of this machine's system, the engine not started."""
    with server_part():
        from calculation_engine.api.server import Parts
        from calculation_engine.logs import configure_logs
    settings = settings_of({})
    configure_logs("error", settings.log_format)
    parts = Parts.assemble(settings)
    try:
        yield parts
    finally:
        parts.close()


@app.command(epilog=example("calculation-engine admin du"))
def du(
    *,
    largest: Annotated[int, typer.Option(min=0, help="How many of the jobs with the largest results to name.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show what uses the disk."""
    with server_part():
        from calculation_engine.engine.explaining.usage import measure
        from calculation_engine.store import bytes_text
    with parts_here() as parts:
        usage = measure(parts.settings, parts.database, parts.store, largest)
    if as_json:
        print_json(asdict(usage))
        return
    print_table(("", "size"), ((name, bytes_text(size)) for name, size in usage.parts.items()))
    print_text(f"\n{usage.data_dir}: {bytes_text(usage.total_bytes)}; {bytes_text(usage.free_bytes)} free on its disk")
    if usage.quota_bytes is not None:
        print_text(f"allowed are {bytes_text(usage.quota_bytes)} (disk_quota)")
    print_text(f"jobs: {', '.join(f'{count} {state}' for state, count in usage.jobs.items()) or 'none'}")
    if usage.largest:
        print_text("")
        rows = [(job.id, job.name, job.owner, job.state, bytes_text(job.bytes)) for job in usage.largest]
        print_table(("job", "name", "owner", "state", "results"), rows)


@app.command(epilog=example("calculation-engine admin prune --keep-days 30 --dry-run"))
def prune(
    *,
    keep_days: Annotated[
        float | None,
        typer.Option(envvar="CE_KEEP_DAYS", min=0, help="Keep jobs for so many days after their end."),
    ] = None,
    keep_last: Annotated[
        int | None,
        typer.Option(envvar="CE_KEEP_LAST", min=0, help="Keep so many ended jobs of each owner, the latest."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only name the jobs that would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete jobs that no rule keeps, and all that nothing refers to any more.

    Without a rule no job is deleted. A job with a tag named `keep` stays. What was stored within the last hour is left
    for the next time.
    """
    with server_part():
        from calculation_engine.engine.running.leftovers import Cleaner
        from calculation_engine.store import bytes_text
    if keep_days == 0:
        raise InvalidInput("--keep-days: expected more than 0", hint="--keep-last 0 deletes every ended job")
    with parts_here() as parts:
        given = {"keep_days": keep_days, "keep_last": keep_last}
        rules = {name: value for name, value in given.items() if value is not None}
        settings = parts.settings.model_copy(update=rules)
        if dry_run:
            expired = parts.database.jobs.expired(settings.keep_days, settings.keep_last, limit=1_000_000)
            _show_expired(expired, as_json=as_json)
            return
        swept = Cleaner(parts.database, parts.store, parts.executors, settings).run()
    if as_json:
        print_json(asdict(swept))
        return
    print_text(
        f"deleted {len(swept.jobs)} jobs, {swept.uploads} uploads, what was left of {swept.leftovers} attempts; "
        f"freed {bytes_text(swept.freed_bytes)}"
    )


def _show_expired(expired: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"jobs": expired})
        return
    for job_id in expired:
        print_text(job_id)
    say(f"{len(expired)} jobs would be deleted")


@app.command(epilog=example("calculation-engine admin migrate"))
def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database's tables to the form that this version needs."""
    with server_part():
        from calculation_engine.db.database import Database
    database = Database(settings_of({}).database_url)
    try:
        before = database.version
        database.migrate()
        after = database.version
    finally:
        database.close()
    if as_json:
        print_json({"before": before, "after": after})
    else:
        print_text(f"schema {after}" + ("" if before == after else f", before {before or 'none'}"))
