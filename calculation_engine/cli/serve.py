"""``calculation-engine serve`` and ``engine``: the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from calculation_engine.cli.options import AsJson, example
from calculation_engine.cli.output import print_json, print_text
from calculation_engine.cli.session import server_part, settings_of

Host = Annotated[str | None, typer.Option(envvar="CE_HOST", help="Address to listen on; default: 127.0.0.1.")]
Port = Annotated[int | None, typer.Option(envvar="CE_PORT", help="Port; 0 takes any free one. Default: 8081.")]
DataDir = Annotated[
    Path | None,
    typer.Option(envvar="CE_DATA_DIR", metavar="DIR", help="Folder of files, logs and the default database."),
]
Database = Annotated[
    str | None,
    typer.Option(envvar="CE_DATABASE", metavar="URL", help="SQLAlchemy URL; default: SQLite in the data folder."),
]
Executor = Annotated[
    str | None,
    typer.Option(envvar="CE_EXECUTOR", help="Where steps run whose process names no executor: local, docker."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("calculation-engine serve --port 0"))(serve)
    app.command(epilog=example("calculation-engine engine --data-dir shared"))(engine)


def serve(
    *,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    database: Database = None,
    executor: Executor = None,
    no_engine: Annotated[bool, typer.Option("--no-engine", help="Answer requests, but run no step.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the API, and run the steps of its jobs, until it is stopped.

    All settings: `calculation-engine doctor`. Further engines may share the database and the data folder.
    """
    given = {"host": host, "port": port, "data_dir": data_dir, "database": database, "executor": executor}
    _serve(given, with_api=True, with_engine=not no_engine, as_json=as_json)


def engine(
    *, data_dir: DataDir = None, database: Database = None, executor: Executor = None, as_json: AsJson = False
) -> None:
    """Run the steps of a database and data folder, without an API, until it is stopped."""
    given = {"data_dir": data_dir, "database": database, "executor": executor}
    _serve(given, with_api=False, with_engine=True, as_json=as_json)


def _serve(given: Mapping[str, object], *, with_api: bool, with_engine: bool, as_json: bool) -> None:
    with server_part():
        from calculation_engine.api.server import serve as serve_until_stopped
        from calculation_engine.logs import configure_logs
    settings = settings_of(given)
    configure_logs(settings.log_level, settings.log_format)

    def ready(address: str) -> None:
        if as_json:
            print_json({"server": address or None, "data_dir": settings.data_dir, "engine": with_engine})
        elif address:
            print_text(f"serving at {address}")
        else:
            print_text(f"running the steps of {settings.data_dir}")

    serve_until_stopped(settings, with_api=with_api, with_engine=with_engine, ready=ready)
