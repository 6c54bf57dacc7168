"""Chains one module into another from the command line: see ``scripts/muses_cli``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calculation_engine.cli.main import EXIT_FINE, EXIT_YOURS, run_command
from calculation_engine.cli.output import print_error
from calculation_engine.cli.session import connected
from calculation_engine.client import Client
from calculation_engine.client.chaining import Link, chain_of_two
from calculation_engine.client.document import load_document
from calculation_engine.errors import CalculationEngineError, InvalidInput

_EXAMPLE = "example: ./scripts/muses_cli --eos-module NAME --input inputs/config.yaml --user-module NAME"


def main(arguments: Sequence[str]) -> int:
    """Run the command; 0 fine, 1 the user's fault, 2 ours."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        if given.help:
            parser.print_help()
            _print_modules(given.server)
            return EXIT_FINE
        return _run(given)
    except CalculationEngineError as error:
        print_error(error)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muses_cli",
        description="Run one module, then another on the output that has the label of one of its inputs.",
        epilog=_EXAMPLE,
        add_help=False,
    )
    parser.error = _refuse  # type: ignore[method-assign]  # its own exit code for the user's fault is 2
    add = parser.add_argument
    add("-h", "--help", action="store_true", help="show this, and the modules that there are")
    add("--eos-module", metavar="NAME", help="module that runs first: an equation of state, or any other")
    add("--input", type=Path, metavar="FILE", help="YAML or JSON file with its config")
    add("--eos-file", action="append", default=[], metavar="LABEL=PATH", help="file for one of its inputs; repeatable")
    add("--user-module", metavar="NAME", help="module that reads what the first one writes; none: the first runs alone")
    add("--user-input", type=Path, metavar="FILE", help="YAML or JSON file with the config of the second")
    add("--user-file", action="append", default=[], metavar="LABEL=PATH", help="file for another input of the second")
    add("--label", help="which label to take where several fit")
    add("--output", type=Path, metavar="DIR", help="folder for the results; default: results/<id of the job>")
    add("--server", default=os.environ.get("CE_SERVER"), metavar="URL", help="CE_SERVER; none: it runs on this machine")
    return parser


def _refuse(message: str) -> None:
    sys.stderr.write(f"error: {message}\nhint: ./scripts/muses_cli --help\n")
    raise SystemExit(EXIT_YOURS)


def _run(given: argparse.Namespace) -> int:
    if not given.eos_module:
        raise InvalidInput("--eos-module is not given", hint=_EXAMPLE)
    with connected(given.server, os.environ.get("CE_TOKEN"), None) as client:
        document = _document(client, given)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chain.json"
        file.write_text(json.dumps(document))
        options = ["--output", str(given.output)] if given.output else []
        options += ["--server", given.server] if given.server else []
        return run_command(["run", str(file), *options])


def _document(client: Client, given: argparse.Namespace) -> dict[str, Any]:
    first = _link(client, given.eos_module, given.input, given.eos_file)
    if not given.user_module:
        return {"module": first.manifest.name, "config": dict(first.config), "inputs": dict(first.inputs)}
    second = _link(client, given.user_module, given.user_input, given.user_file)
    return chain_of_two(first, second, given.label)


def _link(client: Client, name: str, config: Path | None, files: Sequence[str]) -> Link:
    inputs = {}
    for option in files:
        label, sign, path = option.partition("=")
        if not sign or not Path(path).expanduser().exists():
            raise InvalidInput(f"{option}: expected LABEL=PATH with a file or folder that is there")
        inputs[label] = str(Path(path).expanduser().absolute())
    return Link(client.module(name), load_document(config) if config else {}, inputs)


def _print_modules(server: str | None) -> None:
    with connected(server, os.environ.get("CE_TOKEN"), None) as client:
        print(f"\nmodules of {server or 'this machine'}:")
        for one in client.modules():
            print(f"  {one['name']:<16} {one['fault'] or one['title']}")
            if not one["fault"]:
                manifest = client.module(one["name"])
                print(f"  {'':<16} reads {_labels(manifest.inputs)}; writes {_labels(manifest.outputs)}")


def _labels(slots: Sequence[Any]) -> str:
    return ", ".join(slot.label for slot in slots) or "nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
