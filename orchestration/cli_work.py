"""Verbs that change state, each a run on the home's Dagster instance. Signatures and help only; see commands/."""

import importlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli_setup import Json

PANEL = "Work"
_DAY = ["%Y-%m-%d"]
Feeds = Annotated[list[str] | None, typer.Argument(metavar="FEED", help="feeds by name; all when none is named")]
From = Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="first business day")]
To = Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="last business day, included")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (ingest, import_, transform, publish, run, replay, retract, rebuild):
        app.command(verb.__name__.rstrip("_"), rich_help_panel=PANEL)(verb)


def _work(context: typer.Context, first: datetime | None = None, last: datetime | None = None) -> tuple[Any, Any, Any]:
    """Return the module that works, the settings of the home, and the window; what is wrong is said before loading."""
    homes = importlib.import_module("orchestration.commands.homes")
    settings, window = homes.existing(context.obj), homes.window(first, last)
    return importlib.import_module("orchestration.commands.work"), settings, window


def ingest(
    context: typer.Context, feeds: Feeds = None, first: From = None, last: To = None, as_json: Json = False
) -> None:
    """Fetch, land and parse: whatever is new, or the named business days."""
    work, settings, window = _work(context, first, last)
    work.ingest(settings, feeds or None, window, as_json=as_json)


def import_(
    context: typer.Context,
    feed: Annotated[str, typer.Argument(metavar="FEED", help="the feed that the files are of")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="files in hand", exists=True, dir_okay=False, readable=True)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="report what would happen and write nothing")] = False,
    now: Annotated[
        bool, typer.Option("--now", help="count the files as delivered now, so that they replace what came before")
    ] = False,
    then_run: Annotated[bool, typer.Option("--run", help="transform and publish afterwards")] = False,
    as_json: Json = False,
) -> None:
    """Take files in hand: manual uploads of sales, exports, a vendor's monthly file."""
    settings = importlib.import_module("orchestration.commands.homes").existing(context.obj)
    module = importlib.import_module("orchestration.commands.importing")
    module.import_files(settings, feed, files, dry_run=dry_run, now=now, then_run=then_run, as_json=as_json)


def transform(
    context: typer.Context,
    first: From = None,
    last: To = None,
    full: Annotated[bool, typer.Option("--full", help="every business day, not only the touched ones")] = False,
    as_json: Json = False,
) -> None:
    """Rebuild the touched (and the named) business days in the warehouse."""
    work, settings, window = _work(context, first, last)
    work.transform(settings, window, full=full, as_json=as_json)


def publish(context: typer.Context, as_json: Json = False) -> None:
    """Make new published files and record what changed as revisions."""
    work, settings, _ = _work(context)
    work.publish(settings, as_json=as_json)


def run(context: typer.Context, as_json: Json = False) -> None:
    """Do what is due, then transform, then publish: one scheduled cycle."""
    work, settings, _ = _work(context)
    work.run(settings, as_json=as_json)


def replay(
    context: typer.Context, feeds: Feeds = None, first: From = None, last: To = None, as_json: Json = False
) -> None:
    """Parse again from landing, after a mapping was mended; all days when none are named."""
    work, settings, window = _work(context, first, last)
    work.replay(settings, feeds or None, window, as_json=as_json)


def retract(
    context: typer.Context,
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="its delivery_id, or the sha256 of its bytes")],
    reason: Annotated[str | None, typer.Option(help="why, in a few words; fct_delivery shows them")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="let a withdrawn delivery stand again")] = False,
    as_json: Json = False,
) -> None:
    """Withdraw a delivery that should not have been imported; what it had replaced stands again."""
    settings = importlib.import_module("orchestration.commands.homes").existing(context.obj)
    module = importlib.import_module("orchestration.commands.retract")
    module.retract(settings, delivery, reason, undo=undo, as_json=as_json)


def rebuild(context: typer.Context, as_json: Json = False) -> None:
    """Make raw files, warehouse and publication again from landing."""
    work, settings, _ = _work(context)
    work.rebuild(settings, as_json=as_json)
