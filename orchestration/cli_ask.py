"""Verbs that put a question to a device or a server by hand: `query`. Its signature is in commands/query.py."""

import typer

from orchestration.commands.query import query

PANEL = "Ask"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command(rich_help_panel=PANEL)(query)
