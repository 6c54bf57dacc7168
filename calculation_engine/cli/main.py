"""The command ``calculation-engine``, short ``ce``."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from calculation_engine import __version__
from calculation_engine.cli import admin, doctor, job, module, run, serve, slot, workflow
from calculation_engine.cli.output import print_error, print_text, say
from calculation_engine.errors import CalculationEngineError

EXIT_FINE, EXIT_YOURS, EXIT_OURS = 0, 1, 2


@dataclass
class Switches:
    """What holds for the whole run of the command."""

    debug: bool = False


def make_app() -> typer.Typer:
    """Return the command with all its nouns and verbs."""
    app = typer.Typer(
        name="calculation-engine",
        help="Run scientific models: alone, chained, or coupled until they agree.",
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help comes three times as fast
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    run.add_to(app)
    serve.add_to(app)
    doctor.add_to(app)
    app.add_typer(job.app, name="job")
    app.add_typer(slot.app, name="slot")
    app.add_typer(module.app, name="module")
    app.add_typer(workflow.app, name="workflow")
    app.add_typer(admin.app, name="admin")
    return app


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 fine, 1 the user's fault, 2 ours.

    Args:
        arguments: without the program's name.
    """
    switches = Switches()
    try:
        code = make_app()(list(arguments), standalone_mode=False, prog_name="calculation-engine", obj=switches)
    except typer.TyperException as error:
        # Its own exit code for a wrong option is 2, which means "ours" here.
        _show_usage(error)
        return EXIT_YOURS
    except CalculationEngineError as error:
        if switches.debug:
            traceback.print_exc()
        print_error(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader, `head` say, has enough; nothing may be flushed into the closed pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_YOURS
    except OSError as error:
        if switches.debug:
            traceback.print_exc()
        say(f"error: {error.filename or 'the system'}: {error.strerror or error}")
        return EXIT_YOURS
    except Exception as error:  # noqa: BLE001 - the last place that can tell the user
        if switches.debug:
            traceback.print_exc()
        say(f"error: internal error: {type(error).__name__}: {error}")
        say("hint: this is not your fault; `calculation-engine --debug ...` tells where it happened")
        return EXIT_OURS
    return code if isinstance(code, int) else EXIT_FINE


def _print_version(asked: bool) -> None:
    if asked:
        print_text(__version__)
        raise typer.Exit


def _root(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", envvar="CE_DEBUG", help="Show where an error happened.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    context.obj.debug = debug


def _show_usage(error: typer.TyperException) -> None:
    show = getattr(error, "show", None)
    if show is not None:
        show()
    else:
        say(f"error: {error}")
