"""The command `footfall`: the application, its global options, and how errors end. The verbs stand in cli_*.py.

Nothing heavy is imported here or there: a verb's own module under commands/ is loaded when the verb runs, so that
`--help` and the verbs that only read start at once. Exit codes: 0 done, 1 done with failures listed, 2 wrong usage or
configuration. An unexpected error keeps its traceback.
"""

import atexit
import contextlib
import gc
import importlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from orchestration import cli_ask, cli_look, cli_setup, cli_work


class Verbs(TyperGroup):
    """All verbs. Takes `--home` before or after the verb, and turns configuration errors into one line and exit 2."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move `--home DIR` in front of the verb."""
        front: list[str] = []
        rest: list[str] = []
        waiting = list(args)
        while waiting:
            word = waiting.pop(0)
            if word == "--":
                rest += [word, *waiting]
                break
            if word.startswith("--home="):
                front.append(word)
            elif word == "--home":
                front += [word, *waiting[:1]]
                del waiting[:1]
            else:
                rest.append(word)
        return super().parse_args(ctx, front + rest)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, typer.Exit | typer.Abort) or hasattr(error, "format_message"):
                raise  # an ending, or wrong usage: the framework tells it
            line = importlib.import_module("orchestration.commands.mistakes").told(error)
            if line is None:
                raise
            typer.echo(f"footfall: {line}", err=True)
            raise typer.Exit(2) from error


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"footfall {version('footfall')}")
        except PackageNotFoundError:
            typer.echo("footfall (running from a checkout that is not installed)")
        raise typer.Exit


app = typer.Typer(cls=Verbs, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback(context_settings={"help_option_names": ["-h", "--help"]})
def _footfall(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="the directory of state; else the environment's FOOTFALL_HOME, else ./data", file_okay=False),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and stop")
    ] = False,
) -> None:
    """How many people came into each shop, how many bought, and whether that number can be trusted."""
    context.obj = home


for _group in (cli_setup, cli_work, cli_look, cli_ask):
    _group.register(app)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding lacks must not end the command
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Dagster and dbt make a million objects that stay. Collecting garbage walks them, by default often, and taking them
    # apart one by one at the end lasts a second: registered first, so every other ending has been done by then.
    gc.set_threshold(50_000, 20, 50)
    status = [1]
    atexit.register(_leave, status)
    try:
        app(prog_name="footfall")
    except SystemExit as ending:
        status[0] = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
        raise


def _leave(status: list[int]) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status[0])


if __name__ == "__main__":
    main()
