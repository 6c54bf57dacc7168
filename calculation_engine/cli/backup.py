"""``calculation-engine admin backup`` and ``restore``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calculation_engine.cli.options import AsJson, example
from calculation_engine.cli.output import print_json, print_text, say
from calculation_engine.cli.session import server_part, settings_of

if TYPE_CHECKING:
    from calculation_engine.db.database import Database
    from calculation_engine.engine.archive.backup import Made
    from calculation_engine.settings import Settings
    from calculation_engine.store import Store

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of backups, best on another disk.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("calculation-engine admin backup backups"))(backup)
    app.command(epilog=example("calculation-engine admin restore backups"))(restore)


def backup(folder: Folder, *, as_json: AsJson = False) -> None:
    """Save database, stored files and logs together, as they are at one instant.

    Jobs go on meanwhile. A further backup in the same folder copies what is new alone.
    """
    with server_part():
        from calculation_engine.engine.archive.backup import back_up
    with _opened() as (settings, database, store):
        database.check()
        kind = settings.database_url.partition(":")[0]
        made = back_up(database, store, settings.data_dir, folder, kind)
    _show(made, "saved", as_json=as_json)


def restore(
    folder: Folder,
    *,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Which backup; default: the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into an empty database and data folder; the kind of database may be another.

    Steps that had not ended are queued again.
    """
    with server_part():
        from calculation_engine.engine.archive.backup import find_backup
        from calculation_engine.engine.archive.backup import restore as bring_back
    path, manifest = find_backup(folder.absolute(), name)
    with _opened() as (settings, database, store):
        made = bring_back(database, store, settings.data_dir, path, manifest)
    _show(made, "restored", as_json=as_json)


@contextmanager
def _opened() -> Iterator[tuple[Settings, Database, Store]]:
    with server_part():
        from calculation_engine.db.database import Database
        from calculation_engine.store import Room, Store
    settings = settings_of({})
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    try:
        yield settings, database, Store(settings.data_dir, Room.of(settings))
    finally:
        database.close()


def _show(made: Made, verb: str, *, as_json: bool) -> None:
    from calculation_engine.engine.archive.backup import told
    from calculation_engine.store import bytes_text

    document = told(made)
    if as_json:
        print_json(document)
    else:
        print_text(
            f"{verb} {document['jobs']} jobs, {document['files']} files and {document['logs']} logs: {made.path} "
            f"({bytes_text(made.copied_bytes)} copied)"
        )
    if document["missing"]:
        say(f"warning: {len(document['missing'])} files were absent or damaged already; their jobs can be run again")
