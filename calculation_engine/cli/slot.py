"""``calculation-engine slot``: named places that a newer job takes over from an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli.options import AsJson, Server, Token, TokenFile, example
from calculation_engine.cli.output import local_time, print_json, print_table, print_text
from calculation_engine.cli.session import connected

if TYPE_CHECKING:
    from calculation_engine.schemas.job import JobSummary, SlotView

app = typer.Typer(help="Show what stands in slots.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list", epilog=example("calculation-engine slot list"))
def list_(
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List the slots that have a job: each with its newest job, its last result, and whether that is outdated."""
    with connected(server, token, token_file) as client:
        slots = client.slots()
    if as_json:
        print_json(slots)
        return
    rows = [
        (
            slot.name,
            _short(slot.newest),
            slot.newest and slot.newest.state,
            slot.newest and local_time(slot.newest.created),
            _short(slot.result),
            _standing(slot),
        )
        for slot in slots
    ]
    print_table(("slot", "newest job", "state", "created", "last result", ""), rows)


@app.command(epilog=example("calculation-engine slot show baseline"))
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the slot.")],
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show a slot's newest job and its last result, which stays until the newest job has succeeded."""
    with connected(server, token, token_file) as client:
        slot = client.slot(name)
    if as_json:
        print_json(slot)
        return
    print_text(slot.name)
    print_text(f"newest job   {_line(slot.newest) or 'deleted'}")
    print_text(f"last result  {_line(slot.result) or 'none has succeeded yet'}")
    if _standing(slot):
        print_text(f"             {_standing(slot)}")


def _standing(slot: SlotView) -> str:
    if not slot.is_outdated or slot.newest is None:
        return ""
    return f"outdated: the newest job is {slot.newest.state}"


def _line(job: JobSummary | None) -> str:
    if job is None:
        return ""
    parts = [_short(job), job.state, local_time(job.ended or job.created), job.name, " ".join(job.message.split())]
    return "  ".join(part for part in parts if part)


def _short(job: JobSummary | None) -> str:
    from calculation_engine.client.ids import short_id

    return "" if job is None else short_id(job.id)
