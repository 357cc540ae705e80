"""`status`: what came, what is missing, what is broken, and what waits. Reads ledger and published file."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.catalogue import load_catalogue
from orchestration.commands.homes import read_ledger
from orchestration.commands.ledger_view import (
    backlog,
    failed_attempts,
    freshness,
    last_known_days,
    unread_deliveries,
)
from orchestration.commands.published_view import DELIVERIES, OUTAGES, UNPLACED, has, rows
from orchestration.commands.screen import print_json
from orchestration.commands.status_tables import print_status
from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_queries import delivery_rows
from orchestration.publish.read import NothingPublished, last_published_at, open_published
from orchestration.settings import Settings
from orchestration.sources.fileserver import temporary

OUTAGE_DAYS = 7
RUNS = 5


def show(settings: Settings, *, days: int, as_json: bool) -> None:
    """Print the state of a home."""
    found = gather(settings, days, datetime.now(UTC))
    if as_json:
        print_json(found)
    else:
        print_status(found)


def gather(settings: Settings, days: int, now: datetime) -> dict[str, Any]:
    """Collect what there is to say; every key is always there, empty where nothing is to be told."""
    feeds = load_catalogue(settings.reference).feeds
    found: dict[str, Any] = {
        "home": settings.home,
        "at": now,
        "published_at": last_published_at(settings.home),
        "deliveries": [],
        "outages": [],
        "unplaced_devices": [],
        "unreadable": [],
        "failed_last_day": [],
        "freshness": [],
        "backlog": {"landed_not_parsed": {}, "touched_not_transformed": [], "feeds_touched": []},
        "runs": _last_runs(settings.home),
    }
    ledger = read_ledger(settings)
    came = freshness(ledger) if ledger else {}
    nothing = {"deliveries": 0, "last_received_at": None, "last_business_date": None}
    names = [feed.name for feed in feeds]
    for name in [*names, *sorted(came.keys() - set(names))]:
        found["freshness"].append({"feed": name, "in_use": name in names, **came.get(name, nothing)})
    if ledger:
        found["backlog"] = backlog(ledger)
        found["failed_last_day"] = failed_attempts(ledger, now - timedelta(days=1))
        found["unreadable"] = [item.as_json() for item in unread_deliveries(ledger) if not item.is_replaced]
    found["backlog"]["inbox"] = _waiting(settings.home / "inbox")
    try:
        with closing(open_published(settings.home)) as connection:
            for key, mart, statement, values in (
                ("deliveries", "fct_delivery", DELIVERIES, [days]),
                ("outages", "fct_counter_outage", OUTAGES, [OUTAGE_DAYS]),
                ("unplaced_devices", "fct_counter_traffic_hourly", UNPLACED, []),
            ):
                if has(connection, mart):
                    found[key] = rows(connection, statement, values)
    except NothingPublished:
        found["deliveries"] = _landed(ledger, days) if ledger else []
    return found


def _landed(ledger: Ledger, days: int) -> list[dict[str, Any]]:
    """Count deliveries from the ledger, before a first publication says which of them are late or missing."""
    found: dict[tuple[Any, str], dict[str, Any]] = {}
    for row in delivery_rows(ledger, last_known_days(ledger, days)):
        key = row["business_date"], row["feed"]
        counts = found.setdefault(key, {"feed": row["feed"], "business_date": row["business_date"], "arrived": 0})
        is_repeat = row["state"] == "duplicate"
        unread, replaced = row["state"] == "unreadable", row["is_superseded"]
        adding = {"arrived": not is_repeat, "duplicate": is_repeat, "rejected": unread, "revised": replaced}
        for name, adds in adding.items():
            counts[name] = counts.get(name, 0) + adds
        for name in ("row_count", "rejected_row_count"):
            counts[name] = counts.get(name, 0) + row[name]
    return [found[key] for key in sorted(found, key=lambda key: (-key[0].toordinal(), key[1]))]


def _waiting(inbox: Path) -> dict[str, int]:
    """Count files that wait in the inboxes."""
    if not inbox.is_dir():
        return {}
    waiting = {
        folder.name: sum(path.is_file() and not temporary(path.name) for path in folder.iterdir())
        for folder in sorted(inbox.iterdir())
        if folder.is_dir()
    }
    return {feed: count for feed, count in waiting.items() if count}


def _last_runs(home: Path) -> list[dict[str, Any]]:
    """Read the last runs from Dagster's own SQLite file: loading Dagster to ask would take seconds."""
    path = home / "dagster" / "history" / "runs.db"
    if not path.exists():
        return []
    idle = "" if path.with_name("runs.db-wal").exists() else "&immutable=1"
    query = "select pipeline_name, status, start_time, end_time, run_id from runs order by id desc limit ?"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro{idle}", uri=True, timeout=5)) as connection:
            found = connection.execute(query, [RUNS]).fetchall()
    except sqlite3.Error:  # another version's tables, or PostgreSQL: Dagster's own page shows the runs
        return []
    return [
        {
            "job": job,
            "status": status,
            "started_at": datetime.fromtimestamp(start, UTC) if start else None,
            "seconds": round(end - start, 1) if start and end else None,
            "run_id": run_id,
        }
        for job, status, start, end, run_id in found
    ]
