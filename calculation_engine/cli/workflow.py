"""``calculation-engine workflow``: files that hold jobs, checked, drawn, and described to editors."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calculation_engine.cli.options import AsJson, Server, Token, TokenFile, example
from calculation_engine.cli.output import print_json, print_text, say
from calculation_engine.cli.session import connected
from calculation_engine.errors import Fault, InvalidInput

if TYPE_CHECKING:
    from rich.tree import Tree

    from calculation_engine.schemas.workflow import Workflow

app = typer.Typer(help="Check and draw workflow files.", no_args_is_help=True, rich_markup_mode=None)

File = Annotated[Path, typer.Argument(metavar="FILE", help="Job or workflow, YAML or JSON.")]


class Picture(StrEnum):
    """How a workflow is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


@app.command(epilog=example("calculation-engine workflow check examples/utopia.yaml"))
def check(
    file: File, *, server: Server = None, token: Token = None, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Tell all that is wrong with a file, with lines, before it runs; leaves with 1 when there is anything."""
    try:
        with connected(server, token, token_file) as client:
            faults = client.check(file)
    except InvalidInput as error:
        if not isinstance(error.__cause__, ModuleNotFoundError):
            raise
        say(f"only the language is checked, no module, config or input: {error.message} ({error.hint})")
        faults = _language_faults(file)
    if as_json:
        print_json({"file": str(file), "faults": [_fields(fault) for fault in faults]})
    else:
        for fault in faults:
            print_text(str(fault))
        say(f"{file}: {len(faults)} fault{'s' if len(faults) > 1 else ''}" if faults else f"{file} can run")
    if faults:
        raise typer.Exit(1)


@app.command(epilog=example("calculation-engine workflow show examples/clews-og-core.yaml"))
def show(
    file: File,
    *,
    picture: Annotated[Picture, typer.Option("--format", help="How it is drawn.")] = Picture.TEXT,
    as_json: AsJson = False,
) -> None:
    """Draw a workflow: in the terminal, as a Mermaid flowchart, or as an SVG picture."""
    from calculation_engine.client.drawing import svg
    from calculation_engine.client.graph import mermaid

    workflow = load_workflow(file)
    if as_json:
        print_json(workflow)
    elif picture is Picture.TEXT:
        from rich.console import Console

        Console(highlight=False, markup=False, soft_wrap=True).print(_tree(workflow, file.stem))
    else:
        typer.echo(mermaid(workflow) if picture is Picture.MERMAID else svg(workflow), nl=False)


@app.command(epilog=example("calculation-engine workflow schema"))
def schema(
    *, server: Server = None, token: Token = None, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    """Print the JSON Schema of workflow files, for an editor: with it, editors check and complete them."""
    with connected(server, token, token_file) as client:
        print_json(client.workflow_schema())


def load_workflow(file: Path) -> Workflow:
    """Return the workflow of a file; its modules and files may be absent here.

    Raises:
        InvalidInput: it is not readable, or no workflow; every fault with its place.
    """
    from pydantic import ValidationError

    from calculation_engine.client.document import load_document
    from calculation_engine.client.inputs import without_files
    from calculation_engine.client.places import located
    from calculation_engine.schemas.job import JobRequest, request_faults

    document, _ = without_files(load_document(file), file.parent)
    try:
        return JobRequest.model_validate(document).workflow
    except ValidationError as error:
        raise located(InvalidInput("not a workflow", faults=request_faults(error)), file) from error


def _language_faults(file: Path) -> list[Fault]:
    try:
        load_workflow(file)
    except InvalidInput as error:
        return list(error.faults) or [Fault("", error.message, error.hint)]
    return []


def _fields(fault: Fault) -> dict[str, Any]:
    place = {"line": fault.place.line, "column": fault.place.column} if fault.place else {"line": None, "column": None}
    return place | {"path": fault.path, "message": fault.message, "hint": fault.hint}


def _tree(workflow: Workflow, title: str) -> Tree:
    from rich.tree import Tree

    tree = Tree(title)
    for column in _columns(workflow):
        _add(tree, workflow, column)
    return tree


def _columns(workflow: Workflow) -> list[str]:
    from calculation_engine.client.graph import layers

    return [name for column in layers(workflow) for name in column]


def _add(tree: Tree, workflow: Workflow, name: str, number: str = "") -> None:
    from calculation_engine.client.graph import WORDS
    from calculation_engine.schemas.workflow import Process

    part = workflow.find_process(name) or workflow.find_component(name)
    assert part is not None
    if isinstance(part, Process):
        module = f"  {part.module}" if part.module != name else ""
        pipes = [f"{label} <- {pipe.process}.{pipe.label}" for label, pipe in part.pipes.items()]
        tree.add(f"{number}{name}{module}" + (f"  ({', '.join(pipes)})" if pipes else ""))
        return
    branch = tree.add(f"{number}{name}: {WORDS.get(part.type, part.type)}")
    for place, child in enumerate(part.children, 1):
        _add(branch, workflow, child, "" if part.type == "group" else f"{place}. ")
