"""``calculation-engine job list``: which jobs are meant, and a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer

from calculation_engine.cli.options import AsJson, Server, Token, TokenFile, example
from calculation_engine.cli.output import duration, local_time, print_json, print_table
from calculation_engine.cli.session import connected
from calculation_engine.errors import Fault, InvalidInput
from calculation_engine.states import State


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list", epilog=example("calculation-engine job list --state failed --since 2026-01-31"))(list_)


def list_(
    *,
    states: Annotated[
        list[str] | None,
        typer.Option("--state", help="queued, running, succeeded, failed or cancelled; repeatable, any of them."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only jobs stored then or later: a day, or a time as 2026-01-31T14:30."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only jobs stored before that time, or up to the end of that day."),
    ] = None,
    module: Annotated[str | None, typer.Option(help="Only jobs that run this module.")] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs whose name begins like this.")] = None,
    slot: Annotated[str | None, typer.Option(help="Only jobs that have or had this slot.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Only jobs with this tag; repeatable, all.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Only jobs of this owner; a server with tokens shows your own alone.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs, of those that are wanted."""
    faults: list[Fault] = []
    filters = {
        "state": _states(states or (), faults),
        "created_after": _time("--since", since, faults, whole_day=False),
        "created_before": _time("--until", until, faults, whole_day=True),
        "module": module,
        "name": name,
        "slot": slot,
        "owner": owner,
    }
    wanted = _tags(tags or (), faults)
    if faults:
        raise InvalidInput("which jobs are meant is not clear", faults=faults)
    with connected(server, token, token_file) as client:
        jobs = client.jobs(limit=limit, tags=wanted, **filters)
    if as_json:
        print_json([job.summary for job in jobs])
        return
    rows = [
        (
            job.short_id,
            job.state,
            local_time(job.summary.created),
            duration(job.summary.started, job.summary.ended),
            job.name,
            job.message,
        )
        for job in jobs
    ]
    print_table(("id", "state", "created", "time", "name", "message"), rows)


def _states(given: Sequence[str], faults: list[Fault]) -> list[str]:
    known = ", ".join(State)
    faults += [Fault("--state", f"expected one of {known}, got {one!r}") for one in given if one not in set(State)]
    return list(given)


def _tags(given: Sequence[str], faults: list[Fault]) -> dict[str, str]:
    pairs = [(one, *one.partition("=")) for one in given]
    faults += [
        Fault("--tag", f"expected KEY=VALUE, got {one!r}", "as in --tag country=NO")
        for one, key, sign, value in pairs
        if not (key and sign and value)
    ]
    return {key: value for _, key, _, value in pairs}


def _time(option: str, given: str | None, faults: list[Fault], *, whole_day: bool) -> str | None:
    """Return a time of this place as the API takes it.

    Args:
        option: that gave it.
        given: a day, or a time that may name its zone.
        faults: where it is told if it is neither.
        whole_day: whether a day is meant with all that happens on it.
    """
    if given is None:
        return None
    try:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            moment = datetime.fromisoformat(given)
        else:
            moment = datetime.combine(day + timedelta(days=int(whole_day)), time())
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        message = f"expected a day or a time, got {given!r}"
        faults.append(Fault(option, message, "as in 2026-01-31, 2026-01-31T14:30 or 2026-01-31T14:30:00Z"))
        return None
