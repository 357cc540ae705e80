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

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SENTINEL = date(1900, 1, 1)
LOOK_BACK_DAYS = 28

_AT = pa.timestamp("us", tz="UTC")
_LOCAL = pa.timestamp("us")
_BOOKKEEPING = [("_source", pa.string()), ("_feed", pa.string()), ("_business_date", pa.date32()), ("_delivery_id", pa.string())]
COUNTS = pa.schema(
    [
        ("device_id", pa.string()),
        ("line_id", pa.string()),
        ("interval_start_local", _LOCAL),
        ("interval_minutes", pa.int32()),
        ("entry_count", pa.int64()),
        ("exit_count", pa.int64()),
        ("staff_count", pa.int64()),
        ("timezone", pa.string()),
        ("nonexistent_local_time", pa.string()),
        ("overlap", pa.string()),
        ("is_dense", pa.bool_()),
        *_BOOKKEEPING,
        ("_row_number", pa.int32()),
        ("_received_at", _AT),
        ("_delivered_at", _AT),
    ]
)
SALES = pa.schema(
    [
        ("store_code", pa.string()),
        ("transaction_at_local", _LOCAL),
        ("transaction_count", pa.int64()),
        ("sales_amount", pa.decimal128(18, 2)),
        ("timezone", pa.string()),
        *_BOOKKEEPING,
        ("_row_number", pa.int32()),
        ("_received_at", _AT),
        ("_delivered_at", _AT),
    ]
)
REJECTED = pa.schema(
    [
        ("line_number", pa.int32()),
        ("column_name", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("line", pa.string()),
        ("device_id", pa.string()),
        ("interval_start_local", _LOCAL),
        *_BOOKKEEPING,
        ("_received_at", _AT),
    ]
)
RAW = {"counts": COUNTS, "sales": SALES, "rejected": REJECTED}
TRANSFORM = {
    "affected_days": pa.schema([("business_date", pa.date32()), ("is_touched", pa.bool_())]),
    "known_days": pa.schema([("business_date", pa.date32())]),
    "feed_days": pa.schema(
        [("feed", pa.string()), ("source", pa.string()), ("business_date", pa.date32()), ("asked_at", _AT)]
    ),
    "feeds": pa.schema(
        [
            ("feed", pa.string()),
            ("source", pa.string()),
            ("kind", pa.string()),
            ("grain_minutes", pa.int32()),
            ("is_dense", pa.bool_()),
            ("is_per_device_day", pa.bool_()),
            ("due_time", pa.time64("us")),
            ("due_days_after", pa.int32()),
            ("precedence", pa.int32()),
        ]
    ),
    "deliveries": pa.schema(
        [
            ("delivery_id", pa.string()),
            ("feed", pa.string()),
            ("source", pa.string()),
            ("channel", pa.string()),
            ("business_date", pa.date32()),
            ("device_id", pa.string()),
            ("line_id", pa.string()),
            ("file_name", pa.string()),
            ("sha256", pa.string()),
            ("byte_count", pa.int64()),
            ("received_at", _AT),
            ("delivered_at", _AT),
            ("state", pa.string()),
            ("reason", pa.string()),
            ("row_count", pa.int64()),
            ("rejected_row_count", pa.int64()),
            ("is_superseded", pa.bool_()),
            ("revision", pa.int32()),
        ]
    ),
}
REFERENCE = {
    "branches": (
        "branch_code,branch_name,country,region,city,timezone,currency_code,floor_area_m2,visitor_basis,opened_on,closed_on"
    ),
    "counters": "source,device_id,line_id,branch_code,placement,direction,label,address,timezone,valid_from,valid_to",
    "opening_hours": "branch_code,weekday,opens,closes,valid_from,valid_to",
    "special_days": "branch_code,date,opens,closes",
}


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
    kept: bool = True
    timezone: str = ""

    @property
    def delivery_id(self) -> str:
        return self.name or f"{self.feed}-{self.device_id}-{self.day}"


@dataclass
class Feed:
    """A feed as transform/feeds.parquet tells it."""

    feed: str
    source: str
    kind: str = "counts"
    grain_minutes: int = 60
    is_dense: bool = True
    is_per_device_day: bool = False
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

    def counter(self, source: str, device_id: str, branch_code: str, placement: str = "entrance", **columns: str) -> None:
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
        self._transform("deliveries", [row for item in self.deliveries for row in self._told(item) if item.day in affected])
        self._write_raw()

    def build(self, *arguments: str, full_refresh: bool = False) -> None:
        """Run `dbt build` without unit tests; raise with dbt's messages if anything fails."""
        invoke(self.path, ["build", "--exclude", "resource_type:unit_test", *arguments], full_refresh=full_refresh)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def contents(self, schemas: Sequence[str] = ("intermediate", "marts")) -> dict[str, tuple[int, int]]:
        """Return rows and an order-free hash of every table."""
        tables = self.rows("select table_schema, table_name from information_schema.tables order by all")
        found = {}
        for schema, table in tables:
            if schema in schemas:
                query = f"select count(*), coalesce(bit_xor(hash(t)), 0) + coalesce(sum(hash(t)), 0) from {schema}.{table} as t"
                found[f"{schema}.{table}"] = self.rows(query)[0]
        return found

    def _told(self, item: Delivery) -> list[dict[str, Any]]:
        feed = self.feeds[item.feed]
        sold = [rows for delivery, rows in self.sales if delivery is item]
        return [
            {
                "delivery_id": item.delivery_id,
                "feed": item.feed,
                "source": feed.source,
                "channel": "remote",
                "business_date": item.day,
                "device_id": item.device_id,
                "line_id": item.line_id,
                "file_name": f"{item.delivery_id}.csv",
                "sha256": f"sha-{item.delivery_id}",
                "byte_count": 100,
                "received_at": self._delivered(item),
                "delivered_at": self._delivered(item),
                "state": item.state,
                "reason": item.reason,
                "row_count": len(sold[0]) if sold else len(item.rows),
                "rejected_row_count": len(item.rejected),
                "is_superseded": item.is_superseded,
                "revision": 1,
            }
        ]

    @staticmethod
    def _delivered(item: Delivery) -> datetime:
        return item.delivered_at or utc(item.day, "04:00", days=1)

    def _write_raw(self) -> None:
        partitions: dict[tuple[Feed, date, str], list[dict[str, Any]]] = defaultdict(list)
        by_name = {}
        for feed in self.feeds.values():
            by_name[feed.feed] = feed
            for table in (feed.table, "rejected"):
                self._partition(feed, SENTINEL, table, [])
        keyed: dict[tuple[str, date, str], list[dict[str, Any]]] = defaultdict(list)
        for item in self.deliveries:
            for number, (start, entries, exits) in enumerate(item.rows, 2):
                keyed[item.feed, start.date() if item.kept else item.day, "counts"].append(
                    self._count(item, number, start, entries, exits)
                )
            for number, start in item.rejected:
                keyed[item.feed, item.day, "rejected"].append(
                    self._marks(item)
                    | {"line_number": number, "column_name": "entry_count", "value": "", "reason": "blank_value"}
                    | {"line": "torn", "device_id": item.device_id, "interval_start_local": start}
                )
        for item, sold in self.sales:
            for number, (store, moment, count, amount) in enumerate(sold, 2):
                keyed[item.feed, moment.date(), "sales"].append(
                    self._marks(item)
                    | {"store_code": store, "transaction_at_local": moment, "transaction_count": count}
                    | {"sales_amount": Decimal(amount), "timezone": "", "_row_number": number}
                    | {"_delivered_at": self._delivered(item), "_business_date": moment.date()}
                )
        wanted = {(by_name[feed], day, table): rows for (feed, day, table), rows in keyed.items()} if False else keyed
        partitions.clear()
        for old in self.path.glob("raw/*/*/business_date=*/*.parquet"):
            if f"={SENTINEL}" not in old.parent.name:
                old.unlink()
        for (name, day, table), rows in wanted.items():
            self._partition(by_name[name], day, table, rows)

    def _marks(self, item: Delivery) -> dict[str, Any]:
        return {
            "_source": self.feeds[item.feed].source,
            "_feed": item.feed,
            "_business_date": item.day,
            "_delivery_id": item.delivery_id,
            "_received_at": self._delivered(item),
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
            "_delivered_at": self._delivered(item),
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
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415 - seconds of import
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["FOOTFALL_HOME"] = str(home)
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--log-path", str(home / "dbt" / "logs")]
    try:
        result = dbtRunner().invoke([*arguments, *places, "--quiet", *(["--full-refresh"] if full_refresh else [])])
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert result.exception is None, result.exception
    failed = [f"{item.node.unique_id}: {item.message}" for item in result.result if item.status in ("error", "fail")]
    assert not failed, "\n".join(failed)
    return result.result
