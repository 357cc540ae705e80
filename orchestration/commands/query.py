"""`query`: a counter's questions built, printed, copied, sent. The signature alone; the work is in query_device.py.

It does on any system what the vendor's Data Integration Tool does on Windows: the same five kinds of question.
"""

import importlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from orchestration.cli_setup import Json

_DAY = ["%Y-%m-%d", "%Y%m%d"]
_TIME = ["%H:%M:%S", "%H:%M", "%H%M%S"]


class What(StrEnum):
    """The kinds of question, as the vendor's tool lists them."""

    TOKEN = "token"  # noqa: S105 - a word of the command line
    HOURLY = "hourly"
    MINUTES = "minutes"
    SECONDS = "seconds"
    LAST60 = "last60"


class Language(StrEnum):
    """The languages of a snippet."""

    CURL = "curl"
    PYTHON = "python"
    POWERSHELL = "powershell"


def query(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="token, hourly, minutes, seconds, or last60 (inferred)")],
    feed: Annotated[str | None, typer.Option(help="a footfallcam_device feed; the only one when not named")] = None,
    device: Annotated[str | None, typer.Option(help="a counter of counters.csv, or an address")] = None,
    day: Annotated[datetime | None, typer.Option("--date", formats=_DAY, help="a day; else yesterday")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="the last day, included")] = None,
    time_start: Annotated[datetime | None, typer.Option(formats=_TIME, help="from this time of each day")] = None,
    time_end: Annotated[datetime | None, typer.Option(formats=_TIME, help="to this time of each day")] = None,
    resolution: Annotated[int | None, typer.Option(help="1, 5, 10, 15, 30 or 60 minutes or seconds")] = None,
    xml: Annotated[bool, typer.Option("--xml", help="ask for XML instead of JSON")] = False,
    print_url: Annotated[bool, typer.Option("--print-url", help="print the address alone, secrets masked")] = False,
    snippet: Annotated[Language | None, typer.Option(help="print a program that asks; it reads the secret")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="put the text on the clipboard as well")] = False,
    send: Annotated[bool, typer.Option("--send", help="ask, and show what comes; nothing is kept")] = False,
    as_json: Json = False,
) -> None:
    """Build a question to a FootfallCam counter: print it, copy it, send it. Secrets stay masked."""
    work = importlib.import_module("orchestration.commands.query_device")
    choice = work.Choice(
        what=what.value,
        feed=feed,
        device=device,
        first=day.date() if day else None,
        last=until.date() if until else None,
        time_start=time_start.time() if time_start else None,
        time_end=time_end.time() if time_end else None,
        resolution=resolution,
        is_xml=xml,
    )
    settings = importlib.import_module("orchestration.commands.homes").settings(context.obj)
    question = work.build(settings, choice)
    screen = importlib.import_module("orchestration.commands.query_show")
    if send:
        screen.send(settings, question, as_json=as_json)
        return
    text = importlib.import_module("orchestration.commands.query_snippet").written(question, snippet)
    screen.show(question, text, only_text=print_url or snippet is not None, copy=copy, as_json=as_json)
