"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Server = Annotated[
    str | None,
    typer.Option(
        envvar="CE_SERVER",
        metavar="URL",
        help="Server to ask; without one, the jobs of this machine's data folder are meant.",
    ),
]
Token = Annotated[str | None, typer.Option(envvar="CE_TOKEN", help="Token of a server that asks for one.")]
TokenFile = Annotated[
    Path | None, typer.Option(envvar="CE_TOKEN_FILE", help="File that holds the token, so that no history keeps it.")
]
AsJson = Annotated[bool, typer.Option("--json", envvar="CE_JSON", help="Print one JSON document instead of text.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="Id of a job, or a beginning of it that is unique.")]


def example(command: str) -> str:
    """Return the last line of a command's help."""
    return f"\b\nExample: {command}"  # \b keeps the line whole
