"""``calculation-engine doctor``: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from calculation_engine import __version__
from calculation_engine.cli.options import AsJson, example
from calculation_engine.cli.output import print_json, print_table, print_text
from calculation_engine.cli.session import server_part, settings_of
from calculation_engine.errors import CalculationEngineError, InvalidInput

if TYPE_CHECKING:
    from calculation_engine.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    fine: bool
    detail: str
    needed: bool = True  #: whether nothing works without it


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("calculation-engine doctor --json"))(doctor)


def doctor(*, as_json: AsJson = False) -> None:
    """Tell what is installed here, what is missing, and every setting with its origin.

    Ends with exit code 1 when something is missing that jobs need here.
    """
    try:
        settings = settings_of({})
    except InvalidInput as error:
        findings, rows = [*_interpreter(), Finding("settings", fine=False, detail=str(error))], []
    else:
        findings = [*_interpreter(), *_data(settings), *_modules(settings), *_executors(settings)]
        rows = _settings(settings)
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings], "settings": rows})
    else:
        print_table(("", "what", "detail"), [(_mark(finding), finding.what, finding.detail) for finding in findings])
        print_text("")
        print_table(("setting", "value", "origin"), [(row["name"], row["value"], row["origin"]) for row in rows])
    if any(finding.needed and not finding.fine for finding in findings):
        raise typer.Exit(1)


def _interpreter() -> Iterator[Finding]:
    version = f"{platform.python_version()}, {sys.executable}, {platform.system()} {platform.machine()}"
    yield Finding("calculation-engine", fine=True, detail=__version__)
    yield Finding("python", fine=sys.version_info >= (3, 12), detail=version)


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    writable = nearest.is_dir() and os.access(nearest, os.W_OK)
    remark = "" if folder.exists() else " (made at the first start)"
    yield Finding("data folder", fine=writable, detail=f"{folder}{remark if writable else ': not writable'}")
    yield _database(settings)


def _database(settings: Settings) -> Finding:
    with server_part():
        from calculation_engine.db.database import Database
    kind = settings.database_url.partition("://")[0]
    default = settings.database is None and settings.database_file is None
    if default and not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        return Finding("database", fine=True, detail=f"{kind}, made at the first start")
    try:
        database = Database(settings.database_url)
        try:
            database.check()
        finally:
            database.close()
    except CalculationEngineError as error:
        return Finding("database", fine=False, detail=f"{kind}: {error}")
    return Finding("database", fine=True, detail=kind)


def _modules(settings: Settings) -> Iterator[Finding]:
    with server_part():
        from calculation_engine.modules.catalogue import Catalogue
    catalogue = Catalogue(settings.module_path)
    names = catalogue.names()
    if not names:
        folders = ", ".join(map(str, catalogue.folders))
        yield Finding("modules", fine=False, detail=f"none in {folders}; name a folder with CE_MODULE_PATH")
    for name in names:
        try:
            manifest = catalogue.get(name).manifest
        except CalculationEngineError as error:
            yield Finding(f"module {name}", fine=False, detail=str(error))
        else:
            yield Finding(f"module {name}", fine=True, detail=f"{manifest.version}, {manifest.title}")


def _executors(settings: Settings) -> Iterator[Finding]:
    with server_part():
        from calculation_engine.executors.registry import executor_names, make_executor
    for name in executor_names():
        needed = name == settings.executor
        try:
            executor = make_executor(name, settings.executors.get(name, {}), settings.data_dir)
            try:
                executor.check()
                detail = "; ".join(f"{key}: {value}" for key, value in executor.capabilities.detail.items())
            finally:
                executor.close()
        except CalculationEngineError as error:
            yield Finding(f"executor {name}", fine=False, detail=str(error), needed=needed)
        else:
            yield Finding(f"executor {name}", fine=True, detail=detail, needed=needed)


def _settings(settings: Settings) -> list[dict[str, str]]:
    from calculation_engine.settings import origins

    found = origins()
    return [
        {"name": name, "value": str(getattr(settings, name)), "origin": found.get(name, "default")}
        for name in type(settings).model_fields
    ]


def _mark(finding: Finding) -> str:
    if finding.fine:
        return "ok"
    return "MISSING" if finding.needed else "absent"
