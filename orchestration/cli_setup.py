"""Verbs around a home's beginning: `init`, `doctor`, `demo`. Signatures and help only; see commands/."""

import importlib
from pathlib import Path
from typing import Annotated

import typer

PANEL = "Begin"
Json = Annotated[bool, typer.Option("--json", help="print one JSON object instead of tables")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (init, doctor, demo):
        app.command(rich_help_panel=PANEL)(verb)


def init(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="the home to make", file_okay=False)],
) -> None:
    """Make a new home with explained reference files. Never overwrites anything."""
    _ = context
    importlib.import_module("orchestration.commands.init").make_home(directory)


def doctor(
    context: typer.Context,
    feed: Annotated[str | None, typer.Option(help="check this feed alone")] = None,
    as_json: Json = False,
) -> None:
    """Check configuration, reach every source, try one parse. Writes nothing."""
    homes = importlib.import_module("orchestration.commands.homes")
    settings = homes.settings(context.obj)
    importlib.import_module("orchestration.commands.doctor").examine(settings, feed=feed, as_json=as_json)


def demo(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="business days of the emulated chain")] = 14,
    seed: Annotated[int, typer.Option(help="another seed, another chain")] = 7,
    keep: Annotated[bool, typer.Option("--keep", help="keep an earlier demo and make a home beside it")] = False,
    as_json: Json = False,
) -> None:
    """Run an emulated chain through the whole system and compare the marts with its truth.

    The home is `demo` under the usual home, made anew each time; with --home it is exactly that directory.
    """
    module = importlib.import_module("orchestration.commands.demo")
    module.run_demo(context.obj, days=days, seed=seed, keep=keep, as_json=as_json)
