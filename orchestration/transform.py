"""The transform: hand dbt what changed, let it rebuild exactly those business days, and note what it has seen.

The ledger says which days were touched. dbt alone writes the warehouse; what it needs from the ledger is written as
Parquet under transform/ first, so it reads files and nothing else.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_runner import DbtFailure, NodeResult, build, project_fingerprint
from orchestration.home import Home
from orchestration.landing.ledger_queries import (
    affected_days,
    delivery_rows,
    every_day,
    feed_day_rows,
    known_days,
    touched_days,
)
from orchestration.progress import report

_HANDED_OVER = {  # transform/<name>.parquet: its columns and DuckDB types
    "affected_days": {"business_date": "date", "is_touched": "boolean"},
    "known_days": {"business_date": "date"},
    "feed_days": {"feed": "varchar", "source": "varchar", "business_date": "date", "asked_at": "timestamptz"},
    "feeds": {
        "feed": "varchar",
        "source": "varchar",
        "kind": "varchar",
        "grain_minutes": "integer",
        "is_dense": "boolean",
        "is_per_device_day": "boolean",
        "is_sum_of_doors": "boolean",
        "due_time": "time",
        "due_days_after": "integer",
        "precedence": "integer",
    },
    "deliveries": {
        "delivery_id": "varchar",
        "feed": "varchar",
        "source": "varchar",
        "channel": "varchar",
        "business_date": "date",
        "device_id": "varchar",
        "line_id": "varchar",
        "file_name": "varchar",
        "sha256": "varchar",
        "byte_count": "bigint",
        "received_at": "timestamptz",
        "delivered_at": "timestamptz",
        "state": "varchar",
        "reason": "varchar",
        "row_count": "bigint",
        "rejected_row_count": "bigint",
        "is_superseded": "boolean",
        "revision": "integer",
    },
}


@dataclass(frozen=True, slots=True)
class Transformed:
    """What a transform did. `days` is empty when nothing had changed."""

    days: tuple[date, ...]
    is_full: bool
    nodes: tuple[NodeResult, ...]


def transform(home: Home, days: Sequence[date] | None = None, *, full: bool = False) -> Transformed:
    """Rebuild the touched (or the named, or all) business days in the warehouse.

    A missing warehouse, changed reference files or SQL, or an unfinished full rebuild make it full. Raises DbtFailure
    when a model or a data test fails; the days stay touched then, and the published files stay as they are.
    """
    touched = touched_days(home.ledger)
    known = known_days(home.ledger)
    full = full or must_be_full(home)
    if full:
        rebuilt = affected = every_day(home.ledger)
    else:
        rebuilt = _widened(home, {item.business_date for item in touched} | (set(days or ()) & set(known)), known)
        affected = affected_days(rebuilt, known)
    if not rebuilt:
        return Transformed((), full, ())
    _hand_over(home, rebuilt, affected, known)
    if full:
        home.ledger.set_state("full_rebuild", "running")
    report("transform", 0, len(rebuilt))
    nodes = build(home.settings.home, home.settings.memory_limit, full_refresh=full)
    failed = [node for node in nodes if node.status in ("error", "fail")]
    if failed:
        raise DbtFailure(failed)
    home.ledger.transformed((item.feed, item.business_date, item.count) for item in touched)
    home.ledger.set_state("reference_fingerprint", _reference(home))
    if full:
        home.ledger.set_state("full_rebuild", "")
    report("transform", len(rebuilt), len(rebuilt))
    return Transformed(tuple(rebuilt), full, tuple(nodes))


def _widened(home: Home, days: set[date], known: Sequence[date]) -> list[date]:
    """Add the neighbouring days where a counter's clock is not its branch's: a day of its rows reaches into two."""
    if days and home.inventory.has_foreign_clocks(feed.timezone for feed in home.catalogue.feeds):
        days |= {day + timedelta(days=step) for day in days for step in (-1, 1)} & set(known)
    return sorted(days)


def must_be_full(home: Home) -> bool:
    """Tell whether the warehouse as a whole is behind: missing, of other reference files, or half rebuilt."""
    return (
        not home.settings.warehouse.exists()
        or home.ledger.get_state("full_rebuild") == "running"
        or home.ledger.get_state("reference_fingerprint") != _reference(home)
    )


def _reference(home: Home) -> str:
    """What, besides received data, decides the marts: reference files, how the feeds are described, and the SQL."""
    feeds = repr(sorted(_feed_rows(home), key=lambda row: row["feed"]))
    return home.inventory.fingerprint + feeds + project_fingerprint()


def _feed_rows(home: Home) -> list[dict[str, Any]]:
    return [
        {
            "feed": feed.name,
            "source": feed.source,
            "kind": str(feed.kind),
            "grain_minutes": feed.grain_minutes,
            "is_dense": feed.dense,
            "is_per_device_day": feed.per_device_day,
            "is_sum_of_doors": feed.sums_doors,
            "due_time": feed.due.at if feed.due else None,
            "due_days_after": feed.due.days_after if feed.due else None,
            "precedence": feed.precedence,
        }
        for feed in home.catalogue.feeds
    ]


def _hand_over(home: Home, rebuilt: Sequence[date], affected: Sequence[date], known: Sequence[date]) -> None:
    """Write transform/: the days, and what the ledger says about them."""
    folder = home.settings.home / "transform"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = set(rebuilt)
    rows: dict[str, list[dict[str, Any]]] = {
        "affected_days": [{"business_date": day, "is_touched": day in chosen} for day in affected],
        "known_days": [{"business_date": day} for day in known],
        "feed_days": feed_day_rows(home.ledger, affected),
        "feeds": _feed_rows(home),
        "deliveries": delivery_rows(home.ledger, affected),
    }
    connection = duckdb.connect()
    try:
        connection.execute("set TimeZone = 'UTC'")
        for name, columns in _HANDED_OVER.items():
            _write(connection, folder, name, rows[name], columns)
    finally:
        connection.close()


def _write(
    connection: duckdb.DuckDBPyConnection, folder: Path, name: str, rows: list[dict[str, Any]], columns: dict[str, str]
) -> None:
    """Write rows as Parquet by way of JSON lines, which spares a short run the import of pandas that Arrow would do."""
    lines, parquet = folder / f".{name}.json", folder / f".{name}.tmp"
    with lines.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(json.dumps({key: row[key] for key in columns}, default=str) + "\n" for row in rows)
    connection.execute(
        f"copy (select * from read_json({_text(lines)}, format = 'newline_delimited', columns = {columns})) "
        f"to {_text(parquet)} (format parquet)"
    )
    lines.unlink()
    parquet.replace(folder / f"{name}.parquet")


def _text(value: Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
