"""A small FOOTFALL_HOME for dbt: raw Parquet, transform inputs and reference files with the schemas dbt is promised.

Tests say what lies in raw and what the ledger knows; `write` lays it out and `build` runs dbt in this process.
"""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.dbt.raw_schemas import RAW, REFERENCE, TRANSFORM

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SENTINEL = date(1900, 1, 1)
LOOK_BACK_DAYS = 28


def at(day: date, clock: str = "00:00", days: int = 0) -> datetime:
    """Return a naive local moment of a day."""
    return datetime.combine(day + timedelta(days=days), time.fromisoformat(clock))


def utc(day: date, clock: str = "00:00", days: int = 0) -> datetime:
    """Return an instant, given in UTC."""
    return at(day, clock, days).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Delivery:
    """A file as the ledger knows it. `rows` are (local start, entries, exits) in the order of the file's lines."""

    feed: str
    day: date
    device_id: str = ""
    rows: Sequence[tuple[datetime, int, int]] = ()
    rejected: Sequence[tuple[int, datetime | None]] = ()
    delivered_at: datetime | None = None
    name: str = ""
    state: str = "parsed"
    reason: str = ""
    line_id: str = ""
    is_superseded: bool = False
    timezone: str = ""

    @property
    def delivery_id(self) -> str:
        return self.name or f"{self.feed}-{self.device_id}-{self.day}"


def delivered(item: Delivery) -> datetime:
    """Return when the vendor had delivered: 04:00 UTC of the next day where a test does not say."""
    return item.delivered_at or utc(item.day, "04:00", days=1)


@dataclass
class Feed:
    """A feed as transform/feeds.parquet tells it."""

    feed: str
    source: str
    kind: str = "counts"
    grain_minutes: int = 60
    is_dense: bool = True
    is_per_device_day: bool = False
    is_sum_of_doors: bool = False
    due_time: time | None = None
    due_days_after: int | None = None
    precedence: int = 100
    overlap: str = "interval"
    nonexistent_local_time: str = "reject"

    @property
    def table(self) -> str:
        return "sales" if self.kind == "sales" else "counts"


