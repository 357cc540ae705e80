"""The questions that the transform, `status` and the emulated world's comparison ask of the ledger. Reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from orchestration.landing.ledger import Ledger
from orchestration.landing.ledger_tables import attempts, deliveries, delivery_days, feed_days

_STANDS_NOT = ("unreadable", "retracted")

LOOK_BACK_DAYS = 84  # 28 days each: suspects look back on hours, expectations on suspects, spread on expectations


@dataclass(frozen=True, slots=True)
class Touched:
    """A feed's business day that changed since the last transform. `count` is how often, so far."""

    feed: str
    business_date: date
    count: int


def touched_days(ledger: Ledger) -> list[Touched]:
    """List feed days whose raw rows, deliveries or being asked for changed since the last transform."""
    f = feed_days.c
    query = sa.select(f.feed, f.business_date, f.touch_count).where(f.touch_count > f.transformed_count)
    with ledger.engine.connect() as connection:
        return [Touched(*row) for row in connection.execute(query.order_by(f.business_date, f.feed))]


def known_days(ledger: Ledger) -> list[date]:
    """List every business day that something was received for or that was asked for, ascending."""
    with ledger.engine.connect() as connection:
        query = (
            sa.select(feed_days.c.business_date)
            .where(feed_days.c.is_known)
            .distinct()
            .order_by(feed_days.c.business_date)
        )
        return list(connection.execute(query).scalars())


def every_day(ledger: Ledger) -> list[date]:
    """List the known days and those on which only something unreadable and undated came."""
    with ledger.engine.connect() as connection:
        query = sa.select(feed_days.c.business_date).distinct().order_by(feed_days.c.business_date)
        return list(connection.execute(query).scalars())


def affected_days(touched: Iterable[date], known: Sequence[date]) -> list[date]:
    """List the touched days and the known days within the look-back after one: their zero hours are judged anew."""
    days = set(touched)
    reach = {day + timedelta(days=step) for day in days for step in range(LOOK_BACK_DAYS + 1)}
    return sorted(days | (reach & set(known)))


def feed_day_rows(ledger: Ledger, days: Sequence[date]) -> list[dict[str, Any]]:
    """Rows (feed, source, business_date, asked_at) of these days."""
    with ledger.engine.connect() as connection:
        query = sa.select(feed_days.c.feed, feed_days.c.source, feed_days.c.business_date, feed_days.c.asked_at)
        return [dict(row) for row in connection.execute(_within(query, feed_days.c.business_date, days)).mappings()]


def delivery_rows(ledger: Ledger, days: Sequence[date]) -> list[dict[str, Any]]:
    """One row per delivery (or repeat of one) and business day: what transform/deliveries.parquet holds.

    A delivery is superseded on a day when a later readable one has the same slot: the device, line and day that the
    name gives, else the same file name with rows on that day. An unreadable delivery stands under the day its name
    gives, else the day it was received. A retracted one replaces nothing and is replaced by nothing.
    """
    d, n = deliveries.c, delivery_days.c
    told = [
        d.delivery_id, d.feed, d.source, d.channel, d.device_id, d.line_id, d.named_date, d.name.label("file_name"),
        d.sha256, d.byte_count, d.received_at, d.delivered_at, d.effective_at, d.state, d.reason,
    ]  # fmt: skip
    with_rows = sa.select(*told, n.business_date, n.row_count, n.rejected_row_count).join_from(
        delivery_days, deliveries, d.delivery_id == n.delivery_id
    )
    no_rows = sa.select(
        *told,
        d.named_date.label("business_date"),
        sa.literal(0).label("row_count"),
        sa.literal(0).label("rejected_row_count"),
    )
    with ledger.engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(_within(with_rows, n.business_date, days)).mappings()]
        wanted, with_rows_ids = set(days), {row["delivery_id"] for row in rows}
        for row in connection.execute(no_rows.where(d.state.in_(("empty", *_STANDS_NOT)))).mappings():
            day = row["business_date"] or row["received_at"].date()
            if day in wanted and row["delivery_id"] not in with_rows_ids:
                rows.append({**row, "business_date": day})
        _number_revisions(rows)
        repeats = _repeats(connection, rows)
    return [*rows, *repeats]


def _number_revisions(rows: list[dict[str, Any]]) -> None:
    slots: dict[tuple[str, str, date], list[dict[str, Any]]] = {}
    for row in rows:
        named = row["named_date"]
        slot = f"{row['device_id']}/{row['line_id']}/{named}" if named else f"name:{row['file_name']}"
        slots.setdefault((row["feed"], slot, row["business_date"]), []).append(row)
    for group in slots.values():
        group.sort(key=lambda row: (row["effective_at"], row["delivery_id"]))
        readable = [row for row in group if row["state"] not in _STANDS_NOT]
        for number, row in enumerate(group, 1):
            row["revision"] = number
            row["is_superseded"] = row in readable[:-1]


def _repeats(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_id.setdefault(row["delivery_id"], []).append(row)
    found: list[dict[str, Any]] = []
    ids = list(by_id)
    for start in range(0, len(ids), 400):
        query = sa.select(attempts).where(
            attempts.c.outcome == "duplicate", attempts.c.delivery_id.in_(ids[start : start + 400])
        )
        for attempt in connection.execute(query):
            found += [
                {
                    **row,
                    "state": "duplicate",
                    "file_name": attempt.name,
                    "received_at": attempt.received_at,
                    "delivered_at": attempt.delivered_at,
                    "row_count": 0,
                    "rejected_row_count": 0,
                    "is_superseded": False,
                }
                for row in by_id[attempt.delivery_id]
            ]
    return found


def _within(query: sa.Select[Any], column: sa.ColumnElement[Any], days: Sequence[date]) -> sa.Select[Any]:
    if not days:
        return query.where(sa.false())
    if len(days) <= 400:
        return query.where(column.in_(list(days)))
    return query.where(column.between(min(days), max(days)))
