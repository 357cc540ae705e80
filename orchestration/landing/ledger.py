"""The ledger: one row per delivery, per attempt, and per feed and business day. SQLite by default, any SQLAlchemy URL.

It says what came, what became of it, and which business days must be rebuilt. It holds no bytes and no secrets, and can
be rebuilt from landing (less the failed attempts). Tables are in ledger_tables.py; the questions the transform asks of
it are in ledger_queries.py.
"""

import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event  # pyright: ignore[reportUnknownVariableType]

from orchestration.batches import batches
from orchestration.landing.ledger_rows import attempt_row, delivery_row
from orchestration.landing.ledger_tables import (
    attempts,
    deliveries,
    delivery_days,
    feed_days,
    metadata,
    remote_files,
    state,
)
from orchestration.landing.store import Kept, safe_name
from orchestration.sources.contract import Failure, FileOutcome

_BATCH = 400  # below SQLite's limit on variables in one statement


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as the parse step needs it."""

    delivery_id: str
    feed: str
    path: str
    named_date: date | None
    delivered_at: datetime
    effective_at: datetime
    device_id: str
    line_id: str
    received_at: datetime

    @property
    def slot(self) -> tuple[str, str, date] | None:
        """The counter and day that a newer delivery replaces; None where the name gives no day."""
        return (self.device_id, self.line_id, self.named_date) if self.named_date else None

    @property
    def fallback_day(self) -> date:
        """The business day to report a delivery under that has no readable row."""
        return self.named_date or self.received_at.date()


class Ledger:
    """Open (and create) the ledger. One instance may be shared by the steps of a process."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _durable_sqlite)
        metadata.create_all(self.engine)
        weakref.finalize(self, self.engine.dispose)  # at the latest when the process ends: no -wal stays

    @classmethod
    def at(cls, home: Path, url: str | None = None) -> "Ledger":
        """Open the ledger of a home: its SQLite file unless a URL is configured."""
        home.mkdir(parents=True, exist_ok=True)
        return cls(url or f"sqlite:///{home / 'ledger.sqlite'}")

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """Open one transaction."""
        with self.engine.begin() as connection:
            yield connection

    def record(self, kept: Sequence[Kept], at: datetime) -> list[str]:
        """Enter kept payloads; return the ids that are new. The same bytes again count as `duplicate` attempts.

        A repeat that the vendor wrote later moves `effective_at`: if A, B and A again were delivered, A is current.
        """
        fresh: list[str] = []
        with self.begin() as connection:
            spans: dict[str, tuple[tuple[datetime, str], datetime]] = {}  # first time and name, last time
            for ids in batches([item.delivery_id for item in kept], _BATCH):
                query = sa.select(
                    deliveries.c.delivery_id, deliveries.c.delivered_at, deliveries.c.name, deliveries.c.effective_at
                )
                for row in connection.execute(query.where(deliveries.c.delivery_id.in_(ids))):
                    spans[row.delivery_id] = ((row.delivered_at, row.name), row.effective_at)
            repeated: set[str] = set()
            rows: list[dict[str, Any]] = []
            tries: list[dict[str, Any]] = []
            for item in kept:
                delivered = item.payload.delivered_at
                is_new = item.delivery_id not in spans
                told = (delivered, item.payload.name)
                first, last = spans.get(item.delivery_id, (told, delivered))
                spans[item.delivery_id] = (min(first, told), max(last, delivered))
                if is_new:
                    fresh.append(item.delivery_id)
                    rows.append(delivery_row(item))
                else:
                    repeated.add(item.delivery_id)
                tries.append(attempt_row(item, "kept" if is_new else "duplicate", at))
            if rows:
                connection.execute(sa.insert(deliveries), rows)
            if repeated:  # landed again, so that their days are rebuilt and show the repeat
                connection.execute(
                    sa.update(deliveries).where(deliveries.c.delivery_id == sa.bindparam("id_")).values(state="landed"),
                    [
                        {"id_": key, "delivered_at": first[0], "name": first[1], "effective_at": last}
                        for key, (first, last) in sorted(spans.items())
                        if key in repeated
                    ],
                )
            if tries:
                connection.execute(sa.insert(attempts), tries)
        return fresh

    def fail(self, failures: Iterable[Failure], at: datetime) -> None:
        """Enter attempts that brought nothing, each with its own reason."""
        rows = [
            {
                "at": at,
                "feed": item.feed,
                "name": item.name,
                "device_id": item.device_id,
                "business_date": item.business_date,
                "outcome": "ignored" if item.reason.startswith("ignored_") else "failed",
                "reason": item.reason,
                "message": safe_name(item.message),
                "delivery_id": "",
                "landing_path": "",
                "received_at": at,
                "delivered_at": at,
            }
            for item in failures
        ]
        if rows:
            with self.begin() as connection:
                connection.execute(sa.insert(attempts), rows)

    def not_asked(self, feed: str, days: Iterable[date]) -> list[date]:
        """Return those of these business days that were not asked for yet."""
        wanted = list(days)
        known: set[date] = set()
        with self.engine.connect() as connection:
            for batch in batches(wanted, _BATCH):
                key = (feed_days.c.feed == feed) & feed_days.c.business_date.in_(batch)
                query = sa.select(feed_days.c.business_date).where(key, feed_days.c.asked_at.is_not(None))
                known |= set(connection.execute(query).scalars())
        return [day for day in wanted if day not in known]

    def asked(self, feed: str, source: str, days: Iterable[date], at: datetime) -> None:
        """Note that these due business days were asked for: what they lack is missing from now on."""
        with self.begin() as connection:
            self._touch(connection, feed, source, days, asked_at=at, is_known=True)

    def known_paths(self, paths: Sequence[str]) -> set[str]:
        """Return those of these landing paths that were entered."""
        found: set[str] = set()
        with self.engine.connect() as connection:
            for batch in batches(paths, _BATCH):
                query = sa.select(attempts.c.landing_path).where(attempts.c.landing_path.in_(batch))
                found |= set(connection.execute(query).scalars())
        return found

    def set_byte_counts(self, counts: Mapping[str, int]) -> None:
        """Correct how many bytes deliveries had (what is adopted from landing comes without its bytes)."""
        with self.begin() as connection:
            connection.execute(
                sa.update(deliveries).where(deliveries.c.delivery_id == sa.bindparam("id_")),
                [{"id_": delivery, "byte_count": count} for delivery, count in counts.items()],
            )

    def pending(self, feed: str) -> list[Delivery]:
        """List deliveries that are landed but not parsed, oldest first."""
        return self._deliveries(deliveries.c.feed == feed, deliveries.c.state == "landed")

    def by_id(self, ids: Sequence[str]) -> list[Delivery]:
        """List these deliveries."""
        return [
            item for batch in batches(ids, _BATCH) for item in self._deliveries(deliveries.c.delivery_id.in_(batch))
        ]

    def of_days(self, feed: str, days: Sequence[date]) -> list[Delivery]:
        """List the readable deliveries of a feed that have rows or rejections on these days."""
        found: dict[str, Delivery] = {}
        for batch in batches(list(days), _BATCH):
            ids = sa.select(delivery_days.c.delivery_id).where(
                delivery_days.c.feed == feed, delivery_days.c.business_date.in_(batch)
            )
            found |= {item.delivery_id: item for item in self._deliveries(deliveries.c.delivery_id.in_(ids))}
        return list(found.values())

    def of_named_days(self, feed: str, days: Sequence[date]) -> list[Delivery]:
        """List the deliveries of a feed whose names give one of these days."""
        return [
            item
            for batch in batches(list(days), _BATCH)
            for item in self._deliveries(
                deliveries.c.feed == feed, deliveries.c.named_date.in_(batch), deliveries.c.state != "landed"
            )
        ]

    def days_of(self, ids: Sequence[str]) -> dict[str, set[date]]:
        """Return the business days on which deliveries had rows or rejections when they were last parsed."""
        found: dict[str, set[date]] = {}
        with self.engine.connect() as connection:
            for batch in batches(ids, _BATCH):
                query = sa.select(delivery_days.c.delivery_id, delivery_days.c.business_date)
                for row in connection.execute(query.where(delivery_days.c.delivery_id.in_(batch))):
                    found.setdefault(row.delivery_id, set()).add(row.business_date)
        return found

    def last_day(self, feed: str) -> date | None:
        """Return the last business day on which this feed had a row or a rejection."""
        query = sa.select(sa.func.max(delivery_days.c.business_date)).where(delivery_days.c.feed == feed)
        with self.engine.connect() as connection:
            return connection.execute(query).scalar()

    def unreadable(self, ids: Sequence[str]) -> set[str]:
        """Return those of these deliveries that could not be read."""
        found: set[str] = set()
        with self.engine.connect() as connection:
            for batch in batches(ids, _BATCH):
                query = sa.select(deliveries.c.delivery_id).where(deliveries.c.state == "unreadable")
                found |= set(connection.execute(query.where(deliveries.c.delivery_id.in_(batch))).scalars())
        return found

    def set_pending(self, feed: str, first: date, last: date) -> int:
        """Mark deliveries of these business days (or named so) to be parsed again; return how many."""
        ids = sa.select(delivery_days.c.delivery_id).where(
            delivery_days.c.feed == feed, delivery_days.c.business_date.between(first, last)
        )
        with self.begin() as connection:
            result = connection.execute(
                sa.update(deliveries)
                .where(
                    deliveries.c.feed == feed,
                    deliveries.c.delivery_id.in_(ids)
                    | sa.func.coalesce(
                        deliveries.c.named_date, sa.func.date(deliveries.c.received_at, type_=sa.Date)
                    ).between(first, last),
                )
                .values(state="landed")
            )
        return result.rowcount

    def parsed(
        self,
        feed: str,
        source: str,
        outcomes: Iterable[FileOutcome],
        days: Mapping[str, Mapping[date, tuple[int, int]]],
        touched: Iterable[date],
        known: Iterable[date],
    ) -> None:
        """Enter what parsing made of deliveries, their (rows, rejected rows) per day, and touch the days rebuilt.

        `known` are those of the touched days that rows or names give; the others only received something unreadable.
        """
        items = list(outcomes)
        with self.begin() as connection:
            for batch in batches([item.delivery_id for item in items], _BATCH):
                connection.execute(sa.delete(delivery_days).where(delivery_days.c.delivery_id.in_(batch)))
            if items:
                connection.execute(
                    sa.update(deliveries).where(deliveries.c.delivery_id == sa.bindparam("id_")),
                    [
                        {
                            "id_": item.delivery_id,
                            "state": item.state,
                            "reason": item.reason,
                            "message": safe_name(item.message),
                            "row_count": item.row_count,
                            "rejected_row_count": item.rejected_row_count,
                        }
                        for item in items
                    ],
                )
            rows = [
                {
                    "delivery_id": delivery,
                    "feed": feed,
                    "business_date": day,
                    "row_count": good,
                    "rejected_row_count": bad,
                }
                for delivery, found in days.items()
                for day, (good, bad) in found.items()
            ]
            if rows:
                connection.execute(sa.insert(delivery_days), rows)
            known = set(known)
            self._touch(connection, feed, source, known, is_known=True)
            self._touch(connection, feed, source, set(touched) - known)

    def transformed(self, touched: Iterable[tuple[str, date, int]]) -> None:
        """Note that the warehouse holds these feed days as they were at that touch count; later touches stay due."""
        rows = [{"feed_": feed, "day_": day, "count_": count} for feed, day, count in touched]
        if rows:
            with self.begin() as connection:
                connection.execute(
                    sa.update(feed_days)
                    .where(feed_days.c.feed == sa.bindparam("feed_"), feed_days.c.business_date == sa.bindparam("day_"))
                    .values(transformed_count=sa.bindparam("count_")),
                    rows,
                )

    def _touch(self, connection: sa.Connection, feed: str, source: str, days: Iterable[date], **values: Any) -> None:
        wanted = sorted(set(days))
        known: set[date] = set()
        for batch in batches(wanted, _BATCH):
            key = (feed_days.c.feed == feed) & feed_days.c.business_date.in_(batch)
            known |= set(connection.execute(sa.select(feed_days.c.business_date).where(key)).scalars())
            connection.execute(
                sa.update(feed_days).where(key).values(touch_count=feed_days.c.touch_count + 1, **values)
            )
        fresh = [
            {
                "feed": feed,
                "source": source,
                "business_date": day,
                "is_known": False,
                "touch_count": 1,
                "transformed_count": 0,
                **values,
            }
            for day in wanted
            if day not in known
        ]
        if fresh:
            connection.execute(sa.insert(feed_days), fresh)

    def _deliveries(self, *where: sa.ColumnElement[bool]) -> list[Delivery]:
        query = sa.select(
            deliveries.c.delivery_id,
            deliveries.c.feed,
            deliveries.c.landing_path,
            deliveries.c.named_date,
            deliveries.c.delivered_at,
            deliveries.c.effective_at,
            deliveries.c.device_id,
            deliveries.c.line_id,
            deliveries.c.received_at,
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query.where(*where).order_by(deliveries.c.effective_at, deliveries.c.delivery_id))
            return [Delivery(*row) for row in rows]

    def listed(self, feed: str) -> dict[str, tuple[int, datetime | None, bool]]:
        """Return the last listing of a remote folder: name to size, modified_at and whether it was fetched."""
        query = sa.select(remote_files).where(remote_files.c.feed == feed)
        with self.engine.connect() as connection:
            return {row.name: (row.size, row.modified_at, row.is_fetched) for row in connection.execute(query)}

    def remember(self, feed: str, files: Iterable[tuple[str, int, datetime | None, bool]]) -> None:
        """Keep a listing, so that the next one can tell what is new, settled or already fetched."""
        rows = [
            {"feed": feed, "name": name, "size": size, "modified_at": at, "is_fetched": got}
            for name, size, at, got in files
        ]
        with self.begin() as connection:
            for batch in batches([row["name"] for row in rows], _BATCH):
                connection.execute(
                    sa.delete(remote_files).where(remote_files.c.feed == feed, remote_files.c.name.in_(batch))
                )
            if rows:
                connection.execute(sa.insert(remote_files), rows)

    def get_state(self, key: str) -> str:
        """Return a remembered value, or the empty string."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(state.c.value).where(state.c.key == key)).scalar() or ""

    def set_state(self, key: str, value: str) -> None:
        """Remember a value across runs."""
        with self.begin() as connection:
            connection.execute(sa.delete(state).where(state.c.key == key))
            connection.execute(sa.insert(state).values(key=key, value=value))


def _durable_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma busy_timeout = 30000")
    cursor.close()
