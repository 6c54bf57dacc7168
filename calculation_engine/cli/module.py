"""``calculation-engine module``: packaged solvers."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calculation_engine.cli import trials
from calculation_engine.cli.options import AsJson, Server, Token, TokenFile, example
from calculation_engine.cli.output import print_json, print_table, print_text, say
from calculation_engine.cli.session import connected, server_part, settings_of
from calculation_engine.errors import Conflict, Fault, ImageMissing, InvalidInput, NotFound

if TYPE_CHECKING:
    from calculation_engine.executors._docker_images import Image
    from calculation_engine.executors.base import Program
    from calculation_engine.modules.catalogue import Module

app = typer.Typer(help="List, make, build and test modules.", no_args_is_help=True, rich_markup_mode=None)
_NAME = r"[a-z][a-z0-9_]{0,62}"
_TEMPLATE = "_template"
_DOCKER = "docker"


@app.command("list", epilog=example("calculation-engine module list"))
def list_(*, server: Server = None, token: Token = None, token_file: TokenFile = None, as_json: AsJson = False) -> None:
    """List the modules that can be run."""
    with connected(server, token, token_file) as client:
        modules = client.modules()
    if as_json:
        print_json(modules)
    else:
        rows = [(one["name"], one["version"], one["fault"] or one["title"]) for one in modules]
        print_table(("name", "version", "title"), rows)


@app.command(epilog=example("calculation-engine module show cbc"))
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a module.")],
    *,
    server: Server = None,
    token: Token = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what a module reads, writes and may use."""
    with connected(server, token, token_file) as client:
        if as_json:
            print_json(client.module_document(name))
            return
        manifest = client.module(name)
    print_text(f"{manifest.name} {manifest.version}: {manifest.title}")
    print_text(f"licence {manifest.licence}, {manifest.source}")
    if manifest.description:
        print_text(f"\n{manifest.description.strip()}")
    for title, slots in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        print_text(f"\n{title}")
        rows = [(s.label, s.kind, "required" if s.required else "optional", s.path, s.description) for s in slots]
        if rows:
            print_table(("label", "kind", "", "path", "description"), rows, indent="  ")
        if title == "inputs":
            for rule in manifest.rules_of_inputs():
                print_text(f"  {rule}")
    print_text("\nlimits")
    for key, value in manifest.resources:
        print_text(f"  {key:<11} {_limit(key, value)}")


def _limit(key: str, value: Any) -> str:
    readable = getattr(value, "human_readable", None)  # of a number of bytes
    if readable is not None:
        return str(readable(separator=" "))
    return f"{value:g} s" if key == "time_limit" else str(value)


@app.command(epilog=example("calculation-engine module new heat_pump --folder modules"))
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the module: small letters, digits and _.")],
    *,
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Folder that the module's folder is made in.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Make a module of your own that runs as it is."""
    with server_part():
        from calculation_engine.modules.catalogue import Catalogue, built_in_folder
    if not re.fullmatch(_NAME, name):
        raise InvalidInput(f"module name: expected small letters, digits and _, a letter first, got {name!r}")
    target = folder / name
    if target.exists():
        raise Conflict(f"{target} is there already", hint="choose another name or --folder")
    shutil.copytree(built_in_folder() / _TEMPLATE, target, ignore=shutil.ignore_patterns("__pycache__"))
    for file in target.rglob("*"):
        if file.is_file():
            file.write_text(re.sub(r"\b_?template\b", name, file.read_text()))
    if as_json:
        print_json({"module": name, "folder": target.absolute()})
        return
    print_text(str(target))
    found = {path.resolve() for path in Catalogue(settings_of({}).module_path).folders}
    if folder.resolve() not in found:
        say(f"to have it found: export CE_MODULE_PATH={folder.absolute()}")
    say(f"then try it: calculation-engine module test {name}")


@app.command(epilog=example("calculation-engine module build heat_pump"))
def build(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Names of modules.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every module that is found.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Build also what is up to date, with nothing of an earlier build.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build the container images of modules whose code has changed."""
    with server_part():
        from calculation_engine.executors.docker import DockerExecutor
        from calculation_engine.executors.registry import make_executor
        from calculation_engine.modules.catalogue import Catalogue
    if bool(names) == every:
        raise InvalidInput("expected names of modules, or --all", hint="`ce module list` shows them")
    settings = settings_of({})
    catalogue = Catalogue(settings.module_path)
    built: dict[str, Image] = {}
    faults: list[Fault] = []
    with closing(make_executor(_DOCKER, settings.executors.get(_DOCKER, {}), settings.data_dir)) as executor:
        assert isinstance(executor, DockerExecutor)
        executor.check()
        wanted = catalogue.names() if every else list(dict.fromkeys(names or []))
        for number, name in enumerate(wanted, 1):
            place = f"[{number}/{len(wanted)}] " if len(wanted) > 1 else ""
            try:
                built[name] = executor.build(_program(catalogue.get(name)), partial(_say_at, place), anew=force)
            except (NotFound, InvalidInput, ImageMissing) as error:  # the others are built all the same
                own = [Fault(f"{name}: {fault.path}", fault.message, fault.hint) for fault in error.faults]
                faults += own or [Fault(name, error.message, error.hint)]
    if as_json:
        print_json({name: {"image": image.name, "new": image.is_new} for name, image in built.items()})
    else:
        rows = [(name, image.name, "new" if image.is_new else "up to date") for name, image in built.items()]
        print_table(("module", "image", ""), rows)
    if faults:
        missing = len({fault.path.partition(":")[0] for fault in faults})
        raise ImageMissing(f"{missing} of {missing + len(built)} images are not there", faults=faults)


trials.add_to(app)


def _say_at(place: str, line: str) -> None:
    say(place + line)


def _program(module: Module) -> Program:
    from calculation_engine.executors.base import Program

    manifest = module.manifest
    return Program(
        name=manifest.name,
        version=manifest.version,
        content_hash=module.content_hash,
        command=tuple(manifest.command),
        image=manifest.image.reference,
        folder=module.folder,
        shared=module.shared,
        python=manifest.python,
        requirements=module.requirements,
    )
