"""Verbs that only read: `status`, `explain`, `verify`, `backtest`. Signatures and help only; see commands/."""

import importlib
from datetime import datetime
from typing import Annotated

import typer

from orchestration.cli_setup import Json
from orchestration.cli_work import From, To

PANEL = "Look"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (status, explain, verify, backtest):
        app.command(rich_help_panel=PANEL)(verb)


def status(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=60, help="how many business days of deliveries to show")] = 3,
    as_json: Json = False,
) -> None:
    """Show deliveries, outages, unreadable files, freshness, backlog and the last runs."""
    settings = importlib.import_module("orchestration.commands.homes").existing(context.obj)
    importlib.import_module("orchestration.commands.status").show(settings, days=days, as_json=as_json)


def explain(
    context: typer.Context,
    branch: Annotated[str, typer.Argument(metavar="BRANCH", help="branch code")],
    day: Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="business day")],
    as_json: Json = False,
) -> None:
    """Tell how a branch-day's number came about: counters, states, files, rejected rows, sales, revisions."""
    settings = importlib.import_module("orchestration.commands.homes").existing(context.obj)
    importlib.import_module("orchestration.commands.explain").show(settings, branch, day.date(), as_json=as_json)


def verify(
    context: typer.Context,
    published: Annotated[bool, typer.Option("--published", help="hash the published file alone")] = False,
    as_json: Json = False,
) -> None:
    """Hash every mart by content, and check that what is published equals the warehouse."""
    settings = importlib.import_module("orchestration.commands.homes").existing(context.obj)
    importlib.import_module("orchestration.commands.verify").show(settings, published=published, as_json=as_json)


def backtest(context: typer.Context, first: From = None, last: To = None, as_json: Json = False) -> None:
    """Mask counters that did count, and compare the estimates with the truth and with last week's same hour."""
    homes = importlib.import_module("orchestration.commands.homes")
    settings, window = homes.existing(context.obj), homes.window(first, last)
    importlib.import_module("orchestration.commands.backtest").show(settings, window, as_json=as_json)