@dataclass
class SmallHome:
    """What lies in a home. Mutate, `write`, `build`, ask `rows`."""

    path: Path
    feeds: dict[str, Feed] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    sales: list[tuple[Delivery, list[tuple[str, datetime, int, str]]]] = field(default_factory=list)
    asked: dict[tuple[str, date], datetime] = field(default_factory=dict)
    known_days: set[date] = field(default_factory=set)
    reference: dict[str, list[dict[str, str]]] = field(default_factory=lambda: {name: [] for name in REFERENCE})

    def feed(self, feed: Feed) -> None:
        self.feeds[feed.feed] = feed

    def branch(self, branch_code: str, timezone: str = "Europe/London", **columns: str) -> None:
        self.reference["branches"].append({"branch_code": branch_code, "timezone": timezone, **columns})

    def counter(
        self, source: str, device_id: str, branch_code: str, placement: str = "entrance", **columns: str
    ) -> None:
        row = {"source": source, "device_id": device_id, "branch_code": branch_code, "placement": placement}
        self.reference["counters"].append(row | columns)

    def opens(self, branch_code: str, opens: str, closes: str, weekdays: Iterable[int] = range(1, 8)) -> None:
        for weekday in weekdays:
            row = {"branch_code": branch_code, "weekday": str(weekday), "opens": opens, "closes": closes}
            self.reference["opening_hours"].append(row)

    def special(self, branch_code: str, day: date, opens: str = "", closes: str = "") -> None:
        self.reference["special_days"].append(
            {"branch_code": branch_code, "date": str(day), "opens": opens, "closes": closes}
        )

    def deliver(self, delivery: Delivery) -> Delivery:
        self.deliveries.append(delivery)
        self.known_days.add(delivery.day)
        return delivery

    def sell(self, delivery: Delivery, rows: list[tuple[str, datetime, int, str]]) -> None:
        self.sales.append((delivery, rows))
        self.deliver(delivery)

    def write(self, touched: Iterable[date] | None = None) -> None:
        """Lay everything out. `touched` None: every known day (what a full rebuild hands over)."""
        for name, header in REFERENCE.items():
            self._write_csv(name, header.split(","))
        days = set(self.known_days if touched is None else touched)
        reach = {day + timedelta(days=step) for day in days for step in range(LOOK_BACK_DAYS + 1)} & self.known_days
        affected = sorted(days | reach)
        self._transform("affected_days", [{"business_date": day, "is_touched": day in days} for day in affected])
        self._transform("known_days", [{"business_date": day} for day in sorted(self.known_days)])
        columns = set(TRANSFORM["feeds"].names)
        feeds = [{k: v for k, v in vars(feed).items() if k in columns} for feed in self.feeds.values()]
        self._transform("feeds", feeds)
        asked = [
            {"feed": feed, "source": self.feeds[feed].source, "business_date": day, "asked_at": asked_at}
            for (feed, day), asked_at in self.asked.items()
            if day in affected
        ]
        self._transform("feed_days", asked)
        self._transform("deliveries", [self._told(item) for item in self.deliveries if item.day in affected])
        self._write_raw()

    def run(self) -> None:
        """Build the models; raise with dbt's messages if one fails."""
        invoke(self.path, ["run"])

    def build(self, *, full_refresh: bool = False) -> None:
        """Build the models and run their data tests, without unit tests; raise with dbt's messages if one fails."""
        invoke(self.path, ["build", "--exclude", "resource_type:unit_test"], full_refresh=full_refresh)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def contents(self, schemas: Sequence[str] = ("intermediate", "marts")) -> dict[str, tuple[Any, ...]]:
        """Return how many rows every table has, and hashes of them that no order changes."""
        tables = self.rows("select table_schema, table_name from information_schema.tables order by all")
        found = {}
        for schema, table in tables:
            if schema in schemas:
                query = f"select count(*), bit_xor(hash(t)), sum(hash(t)) from {schema}.{table} as t"
                found[f"{schema}.{table}"] = self.rows(query)[0]
        return found

    def _told(self, item: Delivery) -> dict[str, Any]:
        sold = [rows for delivery, rows in self.sales if delivery is item]
        return {
            "delivery_id": item.delivery_id,
            "feed": item.feed,
            "source": self.feeds[item.feed].source,
            "channel": "remote",
            "business_date": item.day,
            "device_id": item.device_id,
            "line_id": item.line_id,
            "file_name": f"{item.delivery_id}.csv",
            "sha256": f"sha-{item.delivery_id}",
            "byte_count": 100,
            "received_at": delivered(item),
            "delivered_at": delivered(item),
            "state": item.state,
            "reason": item.reason,
            "row_count": len(sold[0]) if sold else len(item.rows),
            "rejected_row_count": len(item.rejected),
            "is_superseded": item.is_superseded,
            "revision": 1,
        }

    def _write_raw(self) -> None:
        for old in self.path.glob("raw/*/*/business_date=*/*.parquet"):
            old.unlink()
        partitions: dict[tuple[str, date, str], list[dict[str, Any]]] = defaultdict(list)
        for feed in self.feeds.values():
            partitions[feed.feed, SENTINEL, feed.table] = []
            partitions[feed.feed, SENTINEL, "rejected"] = []
        for item in self.deliveries:
            for number, (start, entries, exits) in enumerate(item.rows, 2):
                row = self._count(item, number, start, entries, exits)
                partitions[item.feed, start.date(), "counts"].append(row)
            for number, start in item.rejected:
                row = {"line_number": number, "column_name": "entry_count", "value": "", "reason": "blank_value"}
                told = {"line": "torn", "device_id": item.device_id, "interval_start_local": start}
                partitions[item.feed, item.day, "rejected"].append(self._marks(item) | row | told)
        for item, sold in self.sales:
            for number, (store, moment, count, amount) in enumerate(sold, 2):
                row = {"store_code": store, "transaction_at_local": moment, "transaction_count": count}
                told = {"sales_amount": Decimal(amount), "timezone": "", "_row_number": number}
                marks = self._marks(item) | {
                    "_delivered_at": delivered(item),
                    "_effective_at": delivered(item),
                    "_business_date": moment.date(),
                }
                partitions[item.feed, moment.date(), "sales"].append(marks | row | told)
        for (name, day, table), rows in partitions.items():
            self._partition(self.feeds[name], day, table, rows)

    def _marks(self, item: Delivery) -> dict[str, Any]:
        return {
            "_source": self.feeds[item.feed].source,
            "_feed": item.feed,
            "_business_date": item.day,
            "_delivery_id": item.delivery_id,
            "_received_at": delivered(item),
        }

    def _count(self, item: Delivery, number: int, start: datetime, entries: int, exits: int) -> dict[str, Any]:
        feed = self.feeds[item.feed]
        return self._marks(item) | {
            "device_id": item.device_id,
            "line_id": item.line_id,
            "interval_start_local": start,
            "interval_minutes": feed.grain_minutes,
            "entry_count": entries,
            "exit_count": exits,
            "timezone": item.timezone,
            "nonexistent_local_time": feed.nonexistent_local_time,
            "overlap": feed.overlap,
            "is_dense": feed.is_dense,
            "_business_date": start.date(),
            "_row_number": number,
            "_delivered_at": delivered(item),
            "_effective_at": delivered(item),
        }

    def _partition(self, feed: Feed, day: date, table: str, rows: list[dict[str, Any]]) -> None:
        folder = self.path / "raw" / feed.source / feed.feed / f"business_date={day}"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=RAW[table]), folder / f"{table}.parquet", compression="zstd")

    def _transform(self, name: str, rows: list[dict[str, Any]]) -> None:
        folder = self.path / "transform"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=TRANSFORM[name]), folder / f"{name}.parquet")

    def _write_csv(self, name: str, header: list[str]) -> None:
        folder = self.path / "reference"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, header, restval="")
            writer.writeheader()
            writer.writerows(self.reference[name])


def invoke(home: Path, arguments: list[str], *, full_refresh: bool = False) -> Any:
    """Run dbt in this process against a home; raise AssertionError with what failed."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    os.environ["FOOTFALL_HOME"] = str(home)
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--log-level-file", "none"]
    try:
        result = dbtRunner().invoke([*arguments, *places, "--quiet", *(["--full-refresh"] if full_refresh else [])])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert result.exception is None, result.exception
    failed = [f"{item.node.unique_id}: {item.message}" for item in result.result if item.status in ("error", "fail")]
    assert not failed, "\n".join(failed)
    return result.result
