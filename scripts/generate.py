"""Writes docs/reference from the code: settings, command line, states, schemas, the API's description."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import json
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command

from calculation_engine import states
from calculation_engine.api.openapi import openapi_document
from calculation_engine.api.table import ROUTES
from calculation_engine.cli.main import make_app, run_command
from calculation_engine.executors.registry import executor_class, executor_names
from calculation_engine.schemas.document import document_schema
from calculation_engine.schemas.job import JobRequest
from calculation_engine.schemas.module import Manifest
from calculation_engine.settings import Settings

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
ENV_EXAMPLE = ROOT / ".env.example"
GENERATED = "<!-- written by scripts/generate -->\n"


def main() -> int:
    """Write the files, or with ``--check`` compare them; 1 when one is not up to date."""
    os.environ.update(COLUMNS="100", TERM="dumb", NO_COLOR="1")
    files = dict(documents())
    if "--check" not in sys.argv:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (FOLDER / name).write_text(text)
        return 0
    stale = [name for name, text in files.items() if not _is(FOLDER / name, text)]
    stale += sorted(path.name for path in FOLDER.iterdir() if path.name not in files)
    for name in stale:
        print(f"docs/reference/{name} is not up to date: run ./scripts/generate")
    return 1 if stale else 0


def documents() -> Iterator[tuple[str, str]]:
    """Yield each file's name and text."""
    yield "settings.md", settings_page()
    yield "states.md", states_page()
    yield "command-line.md", command_line_page()
    yield "job.schema.json", schema(JobRequest)
    yield "module.schema.json", schema(Manifest)
    yield "workflow.schema.json", json.dumps(document_schema(), indent=2, ensure_ascii=False) + "\n"
    yield "openapi.yaml", openapi()
    yield f"../../{ENV_EXAMPLE.name}", env_example()


def settings_page() -> str:
    """Return the page of all settings, those of each executor included."""
    lines = [
        GENERATED,
        "# Settings\n",
        "Environment over file over default. The file is `calculation-engine.toml` in the folder where the server is",
        "started, or what `CE_SETTINGS` names. A setting that is not listed here is refused.\n",
        "| setting | environment | default | what it is |",
        "|---|---|---|---|",
        *_rows(Settings, "CE_"),
    ]
    for name in executor_names():
        options = executor_class(name).Options
        if options.model_fields:
            lines += [
                f"\n## Executor `{name}`\n",
                f"In the file under `[executors.{name}]`.\n",
                "| setting | environment | default | what it is |",
                "|---|---|---|---|",
                *_rows(options, f"CE_EXECUTORS__{name.upper()}__"),
            ]
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined:
            shown = "required"
        elif name == "data_dir":
            shown = "the user's data folder"
        else:
            shown = f"`{default}`" if default not in (None, "", [], {}) else "none"
        text = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{name}` | `{prefix}{name.upper()}` | {shown} | {text} |"


def env_example() -> str:
    """Return the example of docker-compose.yaml's settings: its hand-written head, then every setting of the server."""
    mark = "# --- settings of the server"
    head, _, rest = ENV_EXAMPLE.read_text().partition(mark)
    service = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]["ce"]
    fixed = {name for name, value in service["environment"].items() if f"${{{name}" not in str(value)}
    lines = [mark + rest.partition("\n")[0], "", f"# docker-compose.yaml sets {', '.join(sorted(fixed))}."]
    lines += _env_lines(Settings, "CE_", fixed)
    for name in executor_names():
        lines += _env_lines(executor_class(name).Options, f"CE_EXECUTORS__{name.upper()}__", fixed)
    return head + "\n".join(lines) + "\n"


def _env_lines(model: type[BaseModel], prefix: str, fixed: set[str]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        if variable in fixed or name == "executors":
            continue
        value = field.get_default(call_default_factory=True)
        value = "" if value in (None, PydanticUndefined) else value
        shown = ",".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else value
        yield "\n" + "\n".join(
            textwrap.wrap(" ".join((field.description or "").split()), 118, initial_indent="# ", subsequent_indent="# ")
        )
        yield f"# {variable}={shown}"


def states_page() -> str:
    """Return the page of states, reasons and verdicts, with what the code says beside each word."""
    lines = [GENERATED, "# States, reasons, verdicts\n"]
    lines.append(
        "Three fields that are never mixed: where a job or step stands, why it ended so, what a solver said.\n"
    )
    comments = _comments(inspect.getsource(states))
    for kind in (states.State, states.Reason, states.SolverStatus):
        lines += [f"## {kind.__name__}\n", f"{(kind.__doc__ or '').strip()}\n", "| word | what it means |", "|---|---|"]
        lines += [f"| `{word.value}` | {comments.get((kind.__name__, word.name), '')} |" for word in kind]
        lines.append("")
    return "\n".join(lines)


def _comments(source: str) -> dict[tuple[str, str], str]:
    rows = source.splitlines()
    found = {}
    for node in (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)):
        for item in node.body:
            if (
                isinstance(item, ast.Assign)
                and isinstance(node, ast.ClassDef)
                and isinstance(item.targets[0], ast.Name)
            ):
                found[node.name, item.targets[0].id] = rows[item.lineno - 1].partition("#: ")[2]
    return found


def command_line_page() -> str:
    """Return every command's help."""
    lines = [GENERATED, "# Command line\n", "`ce` is short for `calculation-engine`.\n"]

    def add(command: object, words: list[str]) -> None:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            run_command([*words, "--help"])
        title = " ".join(["calculation-engine", *words])
        lines.extend([f"## {title}\n", "```text", output.getvalue().rstrip(), "```\n"])
        for name, child in getattr(command, "commands", {}).items():
            add(child, [*words, name])

    add(get_command(make_app()), [])
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def schema(model: type[BaseModel]) -> str:
    """Return a model's JSON Schema."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def openapi() -> str:
    """Return the API's description."""
    return yaml.safe_dump(openapi_document(ROUTES, tokens=True), sort_keys=False, allow_unicode=True, width=120)


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
