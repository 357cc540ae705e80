"""`explain`: how one branch-day's number came about. Reads the published file alone, so anyone may ask any time."""

import difflib
from contextlib import closing
from datetime import date
from typing import Any

import duckdb
import typer

from orchestration.commands import explain_queries as ask
from orchestration.commands.explain_tables import print_explanation
from orchestration.commands.published_view import Rows, has
from orchestration.commands.screen import err, print_json, shown
from orchestration.publish.read import NothingPublished, last_published_at, open_published
from orchestration.settings import Settings

_SECTIONS = {  # section → the statement, and the mart without which there is nothing to ask
    "files": (ask.FILES, "fct_counter_lineage"),
    "other_deliveries": (ask.OTHER_DELIVERIES, "fct_counter_lineage"),
    "rejected_rows": (ask.REJECTED_ROWS, "fct_counter_lineage"),
    "anomalies": (ask.ANOMALIES, "fct_counter_anomaly"),
    "comparisons": (ask.COMPARISONS, "fct_reconciliation"),
    "revisions": (ask.REVISIONS, "branch_traffic_daily_revision"),
    "restatements": (ask.RESTATEMENTS, "fct_branch_restatement"),
}


def show(settings: Settings, branch: str, day: date, *, as_json: bool) -> None:
    """Print the explanation. Raises Exit(1) before the first publication, BadParameter for what was never published."""
    try:
        with closing(open_published(settings.home)) as connection:
            found = gather(connection, branch, day)
    except NothingPublished as error:
        err().print(f"footfall: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    found["published_at"] = last_published_at(settings.home)
    if as_json:
        print_json(found)
    else:
        print_explanation(found)


def gather(connection: duckdb.DuckDBPyConnection, branch: str, day: date) -> dict[str, Any]:
    """Collect every section; a list is empty where there is nothing to tell."""
    place = _known_branch(connection, branch)
    asked = {"branch": branch, "day": day}
    figure = _rows(connection, ask.FIGURE, asked)
    if not figure:
        (days,) = _rows(connection, ask.KNOWN_DAYS, {"branch": branch})
        told = f"known are {days['first_day']} to {days['last_day']}" if days["first_day"] else "it has no day at all"
        raise typer.BadParameter(f"nothing is published of {shown(branch)} on {day}: {told}", param_hint="DATE")
    found: dict[str, Any] = {"branch": place, "business_date": day, "figure": figure[0]}
    found["counters"] = _rows(connection, ask.COUNTERS.format(estimated=_estimated(connection)), asked)
    for section, (statement, mart) in _SECTIONS.items():
        found[section] = _rows(connection, statement, asked) if has(connection, mart) else []
    states = ask.STATES if has(connection, "fct_counter_state") else ask.HOURLY_STATES
    found["states"] = _rows(connection, states, asked)
    sales = _rows(connection, ask.CONVERSION, asked) if has(connection, "fct_branch_conversion_daily") else []
    found["conversion"] = sales[0] if sales else None
    return found


def _known_branch(connection: duckdb.DuckDBPyConnection, branch: str) -> dict[str, Any]:
    places = {place["branch_code"]: place for place in _rows(connection, ask.BRANCHES, {})}
    if branch not in places:
        like = difflib.get_close_matches(branch, places, cutoff=0.5)
        told = f"did you mean {', '.join(map(shown, like))}?" if like else f"{len(places)} branches are known"
        raise typer.BadParameter(f"no branch {shown(branch)} is published: {told}", param_hint="BRANCH")
    return places[branch]


def _estimated(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the column with what a counter missed; files published before there were estimates have none."""
    columns = connection.execute("describe marts.fct_counter_traffic_hourly").fetchall()
    return "h.entry_count_estimated" if "entry_count_estimated" in {row[0] for row in columns} else "null"


def _rows(connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, object]) -> Rows:
    connection.execute("set TimeZone = 'UTC'")
    answer = connection.execute(statement, values) if values else connection.execute(statement)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
